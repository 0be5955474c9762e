/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/view.h"

int cmd_host_show(struct cli *cli, const struct words *words UNUSED, struct error *err)
{
    CLEANUP_JSON json_t *host = NULL;
    int result = cli_get(cli, "/v1/host", &host, err);
    if (result != 0 || cli_print_raw(cli, host)) {
        return result;
    }
    char gpus[VIEW_SIZE];
    char vms[VIEW_SIZE];
    const struct table_field fields[] = {
        {"Kernel", view_text(host, "kernel", "-")},
        {"NVIDIA Driver", view_text(host, "driverVersion", "-")},
        {"NVML", view_text(host, "nvmlVersion", "-")},
        {"libvirt", view_text(host, "libvirtVersion", "-")},
        {"GPUs", view_any(host, "gpus", gpus)},
        {"VMs", view_any(host, "vms", vms)},
    };
    printf("Host %s\n", view_text(host, "name", "-"));
    fields_print(fields, ARRAY_SIZE(fields));
    static const struct {
        const char *key;
        const char *then;
    } problems[] = {{"nvmlProblem", "only pass-through works without it"},
                    {"pciProblem", "GPUs can't be changed"},
                    {"libvirtProblem", "claims without a VM work without it"}};
    for (size_t i = 0; i < ARRAY_SIZE(problems); i++) {
        const char *text = view_text(host, problems[i].key, NULL);
        if (text != NULL) {
            printf("Missing: %s; %s\n", text, problems[i].then);
        }
    }
    return 0;
}

/* The simulator's program: beside this one, as both are built and installed, else in $PATH. */
static char *simulator(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return xstrdup("cleave-sim");
    }
    *slash = '\0';
    CLEANUP_FREE char *installed = xasprintf("%s/cleave-sim", path);
    CLEANUP_FREE char *built = xasprintf("%s/../../sim/cleave-sim", path);
    if (fs_exists(installed)) {
        return TAKE_PTR(installed);
    }
    return fs_exists(built) ? TAKE_PTR(built) : xstrdup("cleave-sim");
}

/* Reading a machine needs no daemon, and what is written is the simulator's format. */
int cmd_host_capture(int argc, char **argv)
{
    CLEANUP_FREE char *program = simulator();
    CLEANUP_FREE char **words = xcalloc((size_t)argc + 2, sizeof(*words));
    words[0] = program;
    memcpy(&words[1], argv, (size_t)argc * sizeof(*words));
    execvp(program, words);
    struct error err = {0};
    error_set_errno(&err, errno, program, "cannot run %s", program);
    error_hint(&err, "`cleave host capture` is `cleave-sim capture`: install the simulator");
    return cli_report(&err);
}
