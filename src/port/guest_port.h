/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtualization layer's side: domains, who holds which device, attach and detach, migration.
 * Implemented by driver/libvirt. All operations block and run on a worker thread. A port is used by
 * one thread at a time; a second port of the same host may be used next to it.
 *
 * How long an operation may block: libvirt runs its hook script while it holds the domain's lock.
 * Until that script ends, every question about that domain waits in libvirtd, and so does every
 * list of domains (docs/internals/libvirt.md has what was measured). Marked below: (waits) means
 * that the operation can wait as long as any VM's hook runs, (waits for vm) for the hook of that VM
 * alone. So who answers a hook must not need an operation of this port for it.
 */
#ifndef PORT_GUEST_PORT_H
#define PORT_GUEST_PORT_H

#include "base/error.h"
#include "model/domain_facts.h"
#include "model/host.h"
#include "model/plan.h"

/* A device in one definition: a PCI function or an mdev. */
struct hostdev {
    bool is_mdev;
    struct pci_addr addr;
    char mdev_uuid[40];
};

/* What a rewritten definition has in place of one device. */
struct hostdev_change {
    char claim[NAME_SIZE]; /* "": the device `from`, no matter who put it in */
    struct hostdev from;   /* found by claim (its alias) first, else by address or UUID */
    struct hostdev to;
};

enum guest_xml {
    GUEST_XML_STORED,    /* the persistent definition: what the next start has */
    GUEST_XML_LIVE,      /* of the running VM */
    GUEST_XML_MIGRATABLE /* of the running VM, in the form that a migration's dest_xml needs */
};

struct guest_migration {
    const char *vm;
    const char *dest_uri;     /* libvirt of the target as the source's libvirtd sees it */
    const char *migrate_uri;  /* where the data flows; "" or NULL: libvirt chooses */
    const char *dest_xml;     /* a rewritten GUEST_XML_MIGRATABLE; NULL: the same devices there */
    const char *persist_xml;  /* a rewritten GUEST_XML_STORED, kept at the target; NULL: the same */
    uint64_t bandwidth_bytes; /* per second, 0: no limit */
    uint64_t max_downtime_ms; /* 0: the emulator's default */
    bool keep_source;         /* leave the source's stored definition: the caller undefines it */
    bool direct;              /* this process talks to both sides instead of the two libvirtds */
};

enum guest_job {
    GUEST_JOB_NONE,
    GUEST_JOB_RUNNING,
    GUEST_JOB_DONE,
    GUEST_JOB_FAILED,
    GUEST_JOB_CANCELLED
};

/* A migration as libvirt reports it; what it does not report (yet) is unknown. Rates are 0 until
 * the first round is over. */
struct guest_progress {
    enum guest_job job;
    struct amount total_bytes, processed_bytes, remaining_bytes;
    struct amount bytes_per_s;
    struct amount dirty_bytes_per_s; /* how fast the guest's memory changes */
    struct amount vfio_bytes;        /* device state sent so far */
    struct amount elapsed_ms;
    struct amount downtime_ms; /* RUNNING: expected by the emulator; DONE: what it was */
    bool runs_here;            /* of migrate(): the source says that the VM still runs there */
};

struct guest_port;

/* On a thread of the port's own: returns at once. */
typedef void guest_changed_fn(void *data);

/* FIND, CHECK and LOOK do nothing; only KILL ever ends a guest against its will. */
enum guest_stop {
    GUEST_STOP_FIND,  /* is it there, and on? */
    GUEST_STOP_CHECK, /* and could its guest shut down? */
    GUEST_STOP_ASK,
    GUEST_STOP_LOOK,
    GUEST_STOP_KILL,
};

/* All mandatory, but what says otherwise. */
struct guest_port_ops {
    /* Read-only. Adds to `host` the libvirt version and all domains with their host devices. A
     * missing libvirt is no error: host->libvirt_problem says it in one sentence. (waits) */
    int (*observe)(struct guest_port *port, struct host *host, struct error *err);
    /* Optional: NULL where VMs' changes are not reported. From the next observe() on, `changed` is
     * called whenever a VM is defined, undefined, started, paused or ended. NULL: no more, which
     * holds as soon as this has returned. Never waits. */
    void (*follow)(struct guest_port *port, guest_changed_fn *changed, void *data);
    /* Read-only. 0 = apply can only fail for a run-time reason. (waits for vm) */
    int (*check)(struct guest_port *port, const struct step *step, struct error *err);
    /* Idempotent: a step whose result is already there succeeds. Reads back and compares; a
     * mismatch is an error. Fills step->got_*. (waits for vm) */
    int (*apply)(struct guest_port *port, struct step *step, struct error *err);
    /* Read-only: what define() refuses before it asks libvirt to define. */
    int (*may_define)(struct guest_port *port, const char *xml, const char *name,
                      struct error *err);
    /* Defines a domain from XML text under a new name (UUID dropped, host devices refused). */
    int (*define)(struct guest_port *port, const char *xml, const char *name, struct error *err);
    /* Starts a shut-off domain; -REASON_CONFLICT if it runs already. Returns when the VM's hooks
     * have ended and its emulator runs. */
    int (*start)(struct guest_port *port, const char *vm, struct error *err);
    /* Asks the guest to shut down, or looks whether it has, or pulls its plug; *ret_off tells
     * whether it is off, which after asking takes as long as the guest takes. One that is gone is
     * off for LOOK, and -REASON_NOT_FOUND for all others. CHECK and ASK refuse one that is paused
     * (-REASON_CONFLICT): its guest does not run. Returns soon. (waits for vm) */
    int (*stop)(struct guest_port *port, const char *vm, enum guest_stop how, bool *ret_off,
                struct error *err);
    /* Read-only: would undefine() be refused? -REASON_IN_USE: it runs, or libvirt keeps more of it
     * than its definition (a saved state, snapshots, firmware variables). (waits for vm) */
    int (*may_undefine)(struct guest_port *port, const char *vm, struct error *err);
    /* Removes a shut-off domain's definition. (waits for vm) */
    int (*undefine)(struct guest_port *port, const char *vm, struct error *err);

    /* The definition as text; caller frees. -REASON_NOT_FOUND without such a VM, -REASON_CONFLICT
     * when it has no such definition (transient, or off). (waits for vm) */
    int (*read_xml)(struct guest_port *port, const char *vm, enum guest_xml which, char **ret_xml,
                    struct error *err);
    /* What the stored definition (of a transient VM: the running one) says that matters to its
     * GPUs. domain_facts_done() frees, also after an error. (waits for vm) */
    int (*facts)(struct guest_port *port, const char *vm, struct domain_facts *ret_facts,
                 struct error *err);
    /* Pure: `xml` with each change's device replaced, everything else as it was. Every change must
     * be found exactly once, else -REASON_NOT_FOUND or -REASON_CONFLICT. Caller frees. Never waits.
     */
    int (*rewrite)(struct guest_port *port, const char *xml, const struct hostdev_change *changes,
                   size_t n_changes, char **ret_xml, struct error *err);

    /* Pure: what a definition says: name, UUID, host devices and whose they are. Devices are marked
     * live. The caller frees ret_vm->devices. Never waits; any thread. */
    int (*describe)(struct guest_port *port, const char *xml, struct vm *ret_vm, struct error *err);

    /* Moves a running VM, live, and makes it persistent at the target; blocks until it is there or
     * not. Never post-copy. `ret_done` (may be NULL) gets the statistics of the job, however it
     * ended. After an error libvirt has left the VM running at the source, which
     * ret_done->runs_here confirms; without that a connection broke, and both sides have to be
     * asked. */
    int (*migrate)(struct guest_port *port, const struct guest_migration *migration,
                   struct guest_progress *ret_done, struct error *err);
    /* Read-only; for another thread and port than migrate's, which it never waits for. What runs
     * now; GUEST_JOB_NONE: nothing. */
    int (*migrate_progress)(struct guest_port *port, const char *vm,
                            struct guest_progress *ret_progress, struct error *err);
    /* From another thread and port: asks a running migration to end; migrate() then fails with
     * -REASON_CONFLICT and GUEST_JOB_CANCELLED, or, when one emulator saw the other's end of the
     * link close before it heard of the cancel, with GUEST_JOB_FAILED: who cancelled knows better.
     * None running: 0. */
    int (*migrate_cancel)(struct guest_port *port, const char *vm, struct error *err);
    /* Optional: NULL where it can't be known. How fast a running guest changes its memory, watched
     * for a second, in which the guest runs on, in whole MiB/s: 0 of one that rests, or that a busy
     * host did not run. From another thread and port than migrate's. -REASON_UNSUPPORTED: libvirt
     * or the emulator can't tell. (waits for vm) */
    int (*dirty_rate)(struct guest_port *port, const char *vm, uint64_t *ret_bytes_per_s,
                      struct error *err);
    void (*free)(struct guest_port *port);
};

/* Implementations embed this first. */
struct guest_port {
    const struct guest_port_ops *ops;
};

#endif
