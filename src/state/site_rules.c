/* SPDX-License-Identifier: Apache-2.0 */
#include "state/site_rules.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "state/state.h"
#include "state/txn.h"

/* The same problem again is no news. */
static void note(struct manager *m, const struct error *problem, const char *consequence)
{
    char text[sizeof(m->rules_problem)];
    bool named = strstr(problem->message, problem->subject) != NULL;
    (void)str_print(text, sizeof(text), "%s%s%s%s%s", named ? "" : problem->subject,
                    named ? "" : ": ", problem->message, problem->hint[0] != '\0' ? "; " : "",
                    problem->hint);
    if (str_eq(text, m->rules_problem)) {
        return;
    }
    STR_SET(m->rules_problem, text);
    m->rules_refused_us = clock_monotonic_us();
    log_error("%s; %s", text, consequence);
    txn_event_alone(m, EVENT_HOST_RULES_REFUSED, "host", "", "%.800s; %s", text, consequence);
}

void site_rules_begin(struct manager *m, const struct rules *rules, const struct error *problem)
{
    m->rules = rules;
    if (problem != NULL) {
        note(m, problem, "no rule of the site is in force");
    }
}

void site_rules_take(struct manager *m, const struct rules *rules)
{
    size_t n_files = 0;
    size_t n = rules_count_own(rules, &n_files);
    bool is_news = m->rules_problem[0] != '\0' || !rules_have_same_own(m->rules, rules);
    m->rules = rules;
    m->rules_problem[0] = '\0';
    if (is_news) {
        log_info("the site's own rules were read again: %zu in %zu files", n, n_files);
        txn_event_alone(m, EVENT_HOST_RULES_CHANGED, "host", "",
                        "of the site's own rules %zu are in force, from %zu file%s", n, n_files,
                        n_files == 1 ? "" : "s");
    }
}

void site_rules_refuse(struct manager *m, const struct error *problem)
{
    note(m, problem, "the site's rules of before stay in force");
}

const char *site_rules_problem(const struct manager *m)
{
    return m->rules_problem;
}
