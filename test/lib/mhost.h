/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memory host (mhost): a manager over a fake host, with the real planner, catalog and rules, for
 * tests of the manager and for fault tests. CLEAVE_DATADIR must name the data folder.
 */
#ifndef TEST_LIB_MHOST_H
#define TEST_LIB_MHOST_H

#include "fake_host.h"
#include "faulty.h"
#include "manager/manager.h"
#include "state/config.h"

/* An A100 at 41:00.0, an RTX PRO 6000 with MIG time-slicing at 61:00.0, an L40S at
 * 81:00.0, and the VMs web1 to web4. */
void mhost_furnish(struct fake_host *host);

#define MHOST_A100 "0000:41:00.0"
#define MHOST_RTX "0000:61:00.0"
#define MHOST_L40S "0000:81:00.0"

/* Loaded once, shared by all memory hosts of a process. */
struct mhost_data {
    struct catalog *catalog;
    struct rules *rules;
};
void mhost_data_load(struct mhost_data *data);
void mhost_data_done(struct mhost_data *data);

struct mhost {
    struct evloop *loop;
    const struct mhost_data *data;
    struct fake_host *host; /* borrowed */
    struct faults faults;
    struct ports ports;
    struct guest_port *watch_guest;
    struct guest_port *fake_guest; /* the one below ports.guest, to set a hook */
    struct guest_port *fake_watch; /* the one below watch_guest, to report events */
    uint64_t vm_grace_us, hook_deadline_us;
    /* Adds to the configuration of each manager that is started; may be NULL. */
    void (*configure)(struct mhost *mhost, struct manager_config *config);
    /* Called on the loop again and again while something is waited for; may be NULL. */
    void (*tick)(struct mhost *mhost);
    struct store *store;
    struct manager *manager;
    struct error start_err; /* why it did not start, the last time that it did not */
    bool forgetful;         /* the driver was loaded again: bound claims may lack their devices */
};

/* What a request was answered with. */
struct answer {
    struct mhost *mhost;
    bool there;
    json_t *body;
    struct error err;
};

/* Loop, ports and store; then mhost_start() makes the manager. `store` is taken. */
void mhost_open(struct mhost *mhost, const struct mhost_data *data, struct fake_host *host,
                struct store *store);
/* 0 or why the manager did not start. */
int mhost_start(struct mhost *mhost);
void mhost_stop(struct mhost *mhost); /* the manager only, as at SIGTERM */
void mhost_close(struct mhost *mhost);

/* For `data` and `reply` of a request. */
void mhost_reply(json_t *body, const struct error *err, void *data);
/* Calls a verb at the manager's door. Without a caller in the request it is the hook as root, and
 * all else a connected user; without `reply` it is mhost_reply(). */
void mhost_call(struct mhost *mhost, enum verb_id verb, const struct request *request);
/* The same in one line: mhost_ask(mhost, VERB_START_VM, &answer, .target = "web1"). */
#define mhost_ask(mhost, verb, answer, ...)                                                        \
    mhost_call(mhost, verb, &(struct request){.data = (answer), ##__VA_ARGS__})
void answer_done(struct answer *answer);

/* Runs the loop until the answer is there; false after ten seconds. */
bool mhost_wait(struct mhost *mhost, struct answer *answer);
/* Runs the loop until nothing is on its way to the store. */
bool mhost_wait_stored(struct mhost *mhost);
/* Likewise, and until no plan runs and no claim is between two states. */
bool mhost_settle(struct mhost *mhost);
bool mhost_wait_until(struct mhost *mhost, bool (*is_over)(void *data), void *data);
/* Likewise, or until so many calls of ports and store were made. */
bool mhost_settle_or_reach(struct mhost *mhost, unsigned calls);

/* For `tick`: who waits for a call that hangs has waited long enough, and no one else, so that
 * neither a test waits for a time nor a busy machine looks like one that hangs. */
void mhost_lose_patience(struct mhost *mhost);

/* Requests by one line of JSON, waited for. Result: 0 or -reason; the answer may be NULL. */
int mhost_create(struct mhost *mhost, const char *claim_json, struct answer *answer);
int mhost_delete(struct mhost *mhost, const char *claim, struct answer *answer);
int mhost_apply(struct mhost *mhost, const char *site_json, struct answer *answer);

/* libvirt's hook, asked from the loop's own thread. */
int mhost_hook(struct mhost *mhost, const char *vm, const char *operation, struct answer *answer);

/* As the API shows it: "bound", "failed", …; "" if there is no such claim. Valid until the next
 * call. */
const char *mhost_claim_state(struct mhost *mhost, const char *claim);
/* Member of the answer's body by dotted path ("plan.state"); NULL if there is none. */
const char *answer_text(const struct answer *answer, const char *path);

/* Nothing lost, nothing orphaned, nothing assigned twice: every bound claim's device is there and
 * in its VM, and nothing else is; an on-demand claim holds one while its VM is on. Writes what is
 * wrong into `why`. */
bool mhost_is_sound(struct mhost *mhost, char *why, size_t size);
/* Part of it: what is under way, and nothing else, has something in hand. */
bool mhost_holds_agree(struct mhost *mhost, char *why, size_t size);
/* Do on-demand claims hold a device just while their VMs are on? */
bool mhost_power_agrees(struct mhost *mhost, char *why, size_t size);

#endif
