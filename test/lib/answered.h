/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the CLI without a cleaved, in tests whose linker puts client_call() of this file in
 * the place of the real one (--wrap): each call is answered with `answer`. */
#ifndef TEST_LIB_ANSWERED_H
#define TEST_LIB_ANSWERED_H

#include <string.h>

#include "base/json.h"
#include "cli/args.h"

#define ANSWERED_MAX_WORDS 8

static const char *answer;

int __wrap_client_call(struct client *client, const char *method, const char *path,
                       const json_t *body, json_t **ret_json, struct error *err);
int __wrap_client_call(struct client *client UNUSED, const char *method UNUSED,
                       const char *path UNUSED, const json_t *body UNUSED, json_t **ret_json,
                       struct error *err)
{
    return json_read(answer, strlen(answer), "test", ret_json, err);
}

/* Cuts a command line at its blanks, and reads it; argv borrows from it. */
static inline int answered_parse(char *line, char *argv[ANSWERED_MAX_WORDS], int *ret_argc,
                                 struct cli *cli, struct args *args, struct error *err)
{
    *ret_argc = 0;
    while (line != NULL) {
        argv[(*ret_argc)++] = strsep(&line, " ");
    }
    return args_parse(*ret_argc, argv, cli, args, err);
}

#endif
