/* SPDX-License-Identifier: Apache-2.0 */
/* Other tools' vGPUs that harm claims. Loop thread only. */
#ifndef WATCH_INTRUDERS_H
#define WATCH_INTRUDERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct claim;
struct hardware_look;
struct manager;

/* Is another tool's vGPU in the place of the claim's, or on the GPU instance that it has to
 * itself? Says which. */
bool claim_is_intruded(const struct manager *m, const struct claim *claim, char *text, size_t size);
struct intruded *intruded_new(void);
void intruded_free(struct intruded *intruded);
/* The hardware was looked at: events for what came and went. */
void intruders_note(struct manager *m, struct hardware_look *look);
json_t *intruders_list(const struct manager *m);

#endif
