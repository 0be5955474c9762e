/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that only read: each is answered from a fresh observation, or, when that is late, from
 * the last one with its age. */
#include "verbs/questions.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/encode.h"
#include "plan/host_warnings.h"
#include "state/planner_view.h"
#include "state/reply_json.h"
#include "state/site_rules.h"
#include "state/state.h"
#include "state/txn.h"
#include "verbs/waiting.h"
#include "vm/vms.h"
#include "watch/claim_view.h"
#include "watch/hook_watch.h"
#include "watch/intruders.h"
#include "watch/looks.h"
#include "watch/lost.h"
#include "watch/observe.h"

/* A look that does not end at once is not waited for where most is stored. */
#define STORE_PATIENCE_US UINT64_C(500000)

/* A question that a fresh observation answers. */
struct question {
    answer_fn *answer;
    reply_fn *reply;
    void *data;
    uint64_t asked_us;
    uint64_t patience_us;
    char name[VM_NAME_SIZE];
};

/* ---- the same answer for all who asked the same ---- */

#define KEPT_ANSWERS 4

struct kept_answer {
    json_t *body; /* NULL: none */
    answer_fn *answer;
    char name[VM_NAME_SIZE];
    uint64_t made_us;             /* monotonic */
    uint64_t looks[SOURCE_COUNT]; /* that had ended */
};

struct answers {
    struct kept_answer items[KEPT_ANSWERS];
    size_t next; /* to be replaced */
};

struct answers *answers_new(void)
{
    return xcalloc(1, sizeof(struct answers));
}

void answers_free(struct answers *answers)
{
    for (size_t i = 0; i < KEPT_ANSWERS; i++) {
        json_decref(answers->items[i].body);
    }
    free(answers);
}

static struct kept_answer *find_kept(struct manager *m, const struct question *question)
{
    for (size_t i = 0; i < KEPT_ANSWERS; i++) {
        struct kept_answer *kept = &m->answers->items[i];
        if (kept->body != NULL && kept->answer == question->answer &&
            str_eq(kept->name, question->name)) {
            return kept;
        }
    }
    return NULL;
}

/* True for who asked before it was made, of the same looks: any moment in between will do. */
static bool is_answer(const struct manager *m, const struct kept_answer *kept,
                      const struct question *question)
{
    return kept->made_us >= question->asked_us &&
           kept->looks[SOURCE_HARDWARE] == looks_ended(m, SOURCE_HARDWARE) &&
           kept->looks[SOURCE_GUESTS] == looks_ended(m, SOURCE_GUESTS);
}

static void keep(struct manager *m, const struct question *question, json_t *body)
{
    struct kept_answer *kept = find_kept(m, question);
    if (kept == NULL) {
        kept = &m->answers->items[m->answers->next];
        m->answers->next = (m->answers->next + 1) % KEPT_ANSWERS;
    }
    json_decref(kept->body);
    *kept = (struct kept_answer){
        .body = json_incref(body),
        .answer = question->answer,
        .made_us = clock_monotonic_us(),
        .looks = {looks_ended(m, SOURCE_HARDWARE), looks_ended(m, SOURCE_GUESTS)}};
    STR_SET(kept->name, question->name);
}

static int find_answer(struct manager *m, const struct question *question, json_t **ret_body,
                       struct error *err)
{
    const struct kept_answer *kept = find_kept(m, question);
    if (kept != NULL && is_answer(m, kept, question)) {
        *ret_body = json_incref(kept->body);
        return 0;
    }
    int r = question->answer(m, question->name, ret_body, err);
    if (r == 0) {
        waiting_add_lateness(m, question->patience_us, *ret_body);
        keep(m, question, *ret_body);
    }
    return r;
}

static void answer_question(struct manager *m, const struct error *err, void *data)
{
    CLEANUP_FREE struct question *question = data;
    json_t *body = NULL;
    struct error own = {0};
    if (err == NULL && find_answer(m, question, &body, &own) != 0) {
        err = &own;
    }
    question->reply(body, err, question->data);
}

static void ask(struct manager *m, answer_fn *answer, const char *name,
                const struct request *request, uint64_t patience_us)
{
    struct question *question = xcalloc(1, sizeof(*question));
    *question = (struct question){.answer = answer,
                                  .reply = request->reply,
                                  .data = request->data,
                                  .asked_us = clock_monotonic_us(),
                                  .patience_us = patience_us};
    STR_SET(question->name, name);
    observe_soon(m, patience_us, answer_question, question);
}

void questions_ask(struct manager *m, answer_fn *answer, const char *name,
                   const struct request *request)
{
    ask(m, answer, name, request, looks_read_patience_us(m));
}

void questions_ask_of_store(struct manager *m, answer_fn *answer, const char *name,
                            const struct request *request)
{
    uint64_t patience_us = looks_read_patience_us(m);
    ask(m, answer, name, request,
        patience_us < STORE_PATIENCE_US ? patience_us : STORE_PATIENCE_US);
}

int answer_host(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    (void)name;
    (void)err;
    *ret_body = host_to_json(m->host);
    json_object_set_new(*ret_body, "hook", hook_watch_to_json(m->hook_watch));
    json_object_set_new(*ret_body, "heldClaims", claim_view_held(m));
    json_object_set_new(*ret_body, "intruders", intruders_list(m));
    json_object_set_new(*ret_body, "rulesProblem", encode_text(site_rules_problem(m)));
    const struct planner planner = planner_view(m);
    json_object_set_new(*ret_body, "warnings", host_warnings(&planner));
    return 0;
}

void verb_get_host(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_host, "", request);
}

int answer_gpus(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    (void)name;
    (void)err;
    CLEANUP(host_freep) struct host *lost = lost_gpus_find(m);
    *ret_body = reply_gpus(m->host, &m->gpu_records);
    for (vec_each(&lost->gpus, gpu)) {
        json_array_append_new(json_object_get(*ret_body, "gpus"), reply_gpu(gpu, &m->gpu_records));
    }
    return 0;
}

void verb_list_gpus(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_gpus, "", request);
}

int answer_vms(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    (void)name;
    bool seen = looks_seen_us(m, SOURCE_GUESTS) != 0 && looks_are_late(m, SOURCE_GUESTS);
    if (m->host->libvirt_problem[0] != '\0' && !seen) { /* unknown is not none */
        return error_set(err, REASON_UNAVAILABLE, "libvirt", "cleaved can't list VMs: %s",
                         m->host->libvirt_problem);
    }
    *ret_body = reply_vms(m->host);
    return 0;
}

void verb_list_vms(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_vms, "", request);
}

static int answer_vm(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    CLEANUP_JSON json_t *all = NULL;
    int r = answer_vms(m, "", &all, err);
    struct vm *vm = r == 0 ? host_find_vm(m->host, name) : NULL;
    if (r == 0 && vm == NULL) {
        r = vms_find(m, name, &vm, err); /* which says why not */
    }
    if (r == 0) {
        *ret_body = reply_vm(vm);
    }
    return r;
}

void verb_get_vm(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_vm, request->target, request);
}

static int find_gpu(const struct manager *m, const char *name, struct gpu **ret_gpu,
                    struct error *err)
{
    *ret_gpu = host_find_gpu(m->host, name);
    if (*ret_gpu != NULL) {
        return 0;
    }
    return host_unknown_gpu(m->host, name, err);
}

static int answer_gpu(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    CLEANUP(host_freep) struct host *lost = lost_gpus_find(m);
    struct gpu *there = host_find_gpu(m->host, name);
    struct gpu *gpu = there != NULL ? there : host_find_gpu(lost, name);
    int r = gpu != NULL ? 0 : find_gpu(m, name, &gpu, err);
    if (r == 0) {
        *ret_body = reply_gpu(gpu, &m->gpu_records);
    }
    return r;
}

void verb_get_gpu(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_gpu, request->target, request);
}

/* ---- profiles ---- */

static const struct gpu_model *model_of(const struct manager *m, const struct gpu *gpu)
{
    return boards_find(m->boards, m->config.catalog, gpu);
}

static int answer_profiles_of(struct manager *m, const char *name, json_t **ret_body,
                              struct error *err)
{
    struct gpu *gpu = NULL;
    int r = find_gpu(m, name, &gpu, err);
    if (r != 0) {
        return r;
    }
    const struct gpu_model *model = model_of(m, gpu);
    if (model == NULL) {
        r = error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", name),
                      "the catalog does not have GPU %s (PCI id 0x%04x), and its driver reports no "
                      "profiles and types",
                      name, gpu->pci_id);
        error_hint(err, "pass-through works with any GPU");
        return r;
    }
    struct profile_gpus gpus = {0};
    *vec_push(&gpus) = gpu;
    *ret_body = reply_profiles(&model, 1, &gpus);
    vec_done(&gpus);
    return 0;
}

static int answer_profiles(struct manager *m, const char *name, json_t **ret_body,
                           struct error *err)
{
    if (name[0] != '\0') {
        return answer_profiles_of(m, name, ret_body, err);
    }
    VEC(const struct gpu_model *) models = {0};
    struct profile_gpus gpus = {0};
    for (vec_each(&m->host->gpus, gpu)) {
        const struct gpu_model *model = model_of(m, gpu);
        *vec_push(&gpus) = gpu;
        bool listed = model == NULL;
        for (size_t i = 0; i < models.n; i++) { /* two boards of one kind have equal models */
            listed = listed || (model != NULL && str_eq(models.items[i]->key, model->key));
        }
        if (!listed) {
            *vec_push(&models) = model;
        }
    }
    *ret_body = reply_profiles(models.items, models.n, &gpus);
    vec_done(&gpus);
    vec_done(&models);
    return 0;
}

void verb_list_profiles(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_profiles, request->gpu == NULL ? "" : request->gpu, request);
}
