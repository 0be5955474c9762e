/* SPDX-License-Identifier: Apache-2.0 */
/* The request's words in an error, put as they are typed: cleaved names members of the request,
 * and a person gave options and words. */
#ifndef CLI_REQUEST_WORDS_H
#define CLI_REQUEST_WORDS_H

#include "cli/command.h"

/* "request body", "moveIdle: …" → "--move-idle: …"; "name: …" → "NAME: …". Other errors stay. */
void request_words_replace(const struct command *command, struct error *err);

#endif
