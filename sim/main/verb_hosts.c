/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/main/verbs.h"
#include "sim/state/board.h"
#include "sim/state/state.h"

char *hosts_dir(void)
{
    const char *data = getenv("CLEAVE_DATADIR");
    return xasprintf("%s/hosts", data != NULL && data[0] != '\0' ? data : CLEAVE_DATADIR);
}

/* "2 × RTX PRO 6000 …, 1 × A100 …" in the order of the bus. */
static void print_boards(const struct sim_host *host)
{
    bool first = true;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        uint32_t n = 0;
        bool seen = false;
        for (uint32_t j = 0; j < host->n_gpus; j++) {
            bool same = host->gpus[j].model == host->gpus[i].model;
            n += same ? 1 : 0;
            seen = seen || (same && j < i);
        }
        if (!seen) {
            printf("%s%u x %s", first ? "" : ", ", n, host->gpus[i].model->name);
            first = false;
        }
    }
}

static int list_one(const char *dir, const char *file, const struct catalog *catalog)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file);
    CLEANUP(sim_host_freep) struct sim_host *host = NULL;
    struct error err = {0};
    if (sim_host_load(path, catalog, &host, &err) < 0) {
        return say_error(&err);
    }
    printf("%-20.*s %-12s ", (int)(strlen(file) - strlen(".yaml")), file,
           host->iface == SIM_MDEV ? "mdev" : "vendor-vfio");
    print_boards(host);
    putchar('\n');
    return EXIT_SUCCESS;
}

/* The host file of "board:…", to be edited. */
static int print_boards_file(const char *boards, const struct catalog *catalog)
{
    struct error err = {0};
    CLEANUP_FREE char *text = xasprintf("%s%s", SIM_BOARD_PREFIX, boards);
    CLEANUP_JSON json_t *document = NULL;
    if (sim_board_document(text, catalog, &document, &err) < 0) {
        return say_error(&err);
    }
    CLEANUP_FREE char *yaml = yaml_text(document);
    fputs(yaml, stdout);
    return EXIT_SUCCESS;
}

static int list_all(const struct catalog *catalog)
{
    CLEANUP_FREE char *dir = hosts_dir();
    CLEANUP_STRLIST struct strlist names = {0};
    int result = fs_list(dir, &names);
    if (result < 0) {
        struct error err = {0};
        error_set_errno(&err, -result, dir, "listing the host files");
        return say_error(&err);
    }
    int status = EXIT_SUCCESS;
    for (size_t i = 0; i < names.n; i++) {
        if (str_ends(names.items[i], ".yaml")) {
            int one = list_one(dir, names.items[i], catalog);
            status = status == EXIT_SUCCESS ? one : status;
        }
    }
    return status;
}

int verb_hosts(int argc, char **argv)
{
    bool boards = argc == 3 && str_eq(argv[1], "--board");
    if (argc > 1 && !boards) {
        bool help = str_eq(argv[1], "--help") || str_eq(argv[1], "-h");
        fputs("usage: cleave-sim hosts [--board BOARD[*N],...]\n\n"
              "Lists the host files by name, for `run --host NAME`; or prints a host file with\n"
              "the boards given, by key or alias (l40s*2,t4), to be edited.\n"
              "`run --host board:l40s*2` needs no file.\n",
              help ? stdout : stderr);
        return help ? EXIT_SUCCESS : EXIT_USAGE;
    }
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    struct error err = {0};
    if (catalog_load_default(&catalog, &err) < 0) {
        return say_error(&err);
    }
    return boards ? print_boards_file(argv[2], catalog) : list_all(catalog);
}
