/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/verbs.h"

#include "manager/manager.h"

verb_fn *const manager_verbs[VERB_COUNT] = {
#define VERB(id, name, method, path, permission, body, flags, begins, function)                    \
    [VERB_##id] = function,
#include "service/verbs.def"
#undef VERB
};
