/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for a VM that comes in as an operation. Loop thread only. */
#ifndef MIGRATION_INCOMING_OPERATION_H
#define MIGRATION_INCOMING_OPERATION_H

#include "operation/operation.h"

extern const struct operation_kind incoming_kind;

#endif
