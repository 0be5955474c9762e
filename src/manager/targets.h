/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of plans, operations and migrations by their beginnings. Loop thread only. */
#ifndef MANAGER_TARGETS_H
#define MANAGER_TARGETS_H

#include "service/service.h"

/* Finds the one identifier, of the kind that the verb's path names, that begins with the target;
 * the service's find_target(). */
find_target_fn targets_find;

#endif
