/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes lead to: one file for each resource. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/call.h"

route_fn health_get;
route_fn host_get;
route_fn host_get_restore;
route_fn host_restore;
route_fn gpu_list;
route_fn gpu_get;
route_fn gpu_set_mode;
route_fn gpu_set_scheduler;
route_fn gpu_cordon;
route_fn gpu_uncordon;
route_fn gpu_recover;
route_fn profile_list;
route_fn claim_list;
route_fn claim_create;
route_fn claim_get;
route_fn claim_delete;
route_fn claim_restore;
route_fn claim_list_released;
route_fn site_apply;
route_fn plan_list;
route_fn plan_get;
route_fn vm_list;
route_fn vm_create;
route_fn vm_delete;
route_fn vm_start;
route_fn vm_lint;
route_fn vm_stop;
route_fn hook_qemu;
route_fn gc_list;
route_fn gc_run;
route_fn migration_list;
route_fn migration_create;
route_fn migration_get;
route_fn migration_cancel;
route_fn migration_settle;
route_fn incoming_offer;
route_fn incoming_get;
route_fn incoming_commit;
route_fn incoming_abort;
route_fn drain_begin;
route_fn drain_get;
route_fn drain_cancel;
route_fn drain_end;
route_fn event_list;
route_fn rule_list;

#endif
