/* SPDX-License-Identifier: Apache-2.0 */
/* Claims as the API shows them. Loop thread only. */
#ifndef WATCH_CLAIM_VIEW_H
#define WATCH_CLAIM_VIEW_H

#include <jansson.h>

#include "model/claim.h"

struct manager;

/* As the API shows it: with what the host, as it was seen last, says of it. */
json_t *claim_view(const struct manager *m, const struct claim *claim);
/* The claims that are kept though their VMs are not there. */
json_t *claim_view_held(const struct manager *m);
/* What a VM starts without, as sentences: its claims that failed and never had a device. NULL:
 * nothing. */
json_t *claim_view_without(const struct manager *m, const char *vm_name, const char *vm_uuid);
/* Where the claim's GPU is, which is not at its address, as a sentence's part. */
void claim_say_away(const struct manager *m, const struct claim *claim, char *text, size_t size);
/* Is the claim bound, and its device not there, or on a GPU that can't be used? Says which. */
bool claim_lacks_device(const struct manager *m, const struct claim *claim, char *text,
                        size_t size);

#endif
