/* SPDX-License-Identifier: Apache-2.0 */
/* What every command of cleave shares: the global options, requests and results. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "lib/client.h"

enum output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME, OUTPUT_CSV };

struct cli {
    enum output output;
    const char *socket;
    bool printed_yaml; /* one document: another is set off from it */
    bool wide;         /* -o wide: tables are as wide as they are */
    bool dry_run;
    bool no_wait;
    bool no_headers;       /* of lists */
    bool watch;            /* of lists */
    bool quiet;            /* of a change: no word but errors and warnings */
    bool verbose;          /* each request is said on standard error */
    const char *sort;      /* of lists: a column; NULL: as they come */
    const char *behind;    /* a dry run: names to which the same is done first; NULL */
    struct client *client; /* made by the first request */
    struct wait_notice *wait_notice;
    const char *waits_for; /* what the next request itself waits for, or NULL */
    long timeout_s;        /* of the next request; 0: the client's own */
};

/* GET; the caller owns *ret_json. Says on standard error when what it shows is not fresh. */
int cli_get(struct cli *cli, const char *path, json_t **ret_json, struct error *err);
/* A change: adds ?dryRun=true if asked for. */
int cli_change(struct cli *cli, const char *method, const char *path, const json_t *body,
               json_t **ret_json, struct error *err);

/* Once the command is known: what --quiet means for it. */
void cli_begin(struct cli *cli, bool lists);

/* Reads what stands behind -o: table, wide, name, csv, json or yaml. -INVALID. */
int cli_set_output(struct cli *cli, const char *text, struct error *err);

/* What tables may take of a line; 0: everything. */
size_t cli_width(const struct cli *cli);

/* Prints the API's JSON as it is (-o json) or as YAML, with "---" between documents (YAML 1.2,
 * 9.2); false for a table and names, which are the caller's. JSON has lines on a terminal. */
bool cli_print_raw(struct cli *cli, const json_t *json);

/* Standard error gets "cleave: <message> [rule]" and "hint: …". Returns the exit status. */
int cli_report(const struct error *err);

#endif
