/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleave itself did to VMs: libvirt reports that as well, and such a report is no event of its
 * own. A report may be read before its request is answered, or after. Loop thread only; times are
 * realtime, in microseconds.
 */
#ifndef WATCH_OWN_CHANGES_H
#define WATCH_OWN_CHANGES_H

#include "model/event.h"
#include "model/host.h"

struct own_change {
    char vm[VM_NAME_SIZE], uuid[40]; /* uuid "": not known */
    enum vm_happening happening;
    uint64_t from_us, until_us; /* a report of that time is cleave's doing */
    bool once;                  /* one report alone */
    bool reported;              /* already, before it was noted */
};

struct own_changes {
    struct own_change *items;
    size_t n;
    size_t cap;
};

void own_changes_done(struct own_changes *own);
/* A request of cleave's ends now, and its event is of that kind. */
void own_changes_note(struct own_changes *own, const char *vm, enum event_kind kind,
                      uint64_t now_us);
/* Plans change definitions several times, in that time. */
void own_changes_note_plan(struct own_changes *own, const char *vm, uint64_t from_us,
                           uint64_t until_us);
/* The report came while an operation had the VM in hand. */
void own_changes_note_report(struct own_changes *own, const struct vm_report *report);
/* Was that cleave? A change that is reported once is forgotten then. */
bool own_changes_take(struct own_changes *own, const struct vm_report *report);
/* Forgets what no report can be about any more. */
void own_changes_trim(struct own_changes *own, uint64_t now_us);

#endif
