/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that only read: each is answered from a fresh observation, or, when that is late, from
 * the last one with its age. */
#include "base/str.h"
#include "manager/reply_json.h"
#include "manager/state.h"

/* A question that a fresh observation answers. */
struct question {
    int (*answer)(struct manager *m, const struct question *question, json_t **ret_body,
                  struct error *err);
    manager_reply_fn *reply;
    void *data;
    char name[VM_NAME_SIZE];
};

static void answer_question(struct manager *m, const struct error *err, void *data)
{
    CLEANUP_FREE struct question *question = data;
    json_t *body = NULL;
    struct error own = {0};
    if (err == NULL && question->answer(m, question, &body, &own) != 0) {
        err = &own;
    }
    if (body != NULL) {
        manager_add_lateness(m, body);
    }
    question->reply(err == NULL ? body : NULL, err, question->data);
}

static void ask(struct manager *m, struct question question)
{
    struct question *copy = xcalloc(1, sizeof(*copy));
    *copy = question;
    manager_observe_soon(m, answer_question, copy);
}

static int answer_host(struct manager *m, const struct question *question, json_t **ret_body,
                       struct error *err)
{
    (void)question;
    (void)err;
    *ret_body = host_to_json(m->host);
    json_object_set_new(*ret_body, "hook", hook_watch_to_json(&m->hook_watch));
    json_object_set_new(*ret_body, "heldClaims", claim_view_held(m));
    return 0;
}

void manager_get_host(struct manager *m, manager_reply_fn *reply, void *data)
{
    ask(m, (struct question){.answer = answer_host, .reply = reply, .data = data});
}

static int answer_gpus(struct manager *m, const struct question *question, json_t **ret_body,
                       struct error *err)
{
    (void)question;
    (void)err;
    *ret_body = reply_gpus(m->host, &m->gpu_records);
    return 0;
}

void manager_list_gpus(struct manager *m, manager_reply_fn *reply, void *data)
{
    ask(m, (struct question){.answer = answer_gpus, .reply = reply, .data = data});
}

static int answer_vms(struct manager *m, const struct question *question, json_t **ret_body,
                      struct error *err)
{
    (void)question;
    bool seen = m->views[HALF_GUESTS].seen_us != 0 && m->views[HALF_GUESTS].late;
    if (m->host->libvirt_problem[0] != '\0' && !seen) { /* unknown is not none */
        return error_set(err, REASON_UNAVAILABLE, "libvirt", "VMs can't be listed: %s",
                         m->host->libvirt_problem);
    }
    *ret_body = reply_vms(m->host);
    return 0;
}

void manager_list_vms(struct manager *m, manager_reply_fn *reply, void *data)
{
    ask(m, (struct question){.answer = answer_vms, .reply = reply, .data = data});
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

static int answer_gpu(struct manager *m, const struct question *question, json_t **ret_body,
                      struct error *err)
{
    struct gpu *gpu = NULL;
    int r = find_gpu(m, question->name, &gpu, err);
    if (r == 0) {
        *ret_body = reply_gpu(gpu, &m->gpu_records);
    }
    return r;
}

void manager_get_gpu(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data)
{
    struct question question = {.answer = answer_gpu, .reply = reply, .data = data};
    STR_SET(question.name, gpu);
    ask(m, question);
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
        r = error_set(
            err, REASON_UNSUPPORTED, SUBJECT("gpu", name),
            "GPU %s (PCI id 0x%04x) is unknown to the catalog, and its driver says nothing of "
            "its profiles and types",
            name, gpu->pci_id);
        error_hint(err, "pass-through works with any GPU");
        return r;
    }
    *ret_body = reply_profiles(&model, 1, gpu);
    return 0;
}

static int answer_profiles(struct manager *m, const struct question *question, json_t **ret_body,
                           struct error *err)
{
    if (question->name[0] != '\0') {
        return answer_profiles_of(m, question->name, ret_body, err);
    }
    VEC(const struct gpu_model *) models = {0};
    for (vec_each(&m->host->gpus, gpu)) {
        const struct gpu_model *model = model_of(m, gpu);
        bool listed = model == NULL;
        for (size_t i = 0; i < models.n; i++) { /* two boards of one kind have equal models */
            listed = listed || (model != NULL && str_eq(models.items[i]->key, model->key));
        }
        if (!listed) {
            *vec_push(&models) = model;
        }
    }
    *ret_body = reply_profiles(models.items, models.n, NULL);
    vec_done(&models);
    return 0;
}

void manager_list_profiles(struct manager *m, const char *gpu, manager_reply_fn *reply, void *data)
{
    struct question question = {.answer = answer_profiles, .reply = reply, .data = data};
    STR_SET(question.name, gpu == NULL ? "" : gpu);
    ask(m, question);
}
