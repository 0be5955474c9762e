/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an object of each kind with all of its fields filled in. What is a pointer, the caller
 * frees. */
#ifndef MODEL_SAMPLES_FIXTURE_H
#define MODEL_SAMPLES_FIXTURE_H

#include "model/claim.h"
#include "model/drain.h"
#include "model/gpu_record.h"
#include "model/host.h"
#include "model/incoming.h"
#include "model/migration.h"
#include "model/plan.h"

#define SAMPLE_TIME_US UINT64_C(1764000000123456)

struct claim sample_claim(const char *name);
struct claim sample_bare_claim(const char *name);
struct plan *sample_plan(void);
struct migration *sample_migration(void);
struct incoming *sample_incoming(void);
struct migration_offer *sample_offer(void);
struct drain *sample_drain(void);
struct gpu_record sample_record(void);
struct host *sample_host(void);

#endif
