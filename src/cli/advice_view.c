/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/advice_view.h"

#include <stdio.h>
#include <string.h>

#include "advise/advise.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"
#include "model/claim.h"

#define MAX_NAMED 3 /* GPUs that a reason names */

static bool serves(const json_t *item)
{
    return json_is_integer(json_object_get(item, "rank"));
}

static bool is_mode(const json_t *item, enum claim_mode mode)
{
    return str_eq(view_text(item, "mode", ""), claim_mode_name(mode));
}

/* ---- what serves ---- */

/* "0000:41:00.0 +3": with the number of those that are alike. */
static void add_gpu(const json_t *item, struct strbuf *out)
{
    size_t more = json_array_size(json_object_get(item, "alike"));
    strbuf_add(out, view_text(item, "gpu", ""));
    if (more > 0) {
        strbuf_addf(out, " +%zu", more);
    }
}

static void add_what(const json_t *item, struct strbuf *out)
{
    const char *type = view_text(item, "type", NULL);
    const char *profile = view_text(item, "profile", NULL);
    strbuf_add(out, is_mode(item, CLAIM_PASSTHROUGH) ? "the whole GPU"
                    : type != NULL                   ? view_last_word(type)
                    : profile != NULL                ? profile
                                                     : "");
}

static void add_licences(const json_t *item, struct strbuf *out)
{
    const json_t *list = json_object_get(item, "licences");
    if (json_array_size(list) == 0) {
        strbuf_add(out, "none");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        strbuf_addf(out, "%s%s", i > 0 ? " or " : "", json_string_value(json_array_get(list, i)));
    }
}

/* The answer of cleaved, and that of the catalog, which knows no GPU and its room. */
static const struct column host_columns[] = {
    {"RANK", .path = "rank", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"GPU", .cell = add_gpu},
    {"MODE", .path = "mode"},
    {"GETS", .cell = add_what},
    {"LICENCE", .cell = add_licences},
    {"UNUSED", .path = "cost.unusedMib", .format = COLUMN_MIB, .align = TABLE_RIGHT, .drop = 1},
    {"ROOM", .path = "cost.roomAfter", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 2},
};
static const struct listing host_listing = {.arrays = {"advice"}, LISTING_COLUMNS(host_columns)};

static const struct column board_columns[] = {
    {"RANK", .path = "rank", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"BOARD", .path = "gpu", .align = TABLE_NAME},
    {"MODE", .path = "mode"},
    {"GETS", .cell = add_what},
    {"LICENCE", .cell = add_licences},
    {"PER GPU", .path = "perGpu", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 1},
};
static const struct listing board_listing = {.arrays = {"advice"}, LISTING_COLUMNS(board_columns)};

static void print_table(const json_t *answer, size_t width)
{
    CLEANUP_JSON json_t *shown = json_array();
    bool of_host = false;
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(json_object_get(answer, "advice"), i, item)
    {
        if (serves(item)) {
            of_host = of_host || json_object_get(item, "alike") != NULL;
            json_array_append(shown, item);
        }
    }
    if (json_array_size(shown) > 0) {
        CLEANUP_JSON json_t *part = json_pack("{s:O}", "advice", shown);
        listing_print(of_host ? &host_listing : &board_listing, part, width);
    }
}

/* ---- what changes, and what it costs ---- */

static void add_list(const json_t *list, const char *before, struct strbuf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        strbuf_addf(out, "%s%s", i == 0 ? before : ", ",
                    json_string_value(json_array_get(list, i)));
    }
}

static void add_cost(const json_t *item, struct strbuf *out)
{
    char size[VIEW_SIZE];
    int64_t stranded = view_int(item, "cost.strandedMib", 0);
    int64_t blocked = view_int(item, "cost.vmsBlocked", 0);
    int64_t compute = view_int(item, "cost.unusedComputePercent", 0);
    if (stranded > 0) {
        strbuf_addf(out, "%s%s of the GPU can't be used then", out->len > 0 ? "; " : "",
                    view_mib(stranded, size));
    }
    if (blocked > 0) {
        strbuf_addf(out, "%sroom for %lld fewer VM%s like this than in the mode with most room",
                    out->len > 0 ? "; " : "", (long long)blocked, blocked == 1 ? "" : "s");
    }
    if (compute > 0) {
        strbuf_addf(out, "%s%lld %% more of the GPU's compute than was asked for",
                    out->len > 0 ? "; " : "", (long long)compute);
    }
}

static void add_notes(const json_t *item, struct strbuf *text)
{
    const char *change = view_text(item, "change", NULL);
    if (change != NULL) {
        strbuf_addf(text, "first %s", change);
        const json_t *claims = view_at(item, "moves.claims");
        add_list(claims, " (", text);
        add_list(view_at(item, "moves.vms"), ", of VM ", text);
        strbuf_add(text, json_array_size(claims) > 0 ? ")" : "");
    }
    add_cost(item, text);
}

/* Ranks of which the same is to be said, in one line: "1, 2: first turn MIG mode on." */
static void print_notes(const json_t *answer, size_t width)
{
    const json_t *list = json_object_get(answer, "advice");
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && serves(json_array_get(list, i));) {
        CLEANUP_STRBUF struct strbuf text = {0};
        CLEANUP_STRBUF struct strbuf ranks = {0};
        add_notes(json_array_get(list, i), &text);
        bool same = true;
        while (same) {
            CLEANUP_STRBUF struct strbuf next = {0};
            strbuf_addf(&ranks, "%s%lld", ranks.len > 0 ? ", " : "",
                        (long long)view_int(json_array_get(list, i), "rank", 0));
            i++;
            same = i < n && serves(json_array_get(list, i));
            if (same) {
                add_notes(json_array_get(list, i), &next);
                same = str_eq(strbuf_str(&next), strbuf_str(&text));
            }
        }
        if (text.len > 0) {
            prose_print_indented(width, 2, "%s: %s.", strbuf_str(&ranks), strbuf_str(&text));
        }
    }
}

static bool has_warning(const json_t *item, const json_t *warning)
{
    size_t i = 0;
    const json_t *other = NULL;
    json_array_foreach(json_object_get(item, "warnings"), i, other)
    {
        if (json_equal(other, warning)) {
            return true;
        }
    }
    return false;
}

/* Each with the ranks of which it is true. */
static void print_warning(const json_t *list, size_t first, const json_t *warning, size_t width)
{
    CLEANUP_STRBUF struct strbuf ranks = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!has_warning(item, warning)) {
            continue;
        }
        if (i < first) {
            return;
        }
        strbuf_addf(&ranks, "%s%lld", ranks.len > 0 ? ", " : "",
                    (long long)view_int(item, "rank", 0));
    }
    prose_print_indented(width, 2, "%s: warning: %s [%s]", strbuf_str(&ranks),
                         view_text(warning, "text", ""), view_text(warning, "rule", ""));
}

static void print_warnings(const json_t *answer, size_t width)
{
    const json_t *list = json_object_get(answer, "advice");
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t k = 0;
        const json_t *warning = NULL;
        json_array_foreach(json_object_get(json_array_get(list, i), "warnings"), k, warning)
        {
            print_warning(list, i, warning, width);
        }
    }
}

/* ---- why not the rest ---- */

static const char *first_reason(const json_t *item, const char *key)
{
    return view_text(json_array_get(json_object_get(item, "reasons"), 0), key, "");
}

/* By rule: the text of one mode or board stands for those of the others, unless it names the
 * licences that these take. What is in the way on a GPU is of no rule, and only its text says what
 * it is. */
static bool same_reason(const json_t *a, const json_t *b)
{
    bool of_licence = str_starts(first_reason(a, "rule"), "licence-");
    if (of_licence && !json_equal(json_object_get(a, "licences"), json_object_get(b, "licences"))) {
        return false;
    }
    bool of_rule = !str_eq(first_reason(a, "source"), ADVISE_SOURCE_HOST);
    return str_eq(first_reason(a, "rule"), first_reason(b, "rule")) &&
           (of_rule || str_eq(first_reason(a, "text"), first_reason(b, "text")));
}

static bool was_said(const json_t *list, size_t n, const json_t *item)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *other = json_array_get(list, i);
        if (!serves(other) && same_reason(other, item)) {
            return true;
        }
    }
    return false;
}

static bool has_word(const struct strbuf *list, const char *word)
{
    size_t len = strlen(word);
    const char *at = strbuf_str(list);
    for (; (at = strstr(at, word)) != NULL; at += len) {
        bool begins = at == strbuf_str(list) || at[-1] == ' ';
        if (begins && (at[len] == '\0' || at[len] == ',')) {
            return true;
        }
    }
    return false;
}

static void add_word(struct strbuf *list, const char *word)
{
    if (!has_word(list, word)) {
        strbuf_addf(list, "%s%s", list->len > 0 ? ", " : "", word);
    }
}

/* Modes and GPUs that are refused for the same reason, the first GPUs by name. */
static void add_refused(const json_t *list, size_t first, struct strbuf *modes, struct strbuf *gpus)
{
    const json_t *item = json_array_get(list, first);
    size_t n = 0;
    for (size_t i = first; i < json_array_size(list); i++) {
        const json_t *other = json_array_get(list, i);
        const char *gpu = view_text(other, "gpu", "");
        if (serves(other) || !same_reason(other, item)) {
            continue;
        }
        add_word(modes, view_text(other, "mode", ""));
        if (!has_word(gpus, gpu) && n < MAX_NAMED) {
            add_word(gpus, gpu);
            n++;
        }
    }
    if (n == MAX_NAMED) {
        strbuf_add(gpus, ", …");
    }
}

static void print_refusals(const json_t *answer, size_t width)
{
    const json_t *list = json_object_get(answer, "advice");
    bool begun = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        CLEANUP_STRBUF struct strbuf modes = {0};
        CLEANUP_STRBUF struct strbuf gpus = {0};
        if (serves(item) || was_said(list, i, item)) {
            continue;
        }
        if (!begun) {
            printf("\nNot:\n");
            begun = true;
        }
        add_refused(list, i, &modes, &gpus);
        prose_print_indented(width, 2, "%s (%s): %s [%s]", strbuf_str(&modes), strbuf_str(&gpus),
                             first_reason(item, "text"), first_reason(item, "rule"));
    }
}

/* ---- all of it ---- */

bool advice_serves(const json_t *answer)
{
    return serves(json_array_get(json_object_get(answer, "advice"), 0));
}

static bool is_about(const json_t *item, const char *gpu)
{
    const json_t *alike = json_object_get(item, "alike");
    for (size_t i = 0; i < json_array_size(alike); i++) {
        if (str_eq_case(json_string_value(json_array_get(alike, i)), gpu)) {
            return true;
        }
    }
    return str_eq_case(view_text(item, "gpu", ""), gpu) ||
           str_eq_case(view_text(item, "model", ""), gpu);
}

bool advice_keep_gpu(json_t *answer, const char *gpu)
{
    json_t *list = json_object_get(answer, "advice");
    for (size_t i = json_array_size(list); i > 0; i--) {
        if (!is_about(json_array_get(list, i - 1), gpu)) {
            json_array_remove(list, i - 1);
        }
    }
    return json_array_size(list) > 0;
}

void advice_print(const json_t *answer, size_t width)
{
    print_table(answer, width);
    print_notes(answer, width);
    print_warnings(answer, width);
    print_refusals(answer, width);
    const json_t *notes = json_object_get(answer, "notes");
    for (size_t k = 0; k < json_array_size(notes); k++) {
        printf("%s", k == 0 ? "\n" : "");
        prose_print(width, "%s", json_string_value(json_array_get(notes, k)));
    }
    fflush(stdout);
}
