/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan, a migration or a drain is as an operation, as it is stored and shown. X_describe()
 * fills in what only the kind knows, X_to_operation() all. Pure.
 */
#ifndef MODEL_OPERATION_VIEWS_H
#define MODEL_OPERATION_VIEWS_H

#include "model/drain.h"
#include "model/incoming.h"
#include "model/migration.h"
#include "model/operation.h"
#include "model/plan.h"

struct operation_progress plan_progress(const struct plan *plan);
void plan_to_operation(const struct plan *plan, struct operation_view *ret_view);

/* Of one that waits for something it is "running". */
enum operation_state migration_operation_state(const struct migration *migration);
void migration_describe(const struct migration *migration, struct operation_view *view);
void migration_to_operation(const struct migration *migration, struct operation_view *ret_view);

enum operation_state incoming_operation_state(const struct incoming *incoming);
void incoming_describe(const struct incoming *incoming, struct operation_view *view);
void incoming_to_operation(const struct incoming *incoming, struct operation_view *ret_view);

enum operation_state drain_operation_state(enum drain_state state);
void drain_describe(const struct drain *drain, struct operation_view *view);
void drain_to_operation(const struct drain *drain, struct operation_view *ret_view);

#endif
