/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleave made and no one has taken away since: vGPUs and GPU instances. One small record each,
 * kept for as long as the thing is there, however many plans come after; `cleave gc` goes by them.
 * Pure.
 */
#ifndef MODEL_MADE_H
#define MODEL_MADE_H

#include "model/plan.h"

#define MADE_KEY_SIZE 96

/* Key of what the step creates or takes away; false: the step is about no such thing. */
bool made_key(const struct step *step, char out[MADE_KEY_SIZE]);
void made_key_of_vgpu(const struct pci_addr *gpu, const struct vgpu *vgpu, char out[MADE_KEY_SIZE]);
void made_key_of_gi(const struct pci_addr *gpu, const struct gi *gi, char out[MADE_KEY_SIZE]);
/* Is it the key of something on the GPU? */
bool made_is_on(const char *key, const struct pci_addr *gpu);
/* Does the step, once done, take all away that is on its GPU? */
bool made_is_wiped_by(enum step_kind kind);
/* For a VGPU_CREATE or GI_CREATE. */
json_t *made_to_json(const struct step *step);
/* -INTERNAL: the stored document is no such thing. */
int made_check_json(const json_t *document, struct error *err);

#endif
