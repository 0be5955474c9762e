/* SPDX-License-Identifier: Apache-2.0 */
/* The value of an option that is given once. */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "base/error.h"

/* Takes `given` (borrowed) as *value. `option`: as it is typed, for the message. -INVALID: there is
 * another value already, which would be dropped without a word. */
int option_take_once(const char *option, const char *given, const char **value, struct error *err);

#endif
