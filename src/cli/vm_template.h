/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's template: libvirt's domain XML with placeholders such as @NAME@. Pure. */
#ifndef CLI_VM_TEMPLATE_H
#define CLI_VM_TEMPLATE_H

#include "base/error.h"

/* Puts the VM's name in place of each @NAME@; the caller frees *ret_text. -INVALID for another
 * placeholder (capitals, digits and _ between two @), which a person has to replace first. `file`
 * is what the message names. */
int vm_template_fill(const char *file, const char *text, const char *name, char **ret_text,
                     struct error *err);

#endif
