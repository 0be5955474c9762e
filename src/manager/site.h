/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about sites. Private to src/manager; loop thread only. */
#ifndef MANAGER_SITE_H
#define MANAGER_SITE_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_apply_site;

#endif
