/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/verbs.h"

#include "manager/claims.h"
#include "manager/cordon.h"
#include "manager/drain.h"
#include "manager/gc.h"
#include "manager/gpus.h"
#include "manager/hook.h"
#include "manager/incoming.h"
#include "manager/lint.h"
#include "manager/manager.h"
#include "manager/migration.h"
#include "manager/migration_resolve.h"
#include "manager/operations.h"
#include "manager/plans.h"
#include "manager/questions.h"
#include "manager/recover.h"
#include "manager/released.h"
#include "manager/restore.h"
#include "manager/site.h"
#include "manager/vms.h"
#include "manager/waiting.h"

verb_fn *const manager_verbs[VERB_COUNT] = {
#define VERB(id, name, method, path, permission, body, flags, begins, function)                    \
    [VERB_##id] = function,
#include "service/verbs.def"
#undef VERB
};
