/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/migration_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

#define BAR_WIDTH 24
#define MIB (1024.0 * 1024.0)

bool migration_view_over(const json_t *migration)
{
    return view_text(migration, "finishedAt", NULL) != NULL;
}

static bool has_result(const json_t *check, const char *result)
{
    return str_eq(view_text(check, "result", ""), result);
}

static const struct column check_columns[] = {
    {"RESULT", .path = "result"},
    {"RULE", .path = "rule"},
    {"CLAIM", .path = "claim", .align = TABLE_NAME},
    {"HERE", .path = "source", .align = TABLE_SHORT, .drop = 1},
    {"TARGET", .path = "target", .align = TABLE_SHORT, .drop = 2},
    {"WHY", .path = "message", .align = TABLE_WRAP, .none = ""},
};
static const struct listing check_listing = {LISTING_COLUMNS(check_columns)};

void migration_view_checks(const json_t *migration, bool all, size_t width)
{
    static const char *const order[] = {"failed", "unknown", "warning", "ok"};
    CLEANUP_JSON json_t *shown = json_array();
    const json_t *checks = view_at(migration, "checks");
    for (size_t k = 0; k < ARRAY_SIZE(order) - (all ? 0 : 1); k++) {
        for (size_t i = 0; i < json_array_size(checks); i++) {
            if (has_result(json_array_get(checks, i), order[k])) {
                json_array_append(shown, json_array_get(checks, i));
            }
        }
    }
    listing_print(&check_listing, shown, width);
}

void migration_view_steps(const json_t *migration, size_t width)
{
    const json_t *steps = view_at(migration, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        prose_print(width, "%s: %s", view_text(migration, "target", "target"),
                    json_string_value(json_array_get(steps, i)));
    }
    printf("%s", json_array_size(steps) > 0 ? "\n" : "");
}

static void format_ms(int64_t ms, char out[VIEW_SIZE])
{
    if (ms < 0) {
        snprintf(out, VIEW_SIZE, "?");
    } else if (ms < 1000) {
        snprintf(out, VIEW_SIZE, "%" PRId64 " ms", ms);
    } else {
        snprintf(out, VIEW_SIZE, "%.1f s", (double)ms / 1000);
    }
}

static const char *format_mib(const json_t *migration, const char *path, char out[VIEW_SIZE])
{
    int64_t bytes = view_int(migration, path, -1);
    snprintf(out, VIEW_SIZE, bytes < 0 ? "?" : "%.0f", (double)bytes / MIB);
    return out;
}

static void print_estimate(const json_t *migration, size_t width)
{
    if (!view_true(migration, "estimate.known")) {
        const char *why = view_at(migration, "estimate.linkBytesPerSecond") == NULL
                              ? "the speed of the link is unknown; give it with --bandwidth"
                              : "the guest changes its memory faster than the link can carry it";
        prose_print(width, "Estimate: none: %s", why);
        return;
    }
    char total[VIEW_SIZE];
    char downtime[VIEW_SIZE];
    char memory[VIEW_SIZE];
    char dirty[VIEW_SIZE];
    char framebuffer[VIEW_SIZE];
    char link[VIEW_SIZE];
    format_ms(view_int(migration, "estimate.totalMs", -1), total);
    format_ms(view_int(migration, "estimate.downtimeMs", -1), downtime);
    prose_print(width,
                "Estimate: %s in all, guest paused for at most %s (memory %s MiB, changing by %s "
                "MiB/s, framebuffer %s MiB, link %s MiB/s)",
                total, downtime, format_mib(migration, "estimate.memoryBytes", memory),
                format_mib(migration, "estimate.dirtyBytesPerSecond", dirty),
                format_mib(migration, "estimate.framebufferBytes", framebuffer),
                format_mib(migration, "estimate.linkBytesPerSecond", link));
}

void migration_view_times(const json_t *migration, size_t width)
{
    print_estimate(migration, width);
    int64_t total = view_int(migration, "progress.elapsedMs", -1);
    if (!str_eq(view_text(migration, "state", ""), "done") || total < 0) {
        return;
    }
    char took[VIEW_SIZE];
    char stood[VIEW_SIZE];
    format_ms(total, took);
    format_ms(view_int(migration, "progress.downtimeMs", -1), stood);
    prose_print(width, "Actual:   %s in all, guest paused for %s (%.0f MiB were sent)", took, stood,
                (double)view_int(migration, "progress.processedBytes", 0) / MIB);
}

static void add_bar(const json_t *migration, struct strbuf *out)
{
    int64_t left = view_int(migration, "progress.remainingBytes", 0);
    int64_t total = view_int(migration, "progress.totalBytes", 0);
    if (total <= 0) {
        return;
    }
    int done = (int)((double)(total - left) / (double)total * BAR_WIDTH);
    strbuf_add(out, " [");
    for (int i = 0; i < BAR_WIDTH; i++) {
        strbuf_add(out, i < done ? "#" : ".");
    }
    strbuf_addf(out, "] %.0f of %.0f MiB left", (double)left / MIB, (double)total / MIB);
    int64_t speed = view_int(migration, "progress.bytesPerSecond", 0);
    if (speed > 0) {
        strbuf_addf(out, ", %.0f MiB/s", (double)speed / MIB);
    }
}

void migration_view_line(const json_t *migration, struct strbuf *out)
{
    static const struct {
        const char *state, *text;
    } texts[] = {
        {"checking", "asking the target"},
        {"preparing", "the target makes the devices"},
        {"moving", "moving"},
        {"switching", "the target takes the VM over"},
        {"releasing", "releasing its devices on this host"},
        {"aborting", "going back"},
    };
    const char *state = view_text(migration, "state", "-");
    const char *text = state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        text = str_eq(texts[i].state, state) ? texts[i].text : text;
    }
    strbuf_addf(out, "%s: %s", view_text(migration, "request.vm", "-"), text);
    if (str_eq(state, "moving")) {
        add_bar(migration, out);
    }
}

int migration_view_problem(const json_t *migration, struct error *err)
{
    const char *message = view_text(migration, "problem.message", NULL);
    if (message == NULL) {
        return 0;
    }
    enum reason reason = reason_from_name(view_text(migration, "problem.reason", ""));
    int r = error_set(err, reason == REASON_NONE ? REASON_INTERNAL : reason, "", "%s", message);
    error_hint(err, "%s", view_text(migration, "problem.hint", ""));
    STR_SET(err->rule, view_text(migration, "problem.rule", ""));
    return r;
}

int migration_view_refusal(const json_t *migration, struct error *err)
{
    const json_t *checks = view_at(migration, "checks");
    bool strict = view_true(migration, "request.strict");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        if (!has_result(check, "failed") && (!strict || has_result(check, "ok"))) {
            continue;
        }
        int r = error_set(err, REASON_RULE, "", "VM \"%s\" can't migrate to that host: %s",
                          view_text(migration, "request.vm", "-"), view_text(check, "message", ""));
        error_hint(err, "%s", view_text(check, "hint", ""));
        STR_SET(err->rule, view_text(check, "rule", ""));
        return r;
    }
    return 0;
}
