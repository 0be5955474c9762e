/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
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
    static const char *const problems[] = {"nvmlProblem", "pciProblem", "libvirtProblem"};
    for (size_t i = 0; i < ARRAY_SIZE(problems); i++) {
        const char *text = view_text(host, problems[i], NULL);
        if (text != NULL) {
            printf("Missing: %s\n", text);
        }
    }
    return 0;
}
