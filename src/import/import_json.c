/* SPDX-License-Identifier: Apache-2.0 */
#include "import/import.h"

#include "base/parse.h"
#include "base/str.h"
#include "catalog/profile_name.h"

static void entry_done(struct import_entry *entry)
{
    vec_done(&entry->filters);
    vec_done(&entry->devices);
    vec_done(&entry->items);
}

void import_free(struct import_file *file)
{
    if (file == NULL) {
        return;
    }
    for (vec_each(&file->labels, label)) {
        for (vec_each(&label->entries, entry)) {
            entry_done(entry);
        }
        vec_done(&label->entries);
    }
    vec_done(&file->labels);
    free(file);
}

/* "0x233010DE" or "0x2BB510DE:0x204E10DE": device (or subdevice) above, vendor below. */
static bool parse_id_pair(const char *text, struct import_filter *ret_filter)
{
    char first[16];
    uint32_t ids = 0;
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (len >= sizeof(first)) {
        return false;
    }
    memcpy(first, text, len);
    first[len] = '\0';
    if (!parse_hex32(first, &ids)) {
        return false;
    }
    ret_filter->device = ids >> 16;
    ret_filter->subsystem = CAT_UNKNOWN;
    if (colon != NULL) {
        if (!parse_hex32(colon + 1, &ids)) {
            return false;
        }
        ret_filter->subsystem = ids >> 16;
    }
    return true;
}

static void read_filter(struct reader *r, struct import_entry *entry, const json_t *text)
{
    if (!json_is_string(text) ||
        !parse_id_pair(json_string_value(text), vec_push(&entry->filters))) {
        reader_fail(r, "device-filter",
                    "must be \"0x<device><vendor>[:0x<subdevice><subvendor>]\"");
    }
}

static void read_filters(struct reader *r, struct import_entry *entry)
{
    if (!reader_has(r, "device-filter")) {
        return;
    }
    const json_t *filter = json_object_get(r->object, "device-filter");
    if (!json_is_array(filter)) {
        read_filter(r, entry, filter);
        return;
    }
    if (json_array_size(filter) > IMPORT_MAX_FILTERS) {
        reader_fail(r, "device-filter", "has more than %d ids", IMPORT_MAX_FILTERS);
        return;
    }
    for (size_t i = 0; i < json_array_size(filter); i++) {
        read_filter(r, entry, json_array_get(filter, i));
    }
}

static void read_devices(struct reader *r, struct import_entry *entry)
{
    if (!reader_has(r, "devices")) {
        reader_fail(r, "devices", "is missing");
        return;
    }
    const json_t *devices = json_object_get(r->object, "devices");
    if (json_is_string(devices) && str_eq(json_string_value(devices), "all")) {
        entry->all_devices = true;
        return;
    }
    size_t n = json_array_size(devices);
    if (!json_is_array(devices) || n > IMPORT_MAX_DEVICES) {
        reader_fail(r, "devices", "must be \"all\" or a list of at most %d indexes",
                    IMPORT_MAX_DEVICES);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *index = json_array_get(devices, i);
        json_int_t value = json_integer_value(index);
        if (!json_is_integer(index) || value < 0 || value >= IMPORT_MAX_DEVICES) {
            reader_fail(r, "devices", "must hold indexes below %d", IMPORT_MAX_DEVICES);
            return;
        }
        *vec_push(&entry->devices) = (uint32_t)value;
    }
}

/* {name: count, …} */
static void read_items(struct reader *r, const char *key, struct import_entry *entry)
{
    json_t *items = reader_object(r, key);
    if (items == NULL) {
        return;
    }
    if (json_object_size(items) > IMPORT_MAX_ITEMS) {
        reader_fail(r, key, "has more than %d members", IMPORT_MAX_ITEMS);
        return;
    }
    const char *name = NULL;
    json_t *count = NULL;
    json_object_foreach(items, name, count)
    {
        json_int_t value = json_integer_value(count);
        struct import_item *item = vec_push(&entry->items);
        if (!json_is_integer(count) || value < 1 || value > IMPORT_MAX_COUNT) {
            reader_fail(r, key, "\"%s\" must have a count from 1 to %d", name, IMPORT_MAX_COUNT);
            return;
        }
        if (!STR_SET(item->name, name) || !str_is_clean(name)) {
            reader_fail(r, key, "a name is too long or not clean text");
            return;
        }
        item->count = (uint32_t)value;
    }
}

static void read_mig(struct reader *r, struct import_entry *entry)
{
    entry->mig_enabled = reader_bool(r, "mig-enabled");
    if (entry->mig_enabled || reader_has(r, "mig-devices")) {
        read_items(r, "mig-devices", entry);
    }
    if (!entry->mig_enabled && entry->items.n > 0) {
        reader_fail(r, "mig-devices", "must be empty where MIG is not enabled");
    }
    for (vec_each(&entry->items, item)) {
        struct profile_name ignored;
        struct error err;
        if (profile_name_parse(item->name, &ignored, &err) != 0) {
            reader_fail(r, "mig-devices", "%s", err.message);
        }
    }
}

static void read_vgpu(struct reader *r, struct import_entry *entry)
{
    read_items(r, "vgpu-devices", entry);
    if (r->result == 0 && entry->items.n == 0) {
        reader_fail(r, "vgpu-devices", "must not be empty");
    }
}

static int read_entry(const json_t *json, const char *origin, const char *path,
                      enum import_kind kind, struct import_entry *entry, struct error *err)
{
    struct reader r;
    reader_init(&r, json, origin, path, err);
    read_filters(&r, entry);
    read_devices(&r, entry);
    switch (kind) {
    case IMPORT_MIG:
        read_mig(&r, entry);
        break;
    case IMPORT_VGPU:
        read_vgpu(&r, entry);
        break;
    }
    return reader_end(&r);
}

static int read_label(struct reader *configs, const char *name, json_t *entries,
                      enum import_kind kind, struct import_label *label)
{
    if (!STR_SET(label->name, name) || !str_is_clean(name)) {
        reader_fail(configs, NULL, "a label is too long or not clean text");
        return configs->result;
    }
    size_t n = json_array_size(entries);
    if (!json_is_array(entries) || n == 0 || n > IMPORT_MAX_ENTRIES) {
        reader_fail(configs, name, "must be a list of 1 to %d entries", IMPORT_MAX_ENTRIES);
        return configs->result;
    }
    for (size_t i = 0; i < n; i++) {
        char path[sizeof(configs->path)];
        reader_path(configs, name, (int)i, path, sizeof(path));
        int r = read_entry(json_array_get(entries, i), configs->origin, path, kind,
                           vec_push(&label->entries), configs->err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int read_labels(const json_t *labels, const char *key, const char *origin,
                       struct import_file *file, struct error *err)
{
    struct reader configs;
    reader_init(&configs, labels, origin, key, err);
    if (configs.result == 0 && json_object_size(labels) > IMPORT_MAX_LABELS) {
        reader_fail(&configs, NULL, "more than %d labels", IMPORT_MAX_LABELS);
    }
    const char *name = NULL;
    json_t *entries = NULL;
    int r = configs.result;
    json_object_foreach((json_t *)labels, name, entries)
    {
        r = r != 0 ? r : read_label(&configs, name, entries, file->kind, vec_push(&file->labels));
    }
    return r;
}

WORDS_LOCAL(version_words, "version", 1, WORD(0, "v1"))

int import_parse(const json_t *json, const char *origin, struct import_file **ret_file,
                 struct error *err)
{
    struct error scratch;
    struct error *reason = err != NULL ? err : &scratch;
    struct reader r;
    reader_init(&r, json, origin, "", reason);
    (void)reader_word(&r, "version", &version_words);
    json_t *mig = reader_object_or_null(&r, "mig-configs");
    json_t *vgpu = reader_object_or_null(&r, "vgpu-configs");
    if (r.result == 0 && (mig == NULL) == (vgpu == NULL)) {
        reader_fail(&r, NULL, "must have either \"mig-configs\" or \"vgpu-configs\"");
    }
    int result = reader_end(&r);
    if (result != 0) {
        return result;
    }
    CLEANUP(import_freep) struct import_file *file = xcalloc(1, sizeof(*file));
    file->kind = mig != NULL ? IMPORT_MIG : IMPORT_VGPU;
    const char *key = mig != NULL ? "mig-configs" : "vgpu-configs";
    result = read_labels(mig != NULL ? mig : vgpu, key, origin, file, reason);
    if (result == 0) {
        *ret_file = TAKE_PTR(file);
    }
    return result;
}

int import_read(const char *path, struct import_file **ret_file, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = json_read_file(path, &json, err);
    return r != 0 ? r : import_parse(json, path, ret_file, err);
}
