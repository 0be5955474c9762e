/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's emulators, with or without a device of the simulated host. */
#ifndef SIM_RUN_EMULATOR_H
#define SIM_RUN_EMULATOR_H

/* Ends them as a power failure does. For a process of the machine: its /proc shows no others. */
void emulator_kill_all(void);

#endif
