/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about sites. Loop thread only. */
#ifndef VERBS_SITE_H
#define VERBS_SITE_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_apply_site;

#endif
