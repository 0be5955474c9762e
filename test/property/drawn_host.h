/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host drawn by chance: boards of the catalog, a driver's branch, a kernel, IOMMU groups, what
 * another tool made, cordons and quarantines, VMs of which some have devices and run.
 */
#ifndef TEST_PROPERTY_DRAWN_HOST_H
#define TEST_PROPERTY_DRAWN_HOST_H

#include "random.h"
#include "sim_world.h"

#define DRAWN_VMS 6 /* "vm0" and on */
#define DRAWN_WHAT 512

/* Fills in `world`, which the caller ends with sim_world_done(). `ret_what`: its boards, driver and
 * kernel. */
void drawn_host_make(struct sim_world *world, struct random *random, const struct catalog *catalog,
                     const struct rules *rules, char ret_what[DRAWN_WHAT]);

#endif
