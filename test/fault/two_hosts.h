/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two managers over two hosts in memory, a peer port from one to the other, and a guest port that
 * carries VMs. The calls of either host may be harmed; a host whose process is dead changes
 * nothing, and neither asks nor answers.
 */
#ifndef TEST_FAULT_TWO_HOSTS_H
#define TEST_FAULT_TWO_HOSTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "mhost.h"

#define VM "web1"
#define SILENT "unix:/silent" /* and what begins so: an address of the target, too */

enum who { SOURCE, TARGET };
enum harm { HARM_NONE, HARM_BEFORE, HARM_AFTER, HARM_DEATH, HARM_COUNT };

/* Each host has a loop of its own: the source's is run by this thread, the target's by another. */
struct world {
    struct fake_host hosts[2];
    struct mhost mhosts[2];
    struct peer_port peer;
    enum harm harm;
    enum who victim;
    pthread_t target_thread;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool target_up;            /* under lock */
    struct letter *letters;    /* under lock: the questions that the target has not answered */
    atomic_bool lose_commits;  /* the target never hears of one */
    atomic_bool lost;          /* nor of anything else */
    atomic_bool silent;        /* what is at SILENT accepts a question, and says nothing */
    enum peer_offer silent_to; /* which question */
    bool lose_at_move;    /* it is lost as soon as the VM is there, and libvirt says so to no one */
    uint64_t patience_us; /* of the managers that start from now on; 0: two seconds */
};

extern struct world *world; /* the one that is open */

/* VM runs at the source, with a claim "a" of that description; the target has no such VM. */
void open_world(const struct mhost_data *data, const char *claim);
/* After stop_target(). */
void close_world(void);
void start_target(void);
/* Its thread ends, and its connections; its loop can be run by this one then. */
void stop_target(void);
/* As a new process: nothing of the old one's loop is left, and nothing is harmed any more. */
void restart(struct mhost *mhost);
/* Asks for the migration, and gets an answer. */
void begin(void);
/* The same of any VM to any address; a dry run gets its answer later. */
void ask_to_move(const char *vm, const char *peer, bool dry_run, struct answer *answer);
void let_run(uint64_t us);
/* Until the victim is dead, or all is at rest; then for as long as it stays dead. */
void let_die(void);
/* Until no migration is under way on either host; false after twenty seconds. */
bool come_to_rest(void);
/* The same of the source alone; the target may be lost. */
bool source_comes_to_rest(void);
/* What is wrong, NULL: the VM runs on exactly one host, with its claim, and the other has nothing.
 */
const char *check_world(char *why, size_t size);
void must(bool holds, const char *what);

#endif
