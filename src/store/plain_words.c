/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plain_words.h"

#include "base/attr.h"
#include "base/str.h"

static const struct {
    const char *old, *now;
} keys[] = {
    {"got", "assigned"},         {"gotGpuInstance", "assignedGpuInstance"},
    {"gotUuid", "assignedUuid"}, {"named", "reserved"},
    {"settled", "resolution"},   {"settledBy", "resolvedBy"},
};

/* key: as it is called today. */
static const struct {
    const char *key, *old, *now;
} words[] = {
    {"kind", "claim-held", "claim-vm-missing"},
    {"kind", "claim-intruded", "claim-conflict"},
    {"kind", "claim-kept", "claim-change-undone"},
    {"kind", "claim-not-drawn", "claim-allocation-failed"},
    {"kind", "claim-parked", "claim-deallocated"},
    {"kind", "claim-undisturbed", "claim-conflict-ended"},
    {"kind", "plan-waits", "plan-delayed"},
    {"kind", "vf-let-go", "vf-recovered"},
    {"kind", "vgpu-left", "vgpu-left-behind"},
    {"kind", "vm-arrived-there", "migration-switched"},
    {"kind", "vm-did-not-come", "incoming-expired"},
    {"kind", "vm-migration-settled", "migration-resolved"},
    {"kind", "vm-started-unasked", "vm-started-without-hook"},
    {"resolution", "away", "target"},
    {"resolution", "here", "source"},
    {"verb", "park", "deallocate"},
};

static void rename_keys(json_t *object)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        json_t *value = json_object_get(object, keys[i].old);
        if (value != NULL) {
            json_object_set(object, keys[i].now, value);
            json_object_del(object, keys[i].old);
        }
    }
}

static void rename_words(json_t *object)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        json_t *value = json_object_get(object, words[i].key);
        if (str_eq(json_string_value(value), words[i].old)) {
            json_string_set(value, words[i].now);
        }
    }
}

void plain_words(json_t *document)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (json_is_object(document)) {
        rename_keys(document);
        rename_words(document);
        json_object_foreach(document, key, value)
        {
            plain_words(value);
        }
    }
    for (size_t i = 0; i < json_array_size(document); i++) {
        plain_words(json_array_get(document, i));
    }
}
