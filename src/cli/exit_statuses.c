/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exit_statuses.h"

#include <stdio.h>

#include "base/exit_status.h"
#include "base/str.h"
#include "cli/text.h"

#define INDENT 7
#define WIDTH ((size_t)80 - INDENT)

static void print_row(int status, const char *text)
{
    CLEANUP_STRBUF struct strbuf lines = {0};
    text_wrap(text, WIDTH, "\n       ", &lines);
    printf("  %-5d%s\n", status, strbuf_str(&lines));
}

void exit_statuses_print_all(void)
{
    struct exit_status_row row;
    printf("\nexit status:\n");
    for (size_t i = 0; exit_status_row(i, &row); i++) {
        print_row(row.status, row.text);
    }
}

void exit_statuses_print(const struct command_status *statuses)
{
    printf("\nexit status:\n");
    if (statuses == NULL || statuses[0].status != EXIT_STATUS_DONE) {
        print_row(EXIT_STATUS_DONE, "done");
    }
    for (; statuses != NULL && statuses->text != NULL; statuses++) {
        print_row(statuses->status, statuses->text);
    }
    printf("  `cleave --help` lists the others\n");
}
