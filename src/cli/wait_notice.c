/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wait_notice.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/stopping.h"
#include "base/str.h"
#include "cli/screen.h"
#include "cli/view.h"

#define FIRST_MS 1000
#define HEALTH_TIMEOUT_S 1
#define USECS_PER_S 1000000

struct wait_notice {
    struct client *aside; /* asks while the other one waits */
    uint64_t began_us;
    const char *own;
    char shown[512]; /* last, on what is no terminal */
    struct screen_line line;
};

bool wait_notice_describe(const json_t *health, char *out, size_t size)
{
    const json_t *problems = view_at(health, "problems");
    const char *plan = view_text(health, "turn.plan", NULL);
    if (plan != NULL) {
        str_print(out, size, "waiting for %s", view_text(health, "turn.text", plan));
        return true;
    }
    if (json_array_size(problems) > 0) {
        str_print(
            out, size, "waiting: %s",
            view_text(json_array_get(problems, 0), "text", "part of the host does not answer"));
        return true;
    }
    const char *turn = view_text(health, "turn.text", NULL); /* of no plan yet: a VM's start, say */
    if (turn != NULL) {
        str_print(out, size, "waiting for %s", turn);
        return true;
    }
    return false;
}

static void report_wait(void *data)
{
    struct wait_notice *wait_notice = data;
    CLEANUP_JSON json_t *health = NULL;
    struct error err = {0};
    char text[512];
    uint64_t seconds = (clock_monotonic_us() - wait_notice->began_us) / USECS_PER_S;
    if (client_call(wait_notice->aside, "GET", "/v1/health", NULL, &health, &err) != 0) {
        bool said = /* by cleaved itself */
            str_eq(err.subject, "cleaved") || str_eq(err.subject, STOPPING_SUBJECT);
        str_print(text, sizeof(text), "%s", said ? err.message : "cleaved has not answered yet");
    } else if (wait_notice->own != NULL) {
        str_print(text, sizeof(text), "waiting until %s", wait_notice->own);
    } else if (!wait_notice_describe(health, text, sizeof(text))) {
        return;
    }
    if (screen_error_is_terminal()) {
        CLEANUP_FREE char *line = xasprintf("%.110s, %llu s", text, (unsigned long long)seconds);
        screen_line_show(&wait_notice->line, line);
    } else if (!str_eq(text, wait_notice->shown)) {
        fprintf(stderr, "cleave: %s, %llu s\n", text, (unsigned long long)seconds);
        STR_SET(wait_notice->shown, text);
    }
    fflush(stderr);
}

struct wait_notice *wait_notice_new(const char *socket, struct client *client)
{
    struct wait_notice *wait_notice = xcalloc(1, sizeof(*wait_notice));
    wait_notice->aside = client_new(socket);
    client_set_timeout(wait_notice->aside, HEALTH_TIMEOUT_S);
    client_on_wait(client, FIRST_MS, report_wait, wait_notice);
    return wait_notice;
}

void wait_notice_free(struct wait_notice *wait_notice)
{
    if (wait_notice != NULL) {
        client_free(wait_notice->aside);
        free(wait_notice);
    }
}

void wait_notice_begin(struct wait_notice *wait_notice, const char *own)
{
    if (wait_notice != NULL) {
        wait_notice->own = own;
        wait_notice->began_us = clock_monotonic_us();
    }
}

void wait_notice_end(struct wait_notice *wait_notice)
{
    if (wait_notice != NULL) {
        screen_line_clear(&wait_notice->line);
    }
}
