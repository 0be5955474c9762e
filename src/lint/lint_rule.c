/* SPDX-License-Identifier: Apache-2.0 */
#include "lint/lint_rule.h"

#include <stdarg.h>

#include "base/str.h"

#define MAX_FAULTS 256

struct fault *lint_find(struct lint *lint, uint32_t line, const char *element, const char *fmt, ...)
{
    if (lint->faults.n == MAX_FAULTS) {
        lint->faults.n--; /* a definition that bad is distinguished by its first 255 */
    }
    struct fault *fault = vec_push(&lint->faults);
    fault->kind = lint->kind;
    fault->severity = SEVERITY_COUNT;
    fault->line = line;
    fault->element = element;
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(fault->message, sizeof(fault->message), fmt, args);
    va_end(args);
    return fault;
}

void lint_advise(struct fault *fault, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(fault->advice, sizeof(fault->advice), fmt, args);
    va_end(args);
}

static void add_claim_command(const struct lint *lint, const struct seen *seen, struct strbuf *out)
{
    char bdf[BDF_SIZE];
    CLEANUP_STRBUF struct strbuf options = {0};
    if (seen->whole) {
        strbuf_add(&options, " --mode passthrough");
    } else if (seen->device->is_mdev || seen->gpu != NULL) {
        strbuf_add(&options, " --type TYPE");
    }
    if (seen->gpu != NULL) {
        strbuf_addf(&options, " --gpu %s", pci_addr_format(&seen->gpu->addr, bdf));
    }
    strbuf_addf(out, "`cleave claim create NAME --vm %s%s`", SHELL_WORD(lint->facts->name),
                strbuf_str(&options));
}

void lint_advise_mend(struct lint *lint, struct fault *fault, struct seen *seen, const char *mend)
{
    CLEANUP_STRBUF struct strbuf claim = {0};
    seen->mended = true;
    if (seen->claim != NULL || seen->meant != NULL || seen->gpu == NULL) {
        lint_advise(fault, "%s: `virsh edit %s`", mend, SHELL_ARG(lint->facts->name));
        return;
    }
    add_claim_command(lint, seen, &claim);
    lint_advise(fault, "%s, or remove the device, and claim one: `virsh edit %s`, %s", mend,
                SHELL_ARG(lint->facts->name), strbuf_str(&claim));
}

void lint_advise_claim(const struct lint *lint, struct fault *fault, const struct seen *seen)
{
    CLEANUP_STRBUF struct strbuf claim = {0};
    add_claim_command(lint, seen, &claim);
    lint_advise(fault, "remove it (`virsh edit %s`), and claim a device: %s",
                SHELL_ARG(lint->facts->name), strbuf_str(&claim));
}

bool lint_is_ours(const struct lint *lint, const struct claim *claim)
{
    return claim_is_of(claim, lint->facts->name, lint->facts->uuid);
}

bool lint_must_migrate(const struct lint *lint)
{
    for (vec_each(lint->claims, claim)) {
        if (claim->spec.migratable && lint_is_ours(lint, claim)) {
            return true;
        }
    }
    return false;
}

const char *lint_element(const struct seen *seen)
{
    return seen->device->is_interface ? "interface" : "hostdev";
}

bool lint_is_same(const struct domain_device *a, const struct domain_device *b)
{
    return a->is_mdev == b->is_mdev && (a->is_mdev ? str_eq(a->mdev_uuid, b->mdev_uuid)
                                                   : pci_addr_cmp(&a->addr, &b->addr) == 0);
}
