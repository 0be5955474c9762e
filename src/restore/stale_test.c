/* SPDX-License-Identifier: Apache-2.0 */
/* Which VMs are named, because a restoration leaves their definitions with old devices. */
#include "restore/stale.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

#define MDEV "c2177883-f1bb-47f0-914d-32a22e3a8801"

struct scene {
    struct host *host;
    struct claims claims;
    struct stale_devices before;
};

static void scene_done(struct scene *scene)
{
    host_free(scene->host);
    vec_done(&scene->claims);
    vec_done(&scene->before);
}
#define SCENE(name)                                                                                \
    CLEANUP(scene_done) struct scene name = {.host = host_new()};                                  \
    name.host->functions_known = name.host->mdevs_known = true

static struct gpu *add_gpu(struct scene *scene, uint8_t bus, const char *uuid)
{
    struct gpu *gpu = host_add_gpu(scene->host, &(struct pci_addr){.bus = bus});
    STR_SET(gpu->driver, "vfio-pci");
    STR_SET(gpu->seen_uuid, uuid);
    return gpu;
}

static struct claim *add_claim(struct scene *scene, const char *name, const char *vm, uint8_t bus,
                               const char *uuid)
{
    struct claim *claim = vec_push(&scene->claims);
    STR_SET(claim->name, name);
    STR_SET(claim->vm, vm);
    STR_SET(claim->assigned.gpu_uuid, uuid);
    claim->state = CLAIM_BOUND;
    claim->spec.mode = CLAIM_PASSTHROUGH;
    claim->assigned.set = true;
    claim->assigned.gpu = claim->assigned.device = (struct pci_addr){.bus = bus};
    return claim;
}

static struct vm *add_vm(struct scene *scene, const char *name, enum vm_state state, bool saved)
{
    struct vm *vm = vec_push(&scene->host->vms);
    STR_SET(vm->name, name);
    vm->state = state;
    vm->saved = saved;
    return vm;
}

static void define(struct vm *vm, uint8_t bus, const char *claim)
{
    struct vm_device *device = vec_push(&vm->devices);
    device->addr = (struct pci_addr){.bus = bus};
    device->persistent = device->managed = true;
    device->live = vm_is_on(vm);
    STR_SET(device->claim, claim);
}

/* "vm device; …" with words that the first problem must have. */
static void expect(const struct scene *scene, const char *expected, const char *problem,
                   const char *hint)
{
    CLEANUP_JSON json_t *list = stale_list(scene->host, &scene->claims, &scene->before);
    CLEANUP_STRBUF struct strbuf found = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *it = json_array_get(list, i);
        strbuf_addf(&found, "%s%s %s", i == 0 ? "" : "; ",
                    json_string_value(json_object_get(it, "vm")),
                    json_string_value(json_object_get(it, "device")));
    }
    assert_string_equal(strbuf_str(&found), expected);
    const json_t *first = json_array_get(list, 0);
    const char *text = json_string_value(json_object_get(first, "problem"));
    if (first != NULL && strstr(text, problem) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", text, problem);
    }
    text = json_string_value(json_object_get(first, "hint"));
    if (first != NULL && strstr(text, hint) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", text, hint);
    }
}

static void a_definition_that_names_what_its_claim_has_is_not_named(void **state)
{
    (void)state;
    SCENE(scene);
    add_gpu(&scene, 0x26, "GPU-a");
    add_claim(&scene, "a", "v1", 0x26, "GPU-a");
    define(add_vm(&scene, "v1", VM_SHUT_OFF, false), 0x26, "a");
    define(add_vm(&scene, "v2", VM_SHUT_OFF, true), 0x26, "");
    stale_remember(&scene.before, &scene.claims);
    expect(&scene, "", "", "");
}

static void a_vm_that_is_on_keeps_the_old_device(void **state)
{
    (void)state;
    static const enum vm_state states[] = {VM_RUNNING, VM_PAUSED};
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        SCENE(scene);
        add_gpu(&scene, 0x27, "GPU-a");
        add_claim(&scene, "a", "v1", 0x27, "GPU-a");
        define(add_vm(&scene, "v1", states[i], false), 0x26, "a");
        expect(&scene, "v1 0000:26:00.0",
               "it runs with 0000:26:00.0 for claim \"a\", which has 0000:27:00.0 now",
               "shut it down; then `cleave vm start v1`");
    }
}

static void a_saved_state_keeps_the_old_device_though_the_definition_follows(void **state)
{
    (void)state;
    SCENE(scene);
    struct gpu *gpu = add_gpu(&scene, 0x26, "GPU-a");
    struct claim *claim = add_claim(&scene, "a", "v1", 0x26, "GPU-a");
    struct vm *vm = add_vm(&scene, "v1", VM_SHUT_OFF, true);
    stale_remember(&scene.before, &scene.claims);
    gpu->addr.bus = claim->assigned.gpu.bus = claim->assigned.device.bus = 0x27;
    define(vm, 0x27, "a");
    stale_remember(&scene.before, &scene.claims); /* another restoration */
    stale_forget(&scene.before, scene.host, &scene.claims);
    expect(&scene, "v1 0000:26:00.0",
           "its saved state names 0000:26:00.0 for claim \"a\", which "
           "has 0000:27:00.0 now",
           "`cleave vm start v1`");
    STR_SET(scene.host->libvirt_problem, "it does not answer");
    vm->saved = false; /* is not known */
    stale_forget(&scene.before, scene.host, &scene.claims);
    assert_int_equal(scene.before.n, 1);
    expect(&scene, "", "", "");
    scene.host->libvirt_problem[0] = '\0';
    stale_forget(&scene.before, scene.host, &scene.claims); /* it ran */
    assert_int_equal(scene.before.n, 0);
    vm->saved = true;
    expect(&scene, "", "", "");
}

static void a_claim_whose_gpu_is_out_leaves_its_address_to_others(void **state)
{
    (void)state;
    SCENE(scene);
    add_gpu(&scene, 0x26, "GPU-b"); /* in its place */
    add_claim(&scene, "a", "v1", 0x26, "GPU-a");
    define(add_vm(&scene, "v1", VM_SHUT_OFF, false), 0x26, "a");
    expect(&scene, "v1 0000:26:00.0", "for claim \"a\", whose GPU is not on this host",
           "`cleave claim delete a`");
    STR_SET(add_gpu(&scene, 0x27, "")->uuid, "GPU-a"); /* its device did not come back there */
    expect(&scene, "v1 0000:26:00.0", "for claim \"a\", whose GPU moved to 0000:27:00.0",
           "`cleave host restore`");
}

static void what_a_person_put_there_is_named_when_it_is_not_there(void **state)
{
    (void)state;
    SCENE(scene);
    add_gpu(&scene, 0x26, "GPU-a");
    struct vm *vm = add_vm(&scene, "v1", VM_SHUT_OFF, false);
    define(vm, 0x26, "");
    define(vm, 0x66, "");
    struct vm_device *mdev = vec_push(&vm->devices);
    mdev->is_mdev = mdev->persistent = true;
    STR_SET(mdev->mdev_uuid, MDEV);
    expect(&scene, "v1 0000:66:00.0; v1 " MDEV, "which does not exist and belongs to no claim",
           "virsh edit v1");
    scene.host->functions_known = scene.host->mdevs_known = false;
    expect(&scene, "", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_that_names_what_its_claim_has_is_not_named),
        cmocka_unit_test(a_vm_that_is_on_keeps_the_old_device),
        cmocka_unit_test(a_saved_state_keeps_the_old_device_though_the_definition_follows),
        cmocka_unit_test(a_claim_whose_gpu_is_out_leaves_its_address_to_others),
        cmocka_unit_test(what_a_person_put_there_is_named_when_it_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
