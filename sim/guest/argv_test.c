/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim/guest/argv.h"
#include "sim/guest/describe.h"
#include "test.h"

/* A host with 0000:41:00.4, a whole GPU at 0000:81:00.0, its audio function and one mdev;
 * 0000:41:00.5 is held by someone. */
static int open_fake(void *data, const char *device, const struct argv_vm *vm,
                     struct device_memory *ret_memory, struct error *err)
{
    struct argv_vm *seen = data;
    if (seen != NULL) {
        *seen = *vm;
    }
    if (str_eq(device, "0000:41:00.5")) {
        return error_set(err, REASON_IN_USE, device, "another process has it open");
    }
    ret_memory->placeholder = str_eq(device, "0000:81:00.1");
    ret_memory->movable = !str_eq(device, "0000:81:00.0");
    if (str_eq(device, "0000:41:00.4") || str_eq(device, "0000:81:00.0") ||
        str_eq(device, "c2177883-f1bb-47f0-914d-32a22e3a8804")) {
        STR_SET(ret_memory->path, "/proc/self/fd/7");
        ret_memory->bytes = 8 << 20;
    }
    return 0;
}

/* Joins the rewritten arguments with a blank; the result is the golden text. */
static char *rewritten(const char *const *argv, struct argv_vm *seen)
{
    struct strlist list = {0};
    struct error err = {0};
    struct strbuf out = {0};
    if (argv_rewrite((char *const *)argv, open_fake, seen, &list, &err) < 0) {
        return xstrdup(err.message);
    }
    for (size_t i = 0; list.items[i] != NULL; i++) {
        strbuf_addf(&out, "%s%s", i > 0 ? " " : "", list.items[i]);
    }
    strlist_done(&list);
    return strbuf_take(&out);
}

#define ARGV(...) ((const char *const[]){"qemu", __VA_ARGS__, NULL})
#define ASSERT_REWRITTEN(argv, wanted)                                                             \
    do {                                                                                           \
        CLEANUP_FREE char *text_ = rewritten((argv), NULL);                                        \
        assert_string_equal(text_, (wanted));                                                      \
    } while (0)

static void a_json_device_becomes_memory_at_the_same_place(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(
        ARGV("-S", "-device",
             "{\"driver\":\"vfio-pci\",\"host\":\"0000:41:00.4\",\"id\":\"hostdev0\","
             "\"bus\":\"pci.0\",\"multifunction\":true,\"rombar\":0,\"addr\":\"0x2\"}",
             "-no-shutdown"),
        "qemu -S -object {\"id\":\"cleave-gpu0\",\"mem-path\":\"/proc/self/fd/7\","
        "\"qom-type\":\"memory-backend-file\",\"share\":true,\"size\":8388608} "
        "-device {\"addr\":\"0x2\",\"bus\":\"pci.0\",\"driver\":\"ivshmem-plain\","
        "\"id\":\"hostdev0\",\"master\":\"on\",\"memdev\":\"cleave-gpu0\",\"multifunction\":true} "
        "-no-shutdown");
}

static void keys_and_values_keep_their_form_and_their_commas(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(ARGV("-device", "vfio-pci,host=0000:41:00.4,id=a,,b,bus=pcie.0,addr=0x3.0x1,"
                                     "multifunction=on,rombar=0"),
                     "qemu -object memory-backend-file,id=cleave-gpu0,mem-path=/proc/self/fd/7,"
                     "size=8388608,share=on "
                     "-device ivshmem-plain,memdev=cleave-gpu0,master=on,addr=0x3.0x1,bus=pcie.0,"
                     "id=a,,b,multifunction=on");
}

static void an_mdev_is_found_by_its_path(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(
        ARGV("--device",
             "{\"driver\":\"vfio-pci-nohotplug\",\"id\":\"hostdev0\",\"display\":\"on\","
             "\"sysfsdev\":\"/sys/bus/mdev/devices/c2177883-f1bb-47f0-914d-32a22e3a8804\"}"),
        "qemu -object {\"id\":\"cleave-gpu0\",\"mem-path\":\"/proc/self/fd/7\","
        "\"qom-type\":\"memory-backend-file\",\"share\":true,\"size\":8388608} "
        "-device {\"driver\":\"ivshmem-plain\",\"id\":\"hostdev0\",\"master\":\"on\","
        "\"memdev\":\"cleave-gpu0\"}");
}

static void several_devices_get_memory_each_and_foreign_ones_stay(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(ARGV("-device", "vfio-pci,host=0000:41:00.4", "-device", "VGA", "-device",
                          "vfio-pci,host=0000:99:00.0", "-device",
                          "driver=vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:41:00.4"),
                     "qemu -object memory-backend-file,id=cleave-gpu0,mem-path=/proc/self/fd/7,"
                     "size=8388608,share=on -device ivshmem-plain,memdev=cleave-gpu0,master=on "
                     "-device VGA -device vfio-pci,host=0000:99:00.0 "
                     "-object memory-backend-file,id=cleave-gpu1,mem-path=/proc/self/fd/7,"
                     "size=8388608,share=on -device ivshmem-plain,memdev=cleave-gpu1,master=on");
}

static void a_whole_gpu_can_t_migrate(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(ARGV("-device", "vfio-pci,host=0000:81:00.0"),
                     "qemu -object memory-backend-file,id=cleave-gpu0,mem-path=/proc/self/fd/7,"
                     "size=8388608,share=on -device ivshmem-plain,memdev=cleave-gpu0,master=off");
}

/* The driver of its guest would find nothing to play on, and its memory is none of ours. */
static void what_goes_along_with_a_gpu_gets_a_device_that_does_nothing(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(ARGV("-device", "vfio-pci,host=0000:81:00.1,id=hostdev1,bus=pci.6,addr=0x0"),
                     "qemu -device pci-testdev,addr=0x0,bus=pci.6,id=hostdev1");
    ASSERT_REWRITTEN(ARGV("-device", "{\"driver\":\"vfio-pci\",\"host\":\"0000:81:00.1\","
                                     "\"id\":\"hostdev1\",\"addr\":\"0x0\"}"),
                     "qemu -device {\"addr\":\"0x0\",\"driver\":\"pci-testdev\","
                     "\"id\":\"hostdev1\"}");
}

static void text_that_looks_like_a_device_stays_text(void **state)
{
    (void)state;
    static const char *const same[][5] = {
        {"-append", "-device", "vfio-pci,host=0000:41:00.4", NULL},
        {"-name", "vfio-pci,host=0000:41:00.4", NULL},
        {"-device", "{\"driver\":\"vfio-pci\",\"host\":", NULL},
        {"-device", "{\"driver\":\"vfio-pci\",\"host\":7}", NULL},
        {"-device", "{\"driver\":\"VGA\",\"driver\":\"vfio-pci\",\"host\":\"0000:41:00.4\"}", NULL},
        {"-device", "vfio-pci", NULL},
        {"-device", "vfio-pci,host=", NULL},
        {"-device", "vfio-pci,host=0000:41:00.4\n", NULL},
        {"-device",
         "vfio-pci,host=0000:41:00.4000000000000000000000000000000000000000000000000000"},
        {"-device", "", NULL},
        {"-device", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        const char *argv[7] = {"qemu"};
        memcpy(argv + 1, same[i], sizeof(same[i]));
        struct strbuf wanted = {0};
        for (size_t j = 0; argv[j] != NULL; j++) {
            strbuf_addf(&wanted, "%s%s", j > 0 ? " " : "", argv[j]);
        }
        CLEANUP_FREE char *text = rewritten(argv, NULL);
        assert_string_equal(text, strbuf_str(&wanted));
        strbuf_done(&wanted);
    }
}

static void a_held_device_ends_the_start(void **state)
{
    (void)state;
    ASSERT_REWRITTEN(
        ARGV("-device", "vfio-pci,host=0000:41:00.4", "-device", "vfio-pci,host=0000:41:00.5"),
        "another process has it open");
}

static void the_vm_is_read_from_name_and_uuid(void **state)
{
    (void)state;
    struct argv_vm vm = {0};
    CLEANUP_FREE char *text = rewritten(ARGV("-name", "guest=web1,debug-threads=on", "-uuid",
                                             "5b0a4f0e-6f6d-4c28-8a3d-4e8e2a1c9d10", "-device",
                                             "vfio-pci,host=0000:41:00.4"),
                                        &vm);
    assert_string_equal(vm.name, "web1");
    assert_string_equal(vm.uuid, "5b0a4f0e-6f6d-4c28-8a3d-4e8e2a1c9d10");
}

static void probes_of_libvirt_need_no_host(void **state)
{
    (void)state;
    assert_false(
        argv_assigns((char *const *)ARGV("-S", "-no-user-config", "-nodefaults", "-machine",
                                         "none,accel=kvm:tcg", "-qmp", "unix:/tmp/x")));
    assert_true(argv_assigns((char *const *)ARGV("-device", "vfio-pci,host=0000:41:00.4")));
}

static void a_mig_backed_vgpu_names_its_instance(void **state)
{
    (void)state;
    const struct argv_vm vm = {.name = "web1", .uuid = "5b0a4f0e-6f6d-4c28-8a3d-4e8e2a1c9d10"};
    struct guest_page page;
    struct error err = {0};
    json_t *reply =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "device", "0000:41:00.4", "kind",
                  "vgpu", "type", "RTX Pro 6000 Blackwell DC-1-8C", "gpu_name",
                  "NVIDIA RTX PRO 6000", "vgpu_uuid", "9f2d6c1e-0001-4000-8000-000000000001",
                  "framebuffer_mib", 8192, "gi", 1, "gi_profile", "1g.24gb+gfx");
    assert_int_equal(describe_page(reply, &vm, &page, &err), 0);
    json_decref(reply);
    assert_memory_equal(page.magic, "CLEAVGPU", 8);
    assert_string_equal(page.name, "NVIDIA RTX Pro 6000 Blackwell DC-1-8C");
    assert_string_equal(page.uuid, "9f2d6c1e-0001-4000-8000-000000000001");
    assert_string_equal(page.gi_profile, "1g.24gb+gfx");
    assert_string_equal(page.vm_name, "web1");
    assert_int_equal(page.gi_id, 1);
    assert_int_equal(page.placement_id, GUEST_PAGE_NONE);
    assert_int_equal(page.framebuffer_mib, 8192);
}

static void a_passed_through_board_has_no_instance(void **state)
{
    (void)state;
    const struct argv_vm vm = {.name = "whole"};
    struct guest_page page;
    struct error err = {0};
    json_t *reply =
        json_pack("{s:s, s:s, s:s, s:s, s:i}", "device", "0000:81:00.0", "kind", "passthrough",
                  "gpu_name", "NVIDIA L40S", "gpu_uuid", "GPU-1", "framebuffer_mib", 46068);
    assert_int_equal(describe_page(reply, &vm, &page, &err), 0);
    assert_string_equal(page.name, "NVIDIA L40S");
    assert_string_equal(page.uuid, "GPU-1");
    assert_int_equal(page.gi_id, GUEST_PAGE_NONE);
    json_object_del(reply, "framebuffer_mib");
    assert_int_equal(describe_page(reply, &vm, &page, &err), -REASON_INTERNAL);
    json_decref(reply);
}

static void memory_is_scaled_down_to_a_power_of_two(void **state)
{
    (void)state;
    assert_int_equal(describe_memory_bytes(512), 1 << 20);
    assert_int_equal(describe_memory_bytes(8192), 8 << 20);
    assert_int_equal(describe_memory_bytes(12288), 16 << 20);
    assert_int_equal(describe_memory_bytes(97887), 128 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_device_becomes_memory_at_the_same_place),
        cmocka_unit_test(keys_and_values_keep_their_form_and_their_commas),
        cmocka_unit_test(an_mdev_is_found_by_its_path),
        cmocka_unit_test(several_devices_get_memory_each_and_foreign_ones_stay),
        cmocka_unit_test(a_whole_gpu_can_t_migrate),
        cmocka_unit_test(what_goes_along_with_a_gpu_gets_a_device_that_does_nothing),
        cmocka_unit_test(text_that_looks_like_a_device_stays_text),
        cmocka_unit_test(a_held_device_ends_the_start),
        cmocka_unit_test(the_vm_is_read_from_name_and_uuid),
        cmocka_unit_test(probes_of_libvirt_need_no_host),
        cmocka_unit_test(a_mig_backed_vgpu_names_its_instance),
        cmocka_unit_test(a_passed_through_board_has_no_instance),
        cmocka_unit_test(memory_is_scaled_down_to_a_power_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
