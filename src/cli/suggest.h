/* SPDX-License-Identifier: Apache-2.0 */
/* Suggestions: the command that may have been meant by one that there is not. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include "base/error.h"

/* Refuses `word`: no object (`object` NULL), or no command of that object. A command that changes
 * something is proposed only where nothing harmless can have been meant. Returns -INVALID. */
int suggest_command(const char *object, const char *word, struct error *err);

#endif
