/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule found wrong with a VM's definition. */
#ifndef LINT_FINDING_H
#define LINT_FINDING_H

#include "base/error.h"
#include "base/words.h"

/* ERROR: the VM won't start, or a device is lost. WARNING: it may, or it runs worse. */
enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, SEVERITY_COUNT };
WORDS_DECLARE(severity, severity_words)

struct finding {
    /* The rule's id, why it is one, and where that is written; borrowed. */
    const char *rule, *why, *source;
    uint32_t order;         /* of the rule among all */
    enum severity severity; /* the rule's, or milder, or worse for this VM */
    uint32_t line;          /* of the stored definition as libvirt prints it; 0: none */
    char element[32];       /* "hostdev" */
    char message[ERROR_TEXT_SIZE];
    char advice[ERROR_TEXT_SIZE];
};

struct findings {
    struct finding *items;
    size_t n;
    size_t cap;
};

#endif
