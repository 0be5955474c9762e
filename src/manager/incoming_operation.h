/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for a VM that comes in as an operation. Private to src/manager; loop thread only.
 */
#ifndef MANAGER_INCOMING_OPERATION_H
#define MANAGER_INCOMING_OPERATION_H

#include "operation/operation.h"

extern const struct operation_kind incoming_kind;

#endif
