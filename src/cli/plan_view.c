/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/fields.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

const char *plan_view_hint(const json_t *plan)
{
    const json_t *steps = view_at(plan, "steps");
    const char *hint = "";
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        if (hint[0] == '\0' || str_eq(view_text(step, "state", ""), "stuck")) {
            hint = view_text(step, "hint", hint);
        }
    }
    return hint;
}

static void print_head(const json_t *plan, size_t width)
{
    char created[VIEW_SIZE];
    char finished[VIEW_SIZE];
    const char *id = view_text(plan, "id", "");
    printf("Plan%s%s: %s\n", id[0] == '\0' ? "" : " ", id, view_text(plan, "state", "-"));
    const char *problem = view_text(plan, "problem", NULL);
    const char *hint = plan_view_hint(plan);
    struct field_row fields[6] = {{"For", view_text(plan, "reason", "-")},
                                  {"By", view_text(plan, "author", "-")}};
    size_t n = 2;
    if (view_at(plan, "createdAt") != NULL) { /* a dry run has no times */
        fields[n++] = (struct field_row){"Made", view_time(plan, "createdAt", created)};
        fields[n++] = (struct field_row){"Finished", view_time(plan, "finishedAt", finished)};
    }
    if (problem != NULL) {
        fields[n++] = (struct field_row){"Problem", problem};
    }
    if (hint[0] != '\0') {
        fields[n++] = (struct field_row){"Hint", hint};
    }
    fields_print(fields, n, width);
}

static void add_what(const json_t *step, struct strbuf *out)
{
    const char *problem = view_text(step, "problem", NULL);
    strbuf_addf(out, "%s%s%s", view_text(step, "text", "-"), problem == NULL ? "" : ": ",
                problem == NULL ? "" : problem);
}

static const struct column step_columns[] = {
    {"STEP", .format = COLUMN_ROW, .align = TABLE_RIGHT},
    {"STATE", .path = "state"},
    {"WHAT", .cell = add_what, .align = TABLE_WRAP},
    {"CLAIM", .path = "claim", .align = TABLE_NAME},
    {"VM", .path = "vm", .align = TABLE_NAME},
};
static const struct listing step_listing = {LISTING_COLUMNS(step_columns),
                                            .empty = "Nothing needs to be done."};

static void add_slices(const json_t *instance, struct strbuf *out)
{
    int64_t start = view_int(instance, "start", 0);
    int64_t end = start + view_int(instance, "size", 1) - 1;
    strbuf_addf(out, "%" PRId64 "-%" PRId64, start, end);
}

static const struct column instance_columns[] = {
    {"GPU", .path = "gpu"},
    {"INSTANCE", .path = "profile"},
    {"SLICES", .cell = add_slices},
    {"IS", .path = "what"},
};
static const struct listing instance_listing = {LISTING_COLUMNS(instance_columns)};

static void print_vms(const json_t *vms, size_t width)
{
    CLEANUP_STRBUF struct strbuf names = {0};
    for (size_t i = 0; i < json_array_size(vms); i++) {
        strbuf_addf(&names, "%s%s", i == 0 ? "" : ", ", json_string_value(json_array_get(vms, i)));
    }
    if (names.len > 0) {
        putchar('\n');
        prose_print(width, "VMs touched: %s", strbuf_str(&names));
    }
}

void plan_view_bars(const json_t *plan, size_t width)
{
    const json_t *bars = view_at(plan, "bars");
    for (size_t i = 0; i < json_array_size(bars); i++) {
        const json_t *bar = json_array_get(bars, i);
        printf("%s", i == 0 ? "\n" : "");
        prose_print(width, "VM %s could not start any more: its definition names %s, for no claim",
                    view_text(bar, "vm", "-"),
                    view_text(bar, "mdevUuid", view_text(bar, "device", "-")));
    }
}

void plan_view_left(const json_t *plan, size_t width)
{
    const json_t *left = view_at(plan, "left");
    for (size_t i = 0; i < json_array_size(left); i++) {
        prose_print(width, "%s", json_string_value(json_array_get(left, i)));
    }
}

void plan_view_unchecked(const json_t *plan, size_t width)
{
    const json_t *list = view_at(plan, "notChecked");
    for (size_t i = 0; i < json_array_size(list); i++) {
        prose_print(width, "Not checked: %s.", json_string_value(json_array_get(list, i)));
    }
}

void plan_view_warnings(const json_t *plan)
{
    const json_t *warnings = view_at(plan, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        prose_report("warning: %s", view_text(json_array_get(warnings, i), "text", "-"));
    }
}

const char *plan_view_move(const json_t *plan, const char *claim)
{
    const json_t *moves = view_at(plan, "moves");
    for (size_t i = 0; i < json_array_size(moves); i++) {
        const json_t *move = json_array_get(moves, i);
        if (str_eq(view_text(move, "claim", ""), claim)) {
            return view_text(move, "text", NULL);
        }
    }
    return NULL;
}

static void print_moves(const json_t *moves, size_t width)
{
    for (size_t i = 0; i < json_array_size(moves); i++) {
        prose_print(width, "%s", view_text(json_array_get(moves, i), "text", "-"));
    }
}

/* One that moves is released and bound in one plan; print_moves() says so. */
static void print_claims(const json_t *plan, size_t width)
{
    const json_t *entries = view_at(plan, "claims");
    if (json_array_size(entries) == 0) {
        return;
    }
    printf("\n");
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const json_t *claim = view_at(entry, "claim");
        const char *gpu = view_text(claim, "assigned.gpu", NULL);
        if (plan_view_move(plan, view_text(claim, "name", "-")) != NULL) {
            continue;
        }
        prose_print(width, "%s claim %s%s%s", view_text(entry, "verb", "-"),
                    view_text(claim, "name", "-"), gpu == NULL ? "" : " on ",
                    gpu == NULL ? "" : gpu);
    }
}

/* Nothing below the steps came about where they were undone. */
static void print_title(const json_t *plan)
{
    static const char *const states[] = {"failed", "cancelled", "stuck"};
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        if (str_eq(view_text(plan, "state", ""), states[i])) {
            printf("\nPlanned, but not done:\n");
        }
    }
}

void plan_view_print(const json_t *plan, size_t width)
{
    print_head(plan, width);
    const json_t *instances = view_at(plan, "instances");
    printf("\n");
    listing_print(&step_listing, view_at(plan, "steps"), width);
    print_title(plan);
    printf("%s", json_array_size(instances) > 0 ? "\n" : "");
    listing_print(&instance_listing, instances, width);
    print_claims(plan, width);
    print_moves(view_at(plan, "moves"), width);
    print_vms(view_at(plan, "vms"), width);
    plan_view_bars(plan, width);
    plan_view_left(plan, width);
    plan_view_warnings(plan);
}

/* "DC-1-8C", "2g.10gb", "the whole GPU". */
static const char *what_of(const json_t *claim)
{
    const char *type = view_text(claim, "type", NULL);
    return type != NULL ? view_last_word(type) : view_text(claim, "profile", "the whole GPU");
}

void plan_view_claims(const json_t *claims, size_t width)
{
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        const char *state = view_text(claim, "state", "-");
        const char *gpu = view_text(claim, "assigned.gpu", NULL);
        const char *vm = view_text(claim, "vm", NULL);
        const char *problem = view_text(claim, "problem", NULL);
        if (str_eq(state, "pending") && problem == NULL) { /* on-demand */
            prose_print(width, "claim %s is pending: VM %s gets %s when it starts",
                        view_text(claim, "name", "-"), vm == NULL ? "-" : vm, what_of(claim));
            continue;
        }
        CLEANUP_STRBUF struct strbuf text = {0};
        strbuf_addf(&text, "claim %s is %s", view_text(claim, "name", "-"), state);
        if (gpu != NULL && (str_eq(state, "bound") || str_eq(state, "binding"))) {
            strbuf_addf(&text, ": %s on %s", what_of(claim), gpu);
        }
        if (vm != NULL) {
            strbuf_addf(&text, " for VM %s", vm);
        }
        prose_print(width, "%s%s%s", strbuf_str(&text), problem == NULL ? "" : ": ",
                    problem == NULL ? "" : problem);
    }
}

const char *plan_view_counts(const json_t *plan, char *out, size_t size)
{
    static const char *const words[] = {"kept", "created", "destroyed"};
    const json_t *instances = view_at(plan, "instances");
    out[0] = '\0';
    for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
        unsigned n = 0;
        for (size_t i = 0; i < json_array_size(instances); i++) {
            n += str_eq(view_text(json_array_get(instances, i), "what", ""), words[w]);
        }
        size_t len = strlen(out);
        if (n > 0) {
            snprintf(out + len, size - len, "%s%u %s", len == 0 ? "" : ", ", n, words[w]);
        }
    }
    return out;
}
