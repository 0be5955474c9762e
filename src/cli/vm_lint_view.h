/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of `vm lint` where another command failed, or shows a VM. */
#ifndef CLI_VM_LINT_VIEW_H
#define CLI_VM_LINT_VIEW_H

#include <jansson.h>

#include "base/str.h"
#include "cli/cli.h"

/* Adds "1 error, 2 warnings, 0 notes" of an answer of `vm lint`. */
void vm_lint_view_counts(const json_t *lint, struct strbuf *out);
/* Asks for the VM's findings, and reports those that are errors on standard error, each with what
 * to do. Silent where that can't be known. */
void vm_lint_view_report(struct cli *cli, const char *vm);

#endif
