/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a VM's definition: read while changes go on, judged in the light of the host
 * and the claims as they are then. */
#include "verbs/vm_lint.h"

#include "base/stopping.h"
#include "base/str.h"
#include "lint/lint.h"
#include "state/state.h"
#include "vm/vms.h"
#include "watch/looks.h"
#include "watch/observe.h"

struct lint_question {
    struct manager *manager;
    struct guest_port *port;
    char vm[VM_NAME_SIZE];
    reply_fn *reply;
    void *data;
    struct domain_facts facts;
    int result;
    struct error err;
};

static void answer(struct lint_question *question, json_t *body, const struct error *err)
{
    question->reply(body, err, question->data);
    domain_facts_done(&question->facts);
    free(question);
}

static void facts_work(void *data)
{
    struct lint_question *question = data;
    question->result =
        question->port->ops->facts(question->port, question->vm, &question->facts, &question->err);
}

static void facts_done(void *data)
{
    struct lint_question *question = data;
    struct manager *m = question->manager;
    if (m->stopping) {
        struct error stopping = stopping_error();
        answer(question, NULL, &stopping);
        return;
    }
    if (question->result != 0) {
        answer(question, NULL, &question->err);
        return;
    }
    struct findings findings = {0};
    lint_domain(&question->facts, m->host, &m->claims, m->rules, &findings);
    json_t *body = findings_to_json(question->facts.name, &findings);
    vec_done(&findings);
    answer(question, body, NULL);
}

static void observed(struct manager *m, const struct error *observe_err, void *data)
{
    struct lint_question *question = data;
    struct error err = {0};
    struct vm *vm = NULL;
    if (observe_err == NULL && vms_find(m, question->vm, &vm, &err) != 0) {
        observe_err = &err;
    }
    if (observe_err != NULL) {
        answer(question, NULL, observe_err);
        return;
    }
    STR_SET(question->vm, vm->name);
    looks_ask_guests(m, facts_work, facts_done, question);
}

void verb_lint_vm(struct manager *m, const struct request *request)
{
    struct lint_question *question = xcalloc(1, sizeof(*question));
    question->manager = m;
    question->port = looks_guest_port(m);
    question->reply = request->reply;
    question->data = request->data;
    STR_SET(question->vm, request->target);
    observe_soon(m, looks_read_patience_us(m), observed, question); /* it only reads */
}
