/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "sim/capture/capture.h"
#include "sim/main/verbs.h"

static int usage(FILE *to, int status)
{
    fputs("usage: cleave-sim capture [-o FILE] [--anonymous]\n\n"
          "Writes a host file that simulates this machine's GPUs: read from sysfs and\n"
          "NVML, without changing anything. Root sees more on some drivers (GPU\n"
          "instances).\n\n"
          "  -o, --output FILE  write it there, not to standard output\n"
          "  --anonymous        leave out host name, UUIDs and serial numbers\n",
          to);
    return status;
}

static void warn(const char *sentence)
{
    log_warning("%s", sentence);
}

static int capture(const struct capture_options *options, const char *file)
{
    struct error err = {0};
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP_JSON json_t *document = NULL;
    if (catalog_load_default(&catalog, &err) < 0 ||
        capture_host(catalog, options, warn, &document, &err) < 0) {
        return say_error(&err);
    }
    CLEANUP_FREE char *text = yaml_text(document);
    if (file == NULL) {
        fputs(text, stdout);
        return EXIT_SUCCESS;
    }
    int result = fs_write_atomic(file, text, strlen(text));
    if (result < 0) {
        error_set_errno(&err, -result, file, "writing it");
        return say_error(&err);
    }
    return EXIT_SUCCESS;
}

int verb_capture(int argc, char **argv)
{
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"anonymous", no_argument, NULL, 'a'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct capture_options options = {0};
    const char *file = NULL;
    for (int c = 0; c != -1;) {
        c = getopt_long(argc, argv, "o:h", longs, NULL);
        if (c == 'o') {
            file = optarg;
        } else if (c == 'a') {
            options.anonymous = true;
        } else if (c == 'h') {
            return usage(stdout, EXIT_SUCCESS);
        } else if (c == '?') {
            return usage(stderr, EXIT_USAGE);
        }
    }
    return optind < argc ? usage(stderr, EXIT_USAGE) : capture(&options, file);
}
