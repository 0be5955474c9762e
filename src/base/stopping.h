/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal by a cleaved that is about to end: who asks goes on as without it. */
#ifndef BASE_STOPPING_H
#define BASE_STOPPING_H

#include "base/error.h"

#define STOPPING_SUBJECT "cleaved/stopping"

/* -UNAVAILABLE, with that subject. */
struct error stopping_error(void);

#endif
