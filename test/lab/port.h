/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs what the test asks for over a virtio port:
 *   "TIMEOUT_S LENGTH\n" and a shell script of LENGTH bytes
 *   → "STATUS LENGTH\n" and what it printed; STATUS as the shell has it, 124 after the timeout
 * What a script leaves in the background goes on.
 */
#ifndef CLEAVE_TEST_LAB_PORT_H
#define CLEAVE_TEST_LAB_PORT_H

_Noreturn void port_serve(void);

#endif
