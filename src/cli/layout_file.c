/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layout_file.h"

#include "base/parse.h"
#include "base/str.h"
#include "catalog/board_name.h"
#include "cli/layout_view.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "import/import.h"

/* What became of a label: for people in one line, for programs entry by entry. */
struct verdict {
    enum import_verdict verdict;
    bool nowhere; /* it names what no GPU in the catalog has */
    bool foreign; /* in a spelling that the file's own tool refuses */
    struct strbuf text;
    json_t *entries;
};

/* 0x2BB5, or 0x2BB510DE with the vendor behind. CAT_UNKNOWN if it is no PCI id. */
static uint32_t parse_id(const char *text)
{
    uint32_t id = 0;
    if (!parse_hex32(text, &id)) {
        return CAT_UNKNOWN;
    }
    return id > 0xffff ? id >> 16 : id;
}

/* "0xDEVICE[:0xSUBSYSTEM]" asks about one board; a key asks about all of the model. */
static void set_board(struct import_target *target, const char *gpu)
{
    size_t len = strcspn(gpu, ":");
    CLEANUP_FREE char *device = xstrndup(gpu, len);
    target->device = parse_id(device);
    target->subsystem = gpu[len] == ':' ? parse_id(gpu + len + 1) : CAT_UNKNOWN;
}

/* One entry that cannot be refuses the label; one that can speaks for it otherwise. */
static enum import_verdict weightier(enum import_verdict a, enum import_verdict b)
{
    static const int weight[] = {
        [IMPORT_OTHER_GPU] = 0, [IMPORT_UNKNOWN] = 1, [IMPORT_FITS] = 2, [IMPORT_REFUSED] = 3};
    return weight[b] > weight[a] ? b : a;
}

/* Where in the list the device at `at` comes first. */
static size_t first_named(const struct import_entry *entry, size_t at)
{
    size_t first = 0;
    while (entry->devices.items[first] != entry->devices.items[at]) {
        first++;
    }
    return first;
}

static void add_devices(const struct import_entry *entry, struct strbuf *out)
{
    if (entry->all_devices || entry->devices.n == 0) {
        return;
    }
    CLEANUP_STRBUF struct strbuf list = {0};
    size_t n = 0;
    for (size_t i = 0; i < entry->devices.n; i++) {
        if (first_named(entry, i) == i) {
            strbuf_addf(&list, "%s%u", n++ > 0 ? "," : "", entry->devices.items[i]);
        }
    }
    strbuf_addf(out, "%s%s%s: ", n == 1 ? "GPU " : "GPUs ", strbuf_str(&list),
                n < entry->devices.n ? " (named more than once)" : "");
}

static void add_fit(const struct import_fit *fit, enum import_kind kind, struct strbuf *out)
{
    if (fit->verdict != IMPORT_FITS) {
        strbuf_add(out, fit->why.message);
        if (fit->verdict == IMPORT_REFUSED && fit->why.hint[0] != '\0') {
            strbuf_addf(out, "; %s", fit->why.hint);
        }
    } else if (fit->request.gis.n > 0 || fit->request.vgpus.n > 0) {
        layout_view_summary(&fit->request, out);
    } else {
        strbuf_add(out, kind == IMPORT_VGPU ? "nothing is asked for: no vGPUs"
                        : fit->mig          ? "MIG on, no instances"
                                            : "MIG off");
    }
}

static json_t *devices_json(const struct import_entry *entry)
{
    if (entry->all_devices) {
        return json_string("all");
    }
    json_t *devices = json_array();
    for (vec_each(&entry->devices, device)) {
        json_array_append_new(devices, json_integer(*device));
    }
    return devices;
}

static json_t *entry_json(const struct import_entry *entry, const struct import_fit *fit)
{
    json_t *json = fit->verdict == IMPORT_FITS ? layout_view_request(&fit->request)
                                               : layout_view_error(&fit->why);
    json_object_set_new(json, "verdict", json_string(import_verdict_name(fit->verdict)));
    json_object_set_new(json, "devices", devices_json(entry));
    return json;
}

/* The text of the entries that decide; of those for other GPUs one is enough. */
static void add_deciding(const struct import_label *label, const struct import_fit *fits,
                         struct verdict *verdict)
{
    for (size_t i = 0; i < label->entries.n; i++) {
        bool named = verdict->text.len > 0;
        if (fits[i].verdict != verdict->verdict || (named && fits[i].verdict == IMPORT_OTHER_GPU)) {
            continue;
        }
        strbuf_add(&verdict->text, named ? "; " : "");
        add_devices(&label->entries.items[i], &verdict->text);
        add_fit(&fits[i], label->kind, &verdict->text);
    }
}

/* What --strict refuses besides: what no GPU has, and what the file's own tool does not read. */
static void be_strict(const struct import_target *target, struct import_fit *fit)
{
    if (fit->nowhere) {
        fit->verdict = IMPORT_REFUSED;
    }
    if (fit->two_kinds && fit->verdict != IMPORT_REFUSED) {
        fit->verdict = IMPORT_REFUSED;
        error_set(&fit->why, REASON_INVALID, "",
                  "vgpu-device-manager takes either time-sliced or MIG-backed types in an entry");
    }
    if (fit->foreign == NULL || fit->verdict == IMPORT_REFUSED) {
        return;
    }
    const struct cat_vgpu_type *type = NULL;
    bool known = model_find_type(target->model, fit->foreign, &type, NULL) == 0;
    fit->verdict = IMPORT_REFUSED;
    error_set(&fit->why, REASON_INVALID, "", "vgpu-device-manager reads no type \"%s\"",
              fit->foreign);
    if (known) {
        error_hint(&fit->why, "write %s", cat_short_type(type->name));
    }
}

/* The label's verdict. */
static void judge(const struct import_target *target, const struct import_label *label, bool strict,
                  struct verdict *ret_verdict)
{
    size_t n = label->entries.n;
    CLEANUP_FREE struct import_fit *fits = xcalloc(n, sizeof(*fits));
    *ret_verdict = (struct verdict){.verdict = IMPORT_OTHER_GPU, .entries = json_array()};
    for (size_t i = 0; i < n; i++) {
        const struct import_entry *entry = &label->entries.items[i];
        import_fit(target, label->kind, entry, &fits[i]);
        if (strict) {
            be_strict(target, &fits[i]);
        }
        ret_verdict->nowhere = ret_verdict->nowhere || fits[i].nowhere;
        ret_verdict->foreign = ret_verdict->foreign || fits[i].foreign != NULL;
        json_array_append_new(ret_verdict->entries, entry_json(entry, &fits[i]));
        ret_verdict->verdict = weightier(ret_verdict->verdict, fits[i].verdict);
    }
    struct error conflict = {.message = ""};
    if (import_check_label(target, label, &conflict) != 0) {
        ret_verdict->verdict = IMPORT_REFUSED;
        strbuf_add(&ret_verdict->text, conflict.message);
        return;
    }
    add_deciding(label, fits, ret_verdict);
}

/* A file of several configs may have a label twice: then where it stands goes before it. */
static json_t *label_json(const struct import_label *label, size_t n_configs,
                          struct verdict *verdict)
{
    bool several = n_configs > 1 && label->from[0] != '\0';
    CLEANUP_FREE char *name =
        xasprintf("%s%s%s", several ? label->from : "", several ? ": " : "", label->name);
    json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "label", name, "verdict",
                             import_verdict_name(verdict->verdict), "text",
                             strbuf_str(&verdict->text), "entries", verdict->entries);
    if (label->from[0] != '\0') {
        json_object_set_new(json, "from", json_string(label->from));
    }
    return json;
}

/* How many labels have what is taken, and is likely a slip. */
struct doubts {
    size_t nowhere, foreign;
};

static void count_doubts(struct doubts *doubts, const struct verdict *verdict)
{
    doubts->nowhere += verdict->nowhere;
    doubts->foreign += verdict->foreign;
}

static void warn(size_t n, const char *one, const char *many)
{
    if (n > 0) {
        prose_report("warning: %zu label%s; `--strict` refuses %s", n, n == 1 ? one : many,
                     n == 1 ? "it" : "them");
    }
}

/* A name that no GPU has is a slip, or of a board that is newer than the catalog. */
static void warn_of(const struct doubts *doubts)
{
    warn(doubts->nowhere, " names what no GPU in the catalog has",
         "s name what no GPU in the catalog has");
    warn(doubts->foreign, " spells a type as vgpu-device-manager does not read it",
         "s spell types as vgpu-device-manager does not read them");
}

static const struct column label_columns[] = {
    {"LABEL", .path = "label", .align = TABLE_NAME},
    {"VERDICT", .path = "verdict"},
    {"WHERE, OR WHY NOT", .path = "text", .align = TABLE_WRAP, .none = ""},
};
static const struct listing label_listing = {.arrays = {"labels"}, LISTING_COLUMNS(label_columns)};

int layout_file_check(const struct layout_words *words, const struct catalog *catalog,
                      const struct gpu_model *model, enum import_verdict *ret_worst,
                      struct error *err)
{
    CLEANUP(import_freep) struct import_file *file = NULL;
    int r = import_read(words->file, &file, err);
    if (r != 0) {
        return r;
    }
    struct import_target target = {.catalog = catalog, .model = model, .mixed = words->mixed};
    set_board(&target, words->gpu);
    CLEANUP_JSON json_t *labels = json_array();
    struct doubts doubts = {.nowhere = 0};
    *ret_worst = IMPORT_FITS;
    for (vec_each(&file->labels, label)) {
        struct verdict verdict;
        judge(&target, label, words->strict, &verdict);
        bool worse = verdict.verdict == IMPORT_REFUSED ||
                     (verdict.verdict == IMPORT_UNKNOWN && *ret_worst != IMPORT_REFUSED);
        *ret_worst = worse ? verdict.verdict : *ret_worst;
        count_doubts(&doubts, &verdict);
        json_array_append_new(labels, label_json(label, file->n_configs, &verdict));
        strbuf_done(&verdict.text);
    }
    struct cli cli = words->cli;
    CLEANUP_JSON json_t *all = json_pack("{s:o, s:s, s:O}", "gpu", layout_view_model(model), "file",
                                         words->file, "labels", labels);
    if (!cli_print_raw(&cli, all)) {
        listing_print(&label_listing, all, cli_width(&cli));
        fflush(stdout);
        if (!words->strict) {
            warn_of(&doubts);
        }
    }
    return 0;
}
