/* SPDX-License-Identifier: Apache-2.0 */
/* What cleaved waits for now: what hangs, and what has the turn. Also reported to those who got an
 * answer from what was seen earlier. */
#include "verbs/waiting.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "exec/ports.h"
#include "model/encode.h"
#include "model/later_keys.h"
#include "state/lateness.h"
#include "state/licence_book.h"
#include "state/site_rules.h"
#include "state/state.h"
#include "turn/queue.h"
#include "turn/vm_lines.h"
#include "watch/looks.h"

#define USECS_PER_S UINT64_C(1000000)

static json_t *shown_time(uint64_t monotonic_us)
{
    return encode_time(clock_realtime_of(monotonic_us));
}

/* A call that has been under way for about as long as anybody who only reads waits: half of it, for
 * it may have begun a moment after the question. */
struct late {
    const char *who;
    uint64_t since_us;
    const char *effect;
    char text[LATE_TEXT_SIZE]; /* "NVML has not answered since …" */
};

static void describe_late(const struct manager *m, struct late *late)
{
    char at[WHEN_SIZE];
    if (str_eq(late->who, "NVML")) {
        (void)lateness_of_driver(m, late->since_us, &late->who, late->text);
    } else {
        str_print(late->text, sizeof(late->text), "%s has not answered since %s", late->who,
                  lateness_when(late->since_us, at));
    }
}

static size_t find_late(const struct manager *m, uint64_t patience_us,
                        struct late late[SOURCE_COUNT + 1])
{
    struct look_calls calls = looks_calls(m);
    const struct late all[] = {
        {"NVML", calls.driver_us, "its GPUs are shown as last observed", ""},
        {"sysfs", calls.pci_us, "GPUs are shown as last observed", ""},
        {"libvirt", calls.guests_us, "VMs are shown as last observed", ""},
    };
    uint64_t now_us = clock_monotonic_us();
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        /* NVML's turn comes after sysfs's, in one look. */
        uint64_t more_us = i == 0 ? calls.before_driver_us : 0;
        if (all[i].since_us != 0 && now_us + more_us >= all[i].since_us + patience_us / 2) {
            late[n] = all[i];
            describe_late(m, &late[n++]);
        }
    }
    return n;
}

static uint64_t age_s(uint64_t since_us)
{
    uint64_t now_us = clock_monotonic_us();
    return now_us > since_us ? (now_us - since_us) / USECS_PER_S : 0;
}

void waiting_add_lateness(const struct manager *m, uint64_t patience_us, json_t *body)
{
    struct late late[SOURCE_COUNT + 1];
    CLEANUP_STRBUF struct strbuf text = {0};
    size_t n = find_late(m, patience_us, late);
    uint64_t seen_us = looks_seen_us(m, SOURCE_HARDWARE);
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&text, "%s%s (%llu s): %s", i > 0 ? "; " : "", late[i].text,
                    (unsigned long long)age_s(late[i].since_us), late[i].effect);
        if (str_eq(late[i].who, "libvirt") && looks_seen_us(m, SOURCE_GUESTS) < seen_us) {
            seen_us = looks_seen_us(m, SOURCE_GUESTS);
        }
    }
    json_object_set_new(body, "observedAt", seen_us == 0 ? json_null() : encode_time(seen_us));
    json_object_set_new(body, "late", encode_text(strbuf_str(&text)));
}

/* ---- health ---- */

static json_t *waiting_plan(const struct parked *parked)
{
    char at[WHEN_SIZE];
    char text[PLAN_REASON_SIZE + 128];
    str_print(text, sizeof(text), "plan %.8s (%s) waits: %s has not answered since %s",
              parked->plan->id, parked->plan->reason, lateness_port_name(parked->port),
              lateness_when(parked->since_us, at));
    return json_string(text);
}

static void add_later_keys(const struct manager *m, json_t *list)
{
    for (vec_each(&m->claims, claim)) {
        CLEANUP_STRBUF struct strbuf keys = {0};
        CLEANUP_STRBUF struct strbuf text = {0};
        later_keys_name(claim->later, &keys);
        if (keys.len > 0) {
            strbuf_addf(&text,
                        "a later version stored of claim \"%s\" what this one keeps and does not "
                        "use: %s",
                        claim->name, strbuf_str(&keys));
            json_array_append_new(list, json_pack("{s:s, s:s, s:n}", "what", "store", "text",
                                                  strbuf_str(&text), "since"));
        }
    }
}

static void add_pools(const struct manager *m, json_t *list)
{
    struct licence_pools pools;
    char text[128];
    licence_book_read_pools(m, &pools);
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        const struct licence_pool *pool = &pools.items[i];
        if (pool->set && licence_pool_has_expired(pool, clock_realtime_us())) {
            (void)str_print(text, sizeof(text), "the pool of licences of %s has expired (%s)",
                            licence_name((enum licence)i), pool->expires);
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:o}", "what", "licences", "text", text,
                                            "since", encode_time(licence_pool_end_us(pool))));
        }
    }
}

static json_t *problems_to_json(const struct manager *m)
{
    struct late late[SOURCE_COUNT + 1];
    json_t *list = json_array();
    size_t n = find_late(m, looks_read_patience_us(m), late);
    for (size_t i = 0; i < n; i++) {
        char text[LATE_TEXT_SIZE + 64];
        str_print(text, sizeof(text), "%s; %s", late[i].text, late[i].effect);
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "what", late[i].who, "text", text,
                                              "since", shown_time(late[i].since_us)));
    }
    for (vec_each(&m->parked, parked)) {
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "what", "plan", "text",
                                              waiting_plan(parked), "since",
                                              shown_time(parked->since_us)));
    }
    vm_lines_add_problems(m, list);
    if (m->commit_problem.reason != REASON_NONE) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "what", "store", "text",
                                              m->commit_problem.message, "since",
                                              shown_time(m->commit_failed_us)));
    }
    if (site_rules_problem(m)[0] != '\0') {
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "what", "rules", "text",
                                              site_rules_problem(m), "since",
                                              shown_time(m->rules_refused_us)));
    }
    add_later_keys(m, list);
    uint64_t busy_us = store_busy_since();
    if (busy_us != 0 && clock_monotonic_us() >= busy_us + looks_read_patience_us(m)) {
        json_array_append_new(
            list,
            json_pack(
                "{s:s, s:s, s:o}", "what", "store", "text",
                "the disk of the state directory does not answer, and requests that need it wait",
                "since", shown_time(busy_us)));
    }
    add_pools(m, list);
    return list;
}

/* The step in hand, as "MIG mode on of 0000:c1:00.0"; "": none. */
static const char *describe_step(const struct plan *plan, char *out, size_t size)
{
    out[0] = '\0';
    for (vec_each(&plan->steps, step)) {
        if (step->state == STEP_RUNNING || step->state == STEP_UNDOING) {
            return step_describe(step, out, size);
        }
    }
    return out;
}

static json_t *turn_to_json(const struct manager *m)
{
    char step[STEP_TEXT_SIZE] = "";
    char text[PLAN_REASON_SIZE + STEP_TEXT_SIZE + 64];
    const struct plan *plan = m->running != NULL ? m->running : m->ended;
    if (!m->busy) {
        return json_null();
    }
    if (plan == NULL) {
        str_print(text, sizeof(text), "%s",
                  queue_turn_of(m)[0] != '\0' ? queue_turn_of(m)
                                              : "what was left "
                                                "to do");
    } else {
        (void)describe_step(plan, step, sizeof(step));
        str_print(text, sizeof(text), "plan %.8s (%s%s%s)", plan->id, plan->reason,
                  step[0] != '\0' ? ": " : "", step);
    }
    return json_pack("{s:o, s:s, s:o}", "plan", encode_text(plan == NULL ? "" : plan->id), "text",
                     text, "since", shown_time(m->turn_since_us));
}

json_t *health_to_json(const struct manager *m)
{
    json_t *problems = problems_to_json(m);
    const char *status = json_array_size(problems) == 0 ? "ok" : "degraded";
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o}", "status", status, "version", CLEAVE_VERSION,
                     "problems", problems, "turn", turn_to_json(m), "waiting",
                     (json_int_t)queue_length(m), "observedAt",
                     encode_time(looks_seen_us(m, SOURCE_HARDWARE)));
}

void verb_get_health(struct manager *m, const struct request *request)
{
    request_answer(request, health_to_json(m));
}
