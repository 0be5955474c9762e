/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about claims that were released because their VM was gone. Loop thread only. */
#ifndef LIFECYCLE_RELEASED_H
#define LIFECYCLE_RELEASED_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_restore_claim, verb_list_released;

#endif
