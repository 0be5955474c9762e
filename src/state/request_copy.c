/* SPDX-License-Identifier: Apache-2.0 */
#include "state/request_copy.h"

#include <stdlib.h>

#include "base/mem.h"

void request_copy_init(struct request_copy *copy, const struct request *request)
{
    *copy = (struct request_copy){.request = *request};
    const char **texts[REQUEST_TEXTS] = {&copy->request.target, &copy->request.gpu,
                                         &copy->request.behind, &copy->request.kind,
                                         &copy->request.state,  &copy->request.subject};
    for (size_t i = 0; i < REQUEST_TEXTS; i++) {
        copy->texts[i] = *texts[i] != NULL ? xstrdup(*texts[i]) : NULL;
        *texts[i] = copy->texts[i];
    }
    if (request->caller != NULL) {
        copy->caller = *request->caller;
        copy->request.caller = &copy->caller;
    }
}

void request_copy_done(struct request_copy *copy)
{
    for (size_t i = 0; i < REQUEST_TEXTS; i++) {
        free(copy->texts[i]);
    }
}
