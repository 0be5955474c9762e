/* SPDX-License-Identifier: Apache-2.0 */
/* Names of vGPU types as vgpu-device-manager takes them. */
#ifndef IMPORT_VGPU_NAME_H
#define IMPORT_VGPU_NAME_H

#include <stdbool.h>

/* "A100-1-5CME", "RTX5000-Ada-4Q", "DC-1-24CGFX"; not "GRID A100-1-5C", "nvidia-474", "a100-1-5c".
 */
bool vgpu_name_is_plain(const char *name);
/* Is a plain name a MIG-backed type's: "A100-1-5C"? */
bool vgpu_name_is_mig_backed(const char *name);

#endif
