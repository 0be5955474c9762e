/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layout_file.h"

#include "base/parse.h"
#include "base/str.h"
#include "cli/layout_view.h"
#include "cli/listing.h"
#include "import/import.h"

/* What became of a label: for people in one line, for programs entry by entry. */
struct verdict {
    enum import_verdict verdict;
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

static void add_devices(const struct import_entry *entry, struct strbuf *out)
{
    if (entry->all_devices) {
        return;
    }
    strbuf_add(out, entry->devices.n == 1 ? "GPU " : "GPUs ");
    for (size_t i = 0; i < entry->devices.n; i++) {
        strbuf_addf(out, "%s%u", i > 0 ? "," : "", entry->devices.items[i]);
    }
    strbuf_add(out, ": ");
}

static void add_fit(const struct import_fit *fit, struct strbuf *out)
{
    if (fit->verdict != IMPORT_FITS) {
        strbuf_add(out, fit->why.message);
        if (fit->verdict == IMPORT_REFUSED && fit->why.hint[0] != '\0') {
            strbuf_addf(out, "; %s", fit->why.hint);
        }
    } else if (fit->request.gis.n > 0 || fit->request.vgpus.n > 0) {
        layout_view_summary(&fit->request, out);
    } else {
        strbuf_add(out, fit->mig ? "MIG on, no instances" : "MIG off");
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

/* The label's verdict, and the text of the entries that decide it; of those for other GPUs one is
 * enough. */
static void judge(const struct import_target *target, enum import_kind kind,
                  const struct import_label *label, struct verdict *ret_verdict)
{
    size_t n = label->entries.n;
    CLEANUP_FREE struct import_fit *fits = xcalloc(n, sizeof(*fits));
    *ret_verdict = (struct verdict){.verdict = IMPORT_OTHER_GPU, .entries = json_array()};
    for (size_t i = 0; i < n; i++) {
        const struct import_entry *entry = &label->entries.items[i];
        import_fit(target, kind, entry, &fits[i]);
        json_array_append_new(ret_verdict->entries, entry_json(entry, &fits[i]));
        ret_verdict->verdict = weightier(ret_verdict->verdict, fits[i].verdict);
    }
    for (size_t i = 0; i < n; i++) {
        bool named = ret_verdict->text.len > 0;
        if (fits[i].verdict != ret_verdict->verdict ||
            (named && fits[i].verdict == IMPORT_OTHER_GPU)) {
            continue;
        }
        strbuf_add(&ret_verdict->text, named ? "; " : "");
        add_devices(&label->entries.items[i], &ret_verdict->text);
        add_fit(&fits[i], &ret_verdict->text);
    }
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
    *ret_worst = IMPORT_FITS;
    for (vec_each(&file->labels, label)) {
        struct verdict verdict;
        judge(&target, file->kind, label, &verdict);
        bool worse = verdict.verdict == IMPORT_REFUSED ||
                     (verdict.verdict == IMPORT_UNKNOWN && *ret_worst != IMPORT_REFUSED);
        *ret_worst = worse ? verdict.verdict : *ret_worst;
        json_array_append_new(labels,
                              json_pack("{s:s, s:s, s:s, s:o}", "label", label->name, "verdict",
                                        import_verdict_name(verdict.verdict), "text",
                                        strbuf_str(&verdict.text), "entries", verdict.entries));
        strbuf_done(&verdict.text);
    }
    struct cli cli = words->cli;
    CLEANUP_JSON json_t *all = json_pack("{s:o, s:s, s:O}", "gpu", layout_view_model(model), "file",
                                         words->file, "labels", labels);
    if (!cli_print_raw(&cli, all)) {
        listing_print(&label_listing, all, cli_width(&cli));
    }
    return 0;
}
