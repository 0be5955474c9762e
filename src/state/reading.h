/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that the store answers. It is read on the ledger's thread, so that a disk which hangs
 * holds up this answer and no other. Loop thread only, unless said. */
#ifndef STATE_READING_H
#define STATE_READING_H

#include <jansson.h>

#include "ledger/ledger.h"
#include "service/service.h"

struct reading_question {
    /* On the ledger's thread: reads the ledger (later_read()) and nothing else of the manager.
     * 0 and the answer's body, or -reason. */
    int (*read)(const struct manager *m, const struct request *request, json_t **ret_body,
                struct error *err);
    /* The body is what was stored when ledger->changes had that value; borrowed for the call.
     * NULL: nothing follows. */
    void (*keep)(struct manager *m, json_t *body, uint64_t changes);
};

/* Answers or refuses the request, in its turn of the ledger. */
void reading_answer(struct manager *m, const struct request *request,
                    const struct reading_question *question);

#endif
