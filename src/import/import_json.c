/* SPDX-License-Identifier: Apache-2.0 */
#include "import/import.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "catalog/profile_name.h"
#include "catalog/spelling.h"
#include "import/other_file.h"
#include "import/unwrap.h"
#include "import/vgpu_name.h"

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

#define VENDOR_NVIDIA 0x10de

/* One half of a filter: a device or subdevice with its vendor below. */
static bool parse_pair(const char *text, size_t len, uint32_t *ret_pair)
{
    char pair[16];
    if (len >= sizeof(pair)) {
        return false;
    }
    memcpy(pair, text, len);
    pair[len] = '\0';
    return parse_hex32(pair, ret_pair);
}

/* Guesses which device was meant: the device alone ("0x20B5", "20B510DE", "10de:20b5") or device
 * and vendor the wrong way round. 0 if that can't be seen. */
static uint32_t guess_device(const char *text)
{
    uint32_t vendor = 0;
    uint32_t device = 0;
    const char *colon = strchr(text, ':');
    char first[16] = "";
    (void)str_copy(first, sizeof(first), text);
    first[strcspn(first, ":")] = '\0';
    if (!parse_hex32_bare(first, &device)) {
        return 0;
    }
    if (colon != NULL && parse_hex32_bare(colon + 1, &vendor) && device == VENDOR_NVIDIA) {
        return vendor <= 0xffff ? vendor : 0;
    }
    bool has_vendor = (device & 0xffff) == VENDOR_NVIDIA && device > 0xffff;
    bool swapped = device >> 16 == VENDOR_NVIDIA;
    return has_vendor ? device >> 16 : swapped ? device & 0xffff : device <= 0xffff ? device : 0;
}

/* "0x233010DE" or "0x2BB510DE:0x204E10DE": device (or subdevice) above, vendor below. Makers of
 * boards have vendor ids of their own; the GPU is NVIDIA's. */
static bool parse_filter(const char *text, struct import_filter *ret_filter)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    uint32_t device = 0;
    uint32_t subsystem = 0;
    if (!parse_pair(text, len, &device) || (device & 0xffff) != VENDOR_NVIDIA ||
        device >> 16 == 0) {
        return false;
    }
    *ret_filter = (struct import_filter){device >> 16, CAT_UNKNOWN};
    if (colon == NULL) {
        return true;
    }
    if (!parse_pair(colon + 1, strlen(colon + 1), &subsystem) || subsystem <= 0xffff) {
        return false;
    }
    ret_filter->subsystem = subsystem >> 16;
    return true;
}

static void refuse_filter(struct reader *r, const char *text)
{
    uint32_t device = guess_device(text);
    bool shown = str_is_clean(text) && strlen(text) <= 64;
    if (device != 0 && shown) {
        reader_fail(r, "device-filter",
                    "\"%s\" matches no NVIDIA GPU; did you mean \"0x%04X%04X\"?", text, device,
                    VENDOR_NVIDIA);
    } else {
        reader_fail(r, "device-filter", "\"%s\" matches no NVIDIA GPU", shown ? text : "?");
    }
    error_hint(r->err,
               "a filter is \"0x<device><vendor>[:0x<subdevice><subvendor>]\", and NVIDIA's "
               "vendor id is 10DE");
}

static void read_filter(struct reader *r, struct import_entry *entry, const json_t *text)
{
    if (!json_is_string(text)) {
        reader_fail(r, "device-filter",
                    "must be \"0x<device><vendor>[:0x<subdevice><subvendor>]\", in quotes");
        return;
    }
    if (json_string_length(text) == 0) { /* mig-parted: no filter */
        return;
    }
    struct import_filter filter;
    if (parse_filter(json_string_value(text), &filter)) {
        *vec_push(&entry->filters) = filter;
    } else {
        refuse_filter(r, json_string_value(text));
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
            reader_fail(r, "devices", "must hold indexes from 0 to %d", IMPORT_MAX_DEVICES - 1);
            return;
        }
        *vec_push(&entry->devices) = (uint32_t)value;
    }
}

/* "1g.5gb:3" is one word in YAML: without a blank behind it the colon parts nothing. */
static bool lacks_blank(const char *text)
{
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    uint32_t ignored = 0;
    return colon != NULL && colon != text && parse_u32(colon + 1, &ignored);
}

static void refuse_blank(struct reader *r, const char *key, const char *text)
{
    const char *colon = strrchr(text, ':');
    reader_fail(r, key, "a blank is missing behind the colon of \"%.60s\"", text);
    error_hint(r->err, "write %.*s: %s", (int)(colon - text), text, colon + 1);
}

/* A count that is none: says what it is instead. */
static void refuse_count(struct reader *r, const char *key, const char *name, const json_t *count,
                         int min)
{
    if (json_is_null(count) && lacks_blank(name)) {
        refuse_blank(r, key, name);
        return;
    }
    reader_fail(r, key, "\"%s\" must have a count from %d to %d", name, min, IMPORT_MAX_COUNT);
    uint32_t ignored = 0;
    if (json_is_string(count) && parse_u32(json_string_value(count), &ignored)) {
        error_hint(r->err, "write the count without quotes");
    }
}

/* {name: count, …}, where a count of 0 is none. */
static void read_items(struct reader *r, const char *key, int min, struct import_entry *entry)
{
    const char *word = json_string_value(json_object_get(r->object, key));
    if (lacks_blank(word) && str_is_clean(word)) {
        refuse_blank(r, key, word);
        return;
    }
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
        struct import_item item = {.name = ""};
        if (!STR_SET(item.name, name) || !str_is_clean(name)) {
            reader_fail(r, key, "a name is too long or not clean text");
            return;
        }
        if (!json_is_integer(count) || value < min || value > IMPORT_MAX_COUNT) {
            refuse_count(r, key, name, count, min);
            return;
        }
        item.count = (uint32_t)value;
        *vec_push(&entry->items) = item;
    }
}

/* The name is a profile's in the one spelling that mig-parted takes. */
static void check_profile_name(struct reader *r, const char *text)
{
    struct profile_name name;
    struct error err = {.message = ""};
    bool is_profile = profile_name_parse(text, &name, &err) == 0;
    if (is_profile && strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL) {
        return;
    }
    struct spelling spelling = spelling_of_profile(text);
    if (profile_name_parse(spelling.name, &name, NULL) != 0) {
        reader_fail(r, "mig-devices", "%s", err.message);
        return;
    }
    if (spelling.shared) {
        reader_fail(r, "mig-devices",
                    "\"%s\" is a share of an instance that several containers use in turn", text);
        error_hint(r->err, "write %s, and how many share one in the device plugin's own file",
                   spelling.name);
        return;
    }
    char compute[16] = "";
    if (name.ci_slices > 0) {
        (void)str_print(compute, sizeof(compute), "%uc.", name.ci_slices);
    }
    reader_fail(r, "mig-devices",
                "mig-parted takes no profile \"%s\" in that spelling; did you mean \"%s%s\"?", text,
                compute, name.gi);
}

/* Takes the items away that are none. */
static void drop_zeroes(struct reader *r, const char *key, struct import_entry *entry)
{
    size_t n = 0;
    for (size_t i = 0; i < entry->items.n; i++) {
        if (entry->items.items[i].count > 0) {
            entry->items.items[n++] = entry->items.items[i];
        }
    }
    if (n == 0 && entry->items.n > 0) {
        reader_fail(r, key, "all counts are 0; for MIG without instances write %s: {}", key);
    }
    entry->items.n = n;
}

/* Words for true and false in YAML 1.1, which the tools' library reads (sigs.k8s.io/yaml). */
static const struct {
    const char *word;
    bool value;
} bool_words[] = {{"y", true},  {"yes", true}, {"on", true},
                  {"n", false}, {"no", false}, {"off", false}};

static bool read_enabled(struct reader *r)
{
    const char *word = json_string_value(json_object_get(r->object, "mig-enabled"));
    for (size_t i = 0; word != NULL && i < ARRAY_SIZE(bool_words); i++) {
        if (str_eq_case(word, bool_words[i].word)) {
            (void)reader_has(r, "mig-enabled");
            return bool_words[i].value;
        }
    }
    return reader_bool(r, "mig-enabled");
}

static void read_mig(struct reader *r, struct import_entry *entry)
{
    entry->mig_enabled = read_enabled(r);
    if (entry->mig_enabled || reader_has(r, "mig-devices")) {
        read_items(r, "mig-devices", 0, entry);
    }
    for (vec_each(&entry->items, item)) {
        check_profile_name(r, item->name);
    }
    if (entry->mig_enabled) {
        drop_zeroes(r, "mig-devices", entry);
    } else if (entry->items.n > 0) {
        reader_fail(r, "mig-devices", "must be empty where MIG is not enabled");
    }
}

static void read_vgpu(struct reader *r, struct import_entry *entry)
{
    read_items(r, "vgpu-devices", 1, entry);
    for (vec_each(&entry->items, item)) {
        item->foreign = !vgpu_name_is_plain(item->name);
    }
}

/* A label that stands below an entry, for it is indented too deep: a list as no key has it. */
static void check_indent(struct reader *r, const json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        bool of_entry = str_eq(key, "devices") || str_eq(key, "device-filter");
        if (!of_entry && json_is_object(json_array_get(value, 0)) && str_is_clean(key)) {
            reader_fail(r, NULL, "the label \"%.64s\" is part of this entry", key);
            error_hint(r->err, "indent it as the labels above it");
            return;
        }
    }
}

static int read_entry(const json_t *json, const char *origin, const char *path,
                      enum import_kind kind, struct import_entry *entry, struct error *err)
{
    struct reader r;
    reader_init(&r, json, origin, path, err);
    check_indent(&r, json);
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
        const char *alone = json_string_value(json_array_get(entries, i));
        if (alone != NULL && kind == IMPORT_VGPU && str_is_clean(alone)) {
            return error_set(configs->err, REASON_INVALID, configs->origin,
                             "%s: a type alone has no count; write {devices: all, vgpu-devices: "
                             "{%.40s: COUNT}}",
                             path, alone);
        }
        int r = read_entry(json_array_get(entries, i), configs->origin, path, kind,
                           vec_push(&label->entries), configs->err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int read_labels(const json_t *labels, enum import_kind kind,
                       const struct wrapped_config *config, const char *origin,
                       struct import_file *file, struct error *err)
{
    struct reader configs;
    reader_init(&configs, labels, origin, kind == IMPORT_MIG ? "mig-configs" : "vgpu-configs", err);
    if (configs.result == 0 && json_object_size(labels) + file->labels.n > IMPORT_MAX_LABELS) {
        reader_fail(&configs, NULL, "more than %d labels", IMPORT_MAX_LABELS);
    }
    const char *name = NULL;
    json_t *entries = NULL;
    int r = configs.result;
    json_object_foreach((json_t *)labels, name, entries)
    {
        if (r == 0) {
            struct import_label *label = vec_push(&file->labels);
            label->kind = kind;
            STR_SET(label->from, config->path);
            r = read_label(&configs, name, entries, kind, label);
        }
    }
    return r;
}

static void read_version(struct reader *r)
{
    const char *version = json_string_value(json_object_get(r->object, "version"));
    if (!reader_has(r, "version")) {
        (void)reader_text(r, "version", 8); /* says what it may be called here */
    } else if (version == NULL || !str_eq(version, "v1")) {
        reader_fail(r, "version", "must be v1: there is no other");
        error_hint(r->err, "write version: v1");
    }
}

static int read_config(const struct wrapped_config *config, const char *file_origin,
                       struct import_file *file, struct error *err)
{
    CLEANUP_FREE char *inner =
        config->path[0] != '\0' ? xasprintf("%s, %s", file_origin, config->path) : NULL;
    const char *origin = inner != NULL ? inner : file_origin;
    struct reader r;
    reader_init(&r, config->json, origin, "", err);
    json_t *mig = reader_object_or_null(&r, "mig-configs");
    json_t *vgpu = reader_object_or_null(&r, "vgpu-configs");
    read_version(&r);
    if (r.result == 0 && (mig == NULL) == (vgpu == NULL)) {
        reader_fail(&r, NULL, "must have either \"mig-configs\" or \"vgpu-configs\"");
    }
    int result = reader_end(&r);
    if (result != 0) {
        return result;
    }
    return mig != NULL ? read_labels(mig, IMPORT_MIG, config, origin, file, err)
                       : read_labels(vgpu, IMPORT_VGPU, config, origin, file, err);
}

/* There is no config: says what there is. */
static int refuse_documents(const json_t *documents, const char *origin, struct error *err)
{
    const json_t *first = json_array_get(documents, 0);
    if (first == NULL || json_is_null(first)) {
        return error_set(err, REASON_INVALID, origin, "the file is empty");
    }
    int other = other_document_refuse(first, origin, err);
    if (other != 0) {
        return other;
    }
    struct reader r;
    reader_init(&r, first, origin, "", err);
    (void)reader_has(&r, "version");
    (void)reader_has(&r, "mig-configs");
    (void)reader_has(&r, "vgpu-configs");
    int result = reader_end(&r);
    if (result == 0) {
        reader_fail(&r, NULL, "must have either \"mig-configs\" or \"vgpu-configs\"");
    }
    return r.result;
}

int import_parse(const json_t *documents, const char *origin, struct import_file **ret_file,
                 struct error *err)
{
    struct error scratch;
    struct error *reason = err != NULL ? err : &scratch;
    CLEANUP_FREE struct wrapped_configs *configs = xcalloc(1, sizeof(*configs));
    int r = unwrap_configs(documents, origin, configs, reason);
    if (r == 0 && configs->n == 0) {
        r = refuse_documents(documents, origin, reason);
    }
    CLEANUP(import_freep) struct import_file *file = xcalloc(1, sizeof(*file));
    file->n_configs = configs->n;
    for (size_t i = 0; i < configs->n && r == 0; i++) {
        r = read_config(&configs->items[i], origin, file, reason);
    }
    unwrap_done(configs);
    if (r == 0 && file->labels.n == 0) {
        r = error_set(reason, REASON_INVALID, origin, "nothing is asked for: there is no label");
        error_hint(reason, "write one below mig-configs or vgpu-configs");
    }
    if (r == 0) {
        *ret_file = TAKE_PTR(file);
    }
    return r;
}

int import_read(const char *path, struct import_file **ret_file, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int r = json_read_file_all(path, &documents, err);
    r = r != 0 ? r : import_parse(documents, path, ret_file, err);
    if (r == 0 || str_eq(path, "-") ||
        fs_read_input(path, INPUT_MAX_BYTES, FS_INPUT_WAIT_MS, &text, &len) < 0) {
        return r;
    }
    int other = other_text_refuse(text, path, err);
    return other != 0 ? other : r;
}
