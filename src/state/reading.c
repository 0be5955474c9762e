/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading.h"

#include "base/mem.h"
#include "ledger/later.h"
#include "state/notes.h"
#include "state/request_copy.h"
#include "state/state.h"

struct reading {
    struct manager *manager;
    const struct reading_question *question;
    struct request_copy copy;
    uint64_t changes; /* of the ledger, before it was read */
    json_t *body;
    int result;
    struct error err;
};

/* On the ledger's thread. */
static void read_body(void *data)
{
    struct reading *r = data;
    r->changes = r->manager->ledger->changes;
    r->result = r->question->read(r->manager, &r->copy.request, &r->body, &r->err);
}

static void answer(void *data)
{
    CLEANUP_FREE struct reading *r = data;
    if (r->result != 0) {
        request_refuse(&r->copy.request, &r->err);
    } else {
        if (r->question->keep != NULL) {
            r->question->keep(r->manager, r->body, r->changes);
        }
        request_answer(&r->copy.request, r->body);
    }
    request_copy_done(&r->copy);
}

void reading_answer(struct manager *m, const struct request *request,
                    const struct reading_question *question)
{
    struct error err = {0};
    if (ledger_is_busy(m->ledger) && notes_check_store(m, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    struct reading *r = xcalloc(1, sizeof(*r));
    r->manager = m;
    r->question = question;
    request_copy_init(&r->copy, request);
    later_read(m->ledger, read_body, answer, r);
}
