/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define MIB (1024ULL * 1024)
#define MIB_PER_GIB 1024
#define MAX_FRAMEBUFFER_MIB (1024 * MIB_PER_GIB)
#define VENDOR "NVIDIA "

uint64_t describe_memory_bytes(uint64_t framebuffer_mib)
{
    uint64_t bytes = MIB;
    while (bytes < framebuffer_mib * MIB / MIB_PER_GIB) {
        bytes *= 2;
    }
    return bytes;
}

static const char *text_of(const json_t *reply, const char *key)
{
    const char *text = json_string_value(json_object_get(reply, key));
    return text != NULL ? text : "";
}

static uint32_t number_of(const json_t *reply, const char *key)
{
    const json_t *value = json_object_get(reply, key);
    return json_is_integer(value) ? (uint32_t)json_integer_value(value) : GUEST_PAGE_NONE;
}

int describe_page(const json_t *reply, const struct argv_vm *vm, struct guest_page *ret_page,
                  struct error *err)
{
    struct guest_page page = {
        .version = GUEST_PAGE_VERSION,
        .size = sizeof(page),
        .gi_id = number_of(reply, "gi"),
        .placement_id = number_of(reply, "placement"),
    };
    bool is_vgpu = str_eq(text_of(reply, "kind"), "vgpu");
    const char *name = text_of(reply, is_vgpu ? "type" : "gpu_name");
    json_int_t framebuffer = json_integer_value(json_object_get(reply, "framebuffer_mib"));
    if (name[0] == '\0' || framebuffer <= 0 || framebuffer > MAX_FRAMEBUFFER_MIB) {
        return error_set(err, REASON_INTERNAL, "simulated host", "it described the device badly");
    }
    page.framebuffer_mib = (uint64_t)framebuffer;
    memcpy(page.magic, GUEST_PAGE_MAGIC, sizeof(page.magic));
    (void)snprintf(page.name, sizeof(page.name), "%s%s", str_starts(name, VENDOR) ? "" : VENDOR,
                   name);
    STR_SET(page.uuid, text_of(reply, is_vgpu ? "vgpu_uuid" : "gpu_uuid"));
    STR_SET(page.gi_profile, text_of(reply, "gi_profile"));
    STR_SET(page.device, text_of(reply, "device"));
    STR_SET(page.kind, text_of(reply, "kind"));
    STR_SET(page.vm_name, vm->name);
    STR_SET(page.vm_uuid, vm->uuid);
    *ret_page = page;
    return 0;
}
