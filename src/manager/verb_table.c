/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/verb_table.h"

#include "drain/drain_requests.h"
#include "lifecycle/released.h"
#include "manager/manager.h"
#include "migration/incoming_abort.h"
#include "migration/incoming_offer.h"
#include "migration/incoming_requests.h"
#include "migration/migration_requests.h"
#include "migration/outgoing_resolve.h"
#include "restore/restorations.h"
#include "turn/plans.h"
#include "verbs/advice.h"
#include "verbs/claims.h"
#include "verbs/cordon.h"
#include "verbs/events.h"
#include "verbs/gc.h"
#include "verbs/gpu_recover.h"
#include "verbs/gpus.h"
#include "verbs/licences.h"
#include "verbs/operations.h"
#include "verbs/questions.h"
#include "verbs/rules_asked.h"
#include "verbs/site.h"
#include "verbs/vm_lint.h"
#include "verbs/waiting.h"
#include "verbs/watched.h"
#include "vm/hook.h"
#include "vm/vm_stop.h"
#include "vm/vms.h"

verb_fn *const manager_verbs[VERB_COUNT] = {
#define VERB(id, name, method, path, permission, body, flags, begins, function)                    \
    [VERB_##id] = function,
#include "service/verbs.def"
#undef VERB
};
