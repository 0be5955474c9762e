/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/need_advice.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/advice_view.h"
#include "lib/client.h"

#define MAX_SHOWN 5 /* ways that serve */

/* The first of those that serve, and all that do not. */
static void keep_top(json_t *answer)
{
    json_t *list = json_object_get(answer, "advice");
    for (size_t i = json_array_size(list); i > MAX_SHOWN; i--) {
        if (json_is_integer(json_object_get(json_array_get(list, i - 1), "rank"))) {
            json_array_remove(list, i - 1);
        }
    }
}

void need_advice_print(struct cli *cli, const json_t *need)
{
    CLEANUP_JSON json_t *answer = NULL;
    if (cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML || cli->quiet ||
        client_call(cli->client, "POST", "/v1/advice", need, &answer, NULL) != 0) {
        return;
    }
    keep_top(answer);
    printf("\nWhat serves the need:\n");
    advice_print(answer, cli_width(cli));
}
