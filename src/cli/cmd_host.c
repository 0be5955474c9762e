/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/plan_view.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/view.h"

static char *hook_text(const json_t *host)
{
    char at[VIEW_SIZE];
    const char *state = view_text(host, "hook.state", "unknown");
    if (str_eq(state, "unknown")) {
        return xstrdup("not known: no VM has started since cleaved did");
    }
    return xasprintf("%s for VM %s, %s", state, view_text(host, "hook.vm", "-"),
                     view_time(host, "hook.at", at));
}

/* A VM without it comes up without what its on-demand claims would have drawn. */
static void print_hook_problem(const struct cli *cli, const json_t *host)
{
    if (str_eq(view_text(host, "hook.state", ""), "missed")) {
        prose_print(
            cli_width(cli),
            "Missing: VM %s started without asking cleave: libvirt's hook is not installed, or "
            "libvirt's daemon was not restarted since; VMs may come up without their devices "
            "(put the package's hooks/qemu.d/cleave into /etc/libvirt/hooks/qemu.d, and restart "
            "libvirtd or virtqemud)",
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
                    "Kept: claim %s, though libvirt shows no VM %s (%s); `cleave claim delete %s` "
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

int cmd_host_show(struct cli *cli, const struct arguments *words UNUSED, struct error *err)
{
    CLEANUP_JSON json_t *host = NULL;
    int result = cli_get(cli, "/v1/host", &host, err);
    if (result != 0 || cli_print_raw(cli, host)) {
        return result;
    }
    char gpus[VIEW_SIZE];
    char vms[VIEW_SIZE];
    CLEANUP_FREE char *hook = hook_text(host);
    const struct table_field fields[] = {
        {"Kernel", view_text(host, "kernel", "-")},
        {"NVIDIA Driver", view_text(host, "driverVersion", "-")},
        {"NVML", view_text(host, "nvmlVersion", "-")},
        {"libvirt", view_text(host, "libvirtVersion", "-")},
        {"libvirt's hook", hook},
        {"GPUs", view_any(host, "gpus", gpus)},
        {"VMs", view_any(host, "vms", vms)},
    };
    printf("Host %s\n", view_text(host, "name", "-"));
    fields_print(fields, ARRAY_SIZE(fields), cli_width(cli));
    static const struct {
        const char *key;
        const char *then;
    } problems[] = {{"nvmlProblem", "only pass-through works without it"},
                    {"vgpuProblem",
                     "vGPUs can't be made: install NVIDIA's vGPU host driver (\"...-vgpu-kvm\")"},
                    {"pciProblem", "GPUs can't be changed"},
                    {"libvirtProblem", "claims without a VM work without it"}};
    for (size_t i = 0; i < ARRAY_SIZE(problems); i++) {
        const char *text = view_text(host, problems[i].key, NULL);
        if (text != NULL) {
            prose_print(cli_width(cli), "Missing: %s; %s", text, problems[i].then);
        }
    }
    print_hook_problem(cli, host);
    print_held_claims(cli, host);
    print_intruders(cli, host);
    return 0;
}

/* ---- restore ---- */

#define FIRST_POLL_MS 20
#define LAST_POLL_MS 500

static bool is_running(const json_t *restore)
{
    return str_eq(view_text(restore, "state", ""), "running");
}

/* One line per GPU on standard error, each time that something about it is new. */
static void tell_gpus(const json_t *restore, json_t *shown)
{
    const json_t *gpus = view_at(restore, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        const char *address = view_text(gpu, "gpu", "-");
        const char *problem = view_text(gpu, "problem", NULL);
        CLEANUP_FREE char *line =
            xasprintf("%s%s%s", view_text(gpu, "state", "-"), problem == NULL ? "" : ": ",
                      problem == NULL ? "" : problem);
        if (!str_eq(json_string_value(json_object_get(shown, address)), line)) {
            prose_report("GPU %s: %s", address, line);
            json_object_set_new(shown, address, json_string(line));
        }
    }
}

static int follow_restore(struct cli *cli, json_t **restore, struct error *err)
{
    CLEANUP_JSON json_t *shown = json_object();
    unsigned pause_ms = FIRST_POLL_MS;
    int r = 0;
    while (r == 0 && is_running(*restore)) {
        tell_gpus(*restore, shown);
        const struct timespec pause = {.tv_nsec = (long)pause_ms * 1000000};
        nanosleep(&pause, NULL);
        pause_ms = pause_ms * 3 / 2 > LAST_POLL_MS ? LAST_POLL_MS : pause_ms * 3 / 2;
        json_t *next = NULL;
        r = cli_get(cli, "/v1/host/restore", &next, err);
        if (r == 0) {
            json_decref(*restore);
            *restore = next;
        }
    }
    if (r == 0) {
        tell_gpus(*restore, shown);
    }
    return r;
}

static void print_missing(const struct cli *cli, const json_t *restore)
{
    static const struct table_column columns[] = {{"CLAIM", TABLE_NAME, 0},
                                                  {"GPU", TABLE_LEFT, 0},
                                                  {"STATE", TABLE_LEFT, 0},
                                                  {"PROBLEM", TABLE_WRAP, 0}};
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *gpus = view_at(restore, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        const json_t *claims = view_at(gpu, "claims");
        for (size_t k = 0; k < json_array_size(claims); k++) {
            const json_t *claim = json_array_get(claims, k);
            const char *const cells[] = {view_text(claim, "name", "-"), view_text(gpu, "gpu", "-"),
                                         view_text(claim, "state", "-"),
                                         view_text(claim, "problem", "-")};
            table_row(table, cells);
        }
        /* It is in use by no claim, and was to come back in its mode. */
        if (json_array_size(claims) == 0 && view_text(gpu, "problem", NULL) != NULL) {
            const char *const cells[] = {"-", view_text(gpu, "gpu", "-"), "incomplete",
                                         view_text(gpu, "problem", "-")};
            table_row(table, cells);
        }
    }
    const json_t *absent = view_at(restore, "absent");
    for (size_t i = 0; i < json_array_size(absent); i++) {
        const json_t *claim = json_array_get(absent, i);
        const char *const cells[] = {view_text(claim, "name", "-"), "-", "absent",
                                     view_text(claim, "problem", "-")};
        table_row(table, cells);
    }
    table_print_or(table,
                   "no claim is to have a device now; on-demand claims get theirs when their VM "
                   "starts");
}

/* VMs that the restoration leaves with old devices. */
static void print_definitions(const struct cli *cli, const json_t *restore)
{
    const json_t *definitions = view_at(restore, "definitions");
    for (size_t i = 0; i < json_array_size(definitions); i++) {
        const json_t *one = json_array_get(definitions, i);
        prose_print(cli_width(cli), "Unchanged: VM %s: %s; %s", view_text(one, "vm", "-"),
                    view_text(one, "problem", "-"), view_text(one, "hint", "-"));
    }
}

/* "claim x: …" or "GPU x: …", with the reason and what to do. */
static int refuse_incomplete(const char *verb, const json_t *missing, struct error *err)
{
    const char *claim = view_text(missing, "name", NULL);
    error_set(err, REASON_DRIVER, "", "this host %s restored completely: %s %s: %s", verb,
              claim != NULL ? "claim" : "GPU",
              claim != NULL ? claim : view_text(missing, "gpu", "-"),
              view_text(missing, "problem", claim != NULL ? "it is not there" : "it waits"));
    error_hint(err, "%s", view_text(missing, "hint", "`cleave event list` tells more"));
    return -REASON_DRIVER;
}

/* Would the run end incomplete? What is coming may still fail then. */
static int foresee_restore(const json_t *restore, struct error *err)
{
    const json_t *gpus = view_at(restore, "gpus");
    const json_t *missing = json_array_get(view_at(restore, "absent"), 0);
    for (size_t i = 0; missing == NULL && i < json_array_size(gpus); i++) {
        const json_t *claims = view_at(json_array_get(gpus, i), "claims");
        for (size_t k = 0; missing == NULL && k < json_array_size(claims); k++) {
            const json_t *claim = json_array_get(claims, k);
            missing = str_eq(view_text(claim, "state", ""), "blocked") ? claim : NULL;
        }
        const json_t *gpu = json_array_get(gpus, i);
        bool fails = missing == NULL && view_text(gpu, "problem", NULL) != NULL;
        missing = fails ? gpu : missing;
    }
    return missing == NULL ? 0 : refuse_incomplete("would not be", missing, err);
}

static int restore_result(struct cli *cli, const json_t *restore, struct error *err)
{
    const json_t *gpus = view_at(restore, "gpus");
    const json_t *plans = view_at(restore, "plans");
    bool raw = cli_print_raw(cli, restore);
    for (size_t i = 0; !raw && i < json_array_size(plans); i++) {
        plan_view_print(json_array_get(plans, i), cli_width(cli));
        plan_view_unchecked(json_array_get(plans, i), cli_width(cli));
        putchar('\n');
    }
    if (!raw) {
        print_missing(cli, restore);
        print_definitions(cli, restore);
    }
    if (!raw && cli->dry_run) {
        printf("\nDry run: nothing was changed.\n");
    }
    if (cli->dry_run) {
        return foresee_restore(restore, err);
    }
    if (!str_eq(view_text(restore, "state", ""), "incomplete")) {
        return 0;
    }
    const json_t *missing = json_array_get(view_at(restore, "absent"), 0);
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        if (!str_eq(view_text(gpu, "state", ""), "restored")) {
            missing = gpu;
            break;
        }
    }
    return refuse_incomplete("was not", missing, err);
}

int cmd_host_restore(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_JSON json_t *body = json_object();
    const char *timeout = words->values[RESTORE_TIMEOUT];
    uint32_t seconds = 0;
    if (timeout != NULL && (!parse_u32(timeout, &seconds) || seconds > 86400)) {
        return error_set(err, REASON_INVALID, "--timeout",
                         "--timeout is a number of seconds up to 86400, not \"%s\"", timeout);
    }
    if (timeout != NULL) {
        json_object_set_new(body, "timeoutSeconds", json_integer(seconds));
    }
    CLEANUP_JSON json_t *restore = NULL;
    int r = cli_change(cli, "POST", "/v1/host/restore", body, &restore, err);
    if (r == 0 && !cli->dry_run && !cli->no_wait) {
        r = follow_restore(cli, &restore, err);
    }
    return r != 0 ? r : restore_result(cli, restore, err);
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
