/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of a manager over a host in memory begins and ends with, and asks. */
#ifndef MHOST_FIXTURE_H
#define MHOST_FIXTURE_H

#include "mhost.h"

struct mhost_fixture {
    struct mhost_data data;
    struct fake_host host; /* mhost_furnish() */
    struct mhost mhost;    /* started, with a store in memory */
};

/* For cmocka; *state is the fixture. */
int mhost_fixture_setup(void **state);
int mhost_fixture_teardown(void **state);
/* The same with a manager of other settings. */
int mhost_fixture_setup_as(void **state,
                           void (*configure)(struct mhost *mhost, struct manager_config *config));

/* Fails the test with what is wrong. */
void mhost_assert_sound(struct mhost *mhost);
/* Has the host looked at: GPUs and VMs. */
void mhost_look(struct mhost *mhost);
/* Events of the kind; `subject` NULL: of any. The message of the last into `ret_message` unless
 * that is NULL. */
size_t mhost_count_events(struct mhost *mhost, const char *kind, const char *subject,
                          char ret_message[ERROR_TEXT_SIZE]);

/* What happens to the store while the manager is stopped: a claim is put into it, or lost from it;
 * what cleave made is, as in the store of a cleaved that kept no record of it; the plans' steps
 * are.
 */
void mhost_store_claim(struct mhost *mhost, const struct claim *claim);
void mhost_store_plan(struct mhost *mhost, const struct plan *plan);
void mhost_lose_claim(struct mhost *mhost, const char *name);
void mhost_lose_made(struct mhost *mhost);
void mhost_lose_steps(struct mhost *mhost);

#endif
