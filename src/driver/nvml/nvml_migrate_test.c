/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver asks NVML before a migration, against the simulated library. */
#include "test.h"

#include "base/base64.h"
#include "driver/nvml/nvml_port.h"
#include "sim/rpc/served.h"

#define VM "5c3ae3a2-6d3b-4f4e-8b86-0c6c6f0d7a11"
#define L40S "0001:61:00.0"
#define PRO "0000:41:00.0"

static void free_port(struct gpu_port **port)
{
    (*port)->ops->free(*port);
}

#define PORT(iface)                                                                                \
    SERVED(iface);                                                                                 \
    CLEANUP(free_port) struct gpu_port *port = nvml_port_new()

static void run_vgpu(struct served *sim)
{
    char bdf[BDF_SIZE];
    struct sim_gpu *gpu = sim->fix->gpus[FIX_L40S];
    sim_lock(sim->host);
    assert_int_equal(sim_sriov(sim->host, gpu, true), 0);
    assert_int_equal(sim_vf_set_type(sim->host, gpu, &gpu->vfs[0], 1152), 0);
    assert_int_equal(
        sim_open_device(sim->host, pci_addr_format(&gpu->vfs[0].addr, bdf), getpid(), VM), 0);
    sim_unlock(sim->host);
}

static struct pci_addr at(const char *bdf)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(bdf, &addr));
    return addr;
}

static struct gpu_vgpu_query query(const char *vm, uint32_t type_id)
{
    return (struct gpu_vgpu_query){
        .gpu = at(L40S), .vm_uuid = vm, .mdev_uuid = "", .type_id = type_id};
}

static void a_vgpu_tells_its_metadata_and_how_much_it_uses(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    run_vgpu(sim);
    struct gpu_vgpu_state vgpu;
    struct error err = {0};
    struct gpu_vgpu_query right = query(VM, 1152);
    if (port->ops->vgpu_state(port, &right, &vgpu, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_true(vgpu.framebuffer_used_known);
    assert_true(strlen(vgpu.metadata) > 200);
    struct gpu_vgpu_query other_vm = query("00000000-0000-4000-8000-000000000000", NO_ID);
    assert_int_equal(port->ops->vgpu_state(port, &other_vm, &vgpu, &err), -REASON_NOT_FOUND);
    struct gpu_vgpu_query other_type = query(VM, 1);
    assert_int_equal(port->ops->vgpu_state(port, &other_type, &vgpu, &err), -REASON_NOT_FOUND);
}

static void its_own_board_says_live_and_another_none(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    run_vgpu(sim);
    struct gpu_vgpu_state vgpu;
    struct gpu_vgpu_query right = query(VM, NO_ID);
    char word[16] = "";
    struct pci_addr own = at(L40S);
    struct pci_addr other = at(PRO);
    assert_int_equal(port->ops->vgpu_state(port, &right, &vgpu, NULL), 0);
    assert_int_equal(port->ops->compatible(port, &own, vgpu.metadata, word, NULL), 0);
    assert_string_equal(word, "live");
    assert_int_equal(port->ops->compatible(port, &other, vgpu.metadata, word, NULL), 0);
    assert_string_equal(word, "none");
}

/* Metadata comes from another host: the driver must not see what lies about its own size. */
static void metadata_that_is_broken_never_reaches_the_driver(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct nvml_vgpu_metadata liar = {.version = 3, .opaque_data_size = UINT32_MAX};
    char text[1024];
    char word[16] = "";
    struct pci_addr own = at(L40S);
    assert_true(base64_encode(&liar, sizeof(liar), text, sizeof(text)));
    const char *const bad[] = {"", "no base64", "AAAA", text};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (port->ops->compatible(port, &own, bad[i], word, NULL) != -REASON_INVALID) {
            fail_msg("row %zu", i);
        }
    }
}

static void ecc_and_links_are_observed(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    (void)sim;
    CLEANUP(host_freep) struct host *host = host_new();
    struct pci_addr addr = at(L40S);
    assert_int_equal(port->ops->observe(port, host, NULL), 0);
    const struct gpu *gpu = host_find_gpu_addr(host, &addr);
    assert_non_null(gpu);
    assert_int_not_equal(gpu->ecc, TRI_UNKNOWN);
    assert_true(gpu->nvlinks_known); /* this board has none, and the driver says so */
    assert_int_equal(gpu->nvlinks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vgpu_tells_its_metadata_and_how_much_it_uses),
        cmocka_unit_test(its_own_board_says_live_and_another_none),
        cmocka_unit_test(metadata_that_is_broken_never_reaches_the_driver),
        cmocka_unit_test(ecc_and_links_are_observed),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
