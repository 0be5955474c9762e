/* SPDX-License-Identifier: Apache-2.0 */
/* Offers of a VM by another host. Loop thread only. */
#ifndef MIGRATION_INCOMING_OFFER_H
#define MIGRATION_INCOMING_OFFER_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_offer_incoming;

#endif
