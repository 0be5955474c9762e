/* SPDX-License-Identifier: Apache-2.0 */
/* A migration that this host leads as an operation. Loop thread only. */
#ifndef MIGRATION_OUTGOING_OPERATION_H
#define MIGRATION_OUTGOING_OPERATION_H

#include "operation/operation.h"

extern const struct operation_kind migration_kind;

#endif
