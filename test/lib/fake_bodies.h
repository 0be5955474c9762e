/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up host that fake_manager.c serves. */
#ifndef TEST_LIB_FAKE_BODIES_H
#define TEST_LIB_FAKE_BODIES_H

#include <jansson.h>

#include "model/claim.h"
#include "model/host.h"
#include "model/plan.h"

struct host *fake_host(void);
/* Two steps, one instance kept, one created, one destroyed. */
struct plan *fake_plan(const char *reason);
void fake_assign(struct claim *claim);
/* `gpu` NULL: of all models. */
json_t *fake_profiles(const struct gpu *gpu);
json_t *fake_rules(void);

#endif
