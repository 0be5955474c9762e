/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/host_checks.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

static void add_hook(const json_t *host, struct strbuf *out)
{
    char at[VIEW_SIZE];
    const char *state = view_text(host, "hook.state", "unknown");
    if (str_eq(state, "unknown")) {
        strbuf_add(out, "unknown: no VM has started since cleaved started");
        return;
    }
    strbuf_addf(out, "%s for VM %s, %s", state, view_text(host, "hook.vm", "-"),
                view_time(host, "hook.at", at));
}

static const struct column host_fields[] = {
    {"Kernel", .path = "kernel"},
    {"NVIDIA Driver", .path = "driverVersion"},
    {"NVML", .path = "nvmlVersion"},
    {"libvirt", .path = "libvirtVersion"},
    {"libvirt's hook", .cell = add_hook},
    {"GPUs", .path = "gpus", .format = COLUMN_VALUE},
    {"VMs", .path = "vms", .format = COLUMN_VALUE},
};

/* A VM without it comes up without the devices of its on-demand claims. */
static void print_hook_problem(const struct cli *cli, const json_t *host)
{
    if (str_eq(view_text(host, "hook.state", ""), "missed")) {
        prose_print(cli_width(cli),
                    "Missing: VM %s started without a call of libvirt's hook: the hook is not "
                    "installed, or libvirt's daemon was not restarted since. VMs may start without "
                    "their devices (put the package's hooks/qemu.d/cleave into "
                    "/etc/libvirt/hooks/qemu.d, and restart libvirtd or virtqemud)",
                    view_text(host, "hook.vm", "-"));
    }
}

/* Maybe it is libvirt that lacks them: its disk isn't there, or it is another one. */
static void print_held_claims(const struct cli *cli, const json_t *host)
{
    const json_t *held = view_at(host, "heldClaims");
    for (size_t i = 0; i < json_array_size(held); i++) {
        const json_t *claim = json_array_get(held, i);
        const char *name = view_text(claim, "claim", "-");
        prose_print(cli_width(cli),
                    "Kept: claim %s, although libvirt has no VM %s (%s); `cleave claim delete %s` "
                    "releases it",
                    name, view_text(claim, "vm", "-"), view_text(claim, "reason", "-"), name);
    }
}

static void print_intruders(const struct cli *cli, const json_t *host)
{
    const json_t *intruders = view_at(host, "intruders");
    for (size_t i = 0; i < json_array_size(intruders); i++) {
        const json_t *intruder = json_array_get(intruders, i);
        prose_print(cli_width(cli), "Disturbed: claim %s: %s", view_text(intruder, "claim", "-"),
                    view_text(intruder, "reason", "-"));
    }
}

static void print_rules_problem(const struct cli *cli, const json_t *host)
{
    const char *problem = view_text(host, "rulesProblem", NULL);
    if (problem != NULL) {
        prose_print(cli_width(cli),
                    "Rules: the site's own rules can't be used as they are, so those of before "
                    "stay in force: %s",
                    problem);
    }
}

static void print_warnings(const struct cli *cli, const json_t *host)
{
    const json_t *warnings = view_at(host, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const json_t *warning = json_array_get(warnings, i);
        CLEANUP_STRBUF struct strbuf others = {0};
        int64_t n = view_int(warning, "others", 0);
        if (n > 0) {
            strbuf_addf(&others, " (and %lld other GPU%s)", (long long)n, n == 1 ? "" : "s");
        }
        prose_print(cli_width(cli), "Warning: %s%s; %s (rule %s)", view_text(warning, "text", "-"),
                    strbuf_str(&others), view_text(warning, "hint", "-"),
                    view_text(warning, "rule", "-"));
    }
}

static int cmd_host_show(struct cli *cli, const struct arguments *arguments UNUSED,
                         struct error *err)
{
    CLEANUP_JSON json_t *host = NULL;
    int result = cli_get(cli, "/v1/host", &host, err);
    if (result != 0 || cli_print_raw(cli, host)) {
        return result;
    }
    printf("Host %s\n", view_text(host, "name", "-"));
    listing_print_fields(host_fields, ARRAY_SIZE(host_fields), host, cli_width(cli));
    CLEANUP_JSON json_t *gpus = NULL;
    (void)cli_get(cli, "/v1/gpus", &gpus, NULL);
    (void)host_checks_print(host, gpus, cli_width(cli));
    print_hook_problem(cli, host);
    print_held_claims(cli, host);
    print_intruders(cli, host);
    print_rules_problem(cli, host);
    print_warnings(cli, host);
    return 0;
}

/* The simulator's program: next to this one, as both are built and installed, else in $PATH. */
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
static int cmd_host_capture(int argc, char **argv)
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

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "host",
     .name = "show",
     .help = "show the machine, its drivers, and what is missing",
     .examples = {"host show"},
     .run = cmd_host_show},
    {.object = "host",
     .name = "capture",
     .help = "write a host file that simulates this machine (cleave-sim capture)",
     .examples = {"host capture > myhost.yaml"},
     .run_raw = cmd_host_capture},
};
const struct command_table host_commands = COMMAND_TABLE(commands);
