/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real table of verbs with made-up functions behind it, for tests of the API and of the command
 * line: what is asked is answered from fake_answers.yaml. Claims are kept in memory; a plan takes
 * one step each time that it is asked for.
 */
#ifndef TEST_LIB_FAKE_DOOR_H
#define TEST_LIB_FAKE_DOOR_H

#include "base/evloop.h"
#include "service/service.h"

struct fake_door;

struct fake_door *fake_door_new(struct evloop *loop);
/* Refuses what still waits for its answer. */
void fake_door_free(struct fake_door *door);
const struct service *fake_door_service(const struct fake_door *door);

#endif
