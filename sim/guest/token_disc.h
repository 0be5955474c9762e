/* SPDX-License-Identifier: Apache-2.0 */
/* Does a VM start with a disc that has a client configuration token? */
#ifndef SIM_GUEST_TOKEN_DISC_H
#define SIM_GUEST_TOKEN_DISC_H

#include <stdbool.h>

/* `argv`: the emulator's, ending with NULL. False for a disc that can't be read. */
bool token_disc_is_among(char *const *argv);

#endif
