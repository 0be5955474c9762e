/* SPDX-License-Identifier: Apache-2.0 */
/* What serves a need on this host. Loop thread only. */
#ifndef VERBS_ADVICE_H
#define VERBS_ADVICE_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_advise_need;

#endif
