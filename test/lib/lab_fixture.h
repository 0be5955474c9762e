/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of a manager over a host in memory begins and ends with, and asks. */
#ifndef LAB_FIXTURE_H
#define LAB_FIXTURE_H

#include "lab.h"

struct lab_fixture {
    struct lab_data data;
    struct fake_host host; /* lab_furnish() */
    struct lab lab;        /* started, with a store in memory */
};

/* For cmocka; *state is the fixture. */
int lab_fixture_setup(void **state);
int lab_fixture_teardown(void **state);
/* The same with a manager of other settings. */
int lab_fixture_setup_as(void **state,
                         void (*configure)(struct lab *lab, struct manager_config *config));

/* Fails the test with what is wrong. */
void lab_assert_sound(struct lab *lab);
/* Has the host looked at: GPUs and VMs. */
void lab_look(struct lab *lab);
/* Events of the kind; `subject` NULL: of any. The message of the last into `ret_message` unless
 * that is NULL. */
size_t lab_count_events(struct lab *lab, const char *kind, const char *subject,
                        char ret_message[ERROR_TEXT_SIZE]);

/* What happens to the store while the manager is stopped: a claim is put into it, or lost from it;
 * what cleave made is, as in the store of a cleaved that kept no record of it; the plans' steps
 * are.
 */
void lab_store_claim(struct lab *lab, const struct claim *claim);
void lab_lose_claim(struct lab *lab, const char *name);
void lab_lose_made(struct lab *lab);
void lab_lose_steps(struct lab *lab);

#endif
