/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/prose.h"
#include "cli/view.h"
#include "cli/vm_lint_view.h"
#include "lib/client.h"

/* Indices of the options in their tables, for arguments->values. */
enum { LINT_STRICT };

static void print_finding(const json_t *finding, size_t width)
{
    char line[32] = "";
    int64_t number = view_int(finding, "line", 0);
    if (number > 0) {
        snprintf(line, sizeof(line), "line %lld, ", (long long)number);
    }
    prose_print(width, "%s: %s<%s>: %s [%s]", view_text(finding, "severity", "-"), line,
                view_text(finding, "element", "-"), view_text(finding, "message", "-"),
                view_text(finding, "rule", "-"));
    prose_print_indented(width, 2, "why: %s (%s)", view_text(finding, "why", "-"),
                         view_text(finding, "source", "-"));
    prose_print_indented(width, 2, "do:  %s", view_text(finding, "advice", "-"));
}

static void print_counts(const json_t *json, const char *vm, size_t width)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    vm_lint_view_counts(json, &text);
    prose_print(width, "VM %s: %s", vm, strbuf_str(&text));
}

/* Findings are what was asked for, and no failure; --strict makes those of severity error one. */
static int cmd_vm_lint(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", arguments->args[0], "/lint");
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, path, &json, err);
    if (result != 0) {
        return result;
    }
    const char *vm = view_text(json, "vm", "-");
    const json_t *findings = view_at(json, "findings");
    if (!cli_print_raw(cli, json)) {
        for (size_t i = 0; i < json_array_size(findings); i++) {
            print_finding(json_array_get(findings, i), cli_width(cli));
        }
        print_counts(json, vm, cli_width(cli));
    }
    int64_t errors = view_int(json, "errors", 0);
    if (arguments->values[LINT_STRICT] == NULL || errors == 0) {
        return 0;
    }
    (void)fflush(stdout);
    error_set(err, REASON_RULE, "", "the definition of VM \"%s\" breaks %lld rule%s", vm,
              (long long)errors, errors == 1 ? "" : "s");
    return -REASON_RULE;
}

/* ---- the table ---- */

static const struct command_option vm_lint_options[] = {
    [LINT_STRICT] = {"strict", 0, NULL, "fail (exit status 9) if a finding is an error"},
};

static const struct command commands[] = {
    {.object = "vm",
     .name = "lint",
     .args = "VM...",
     .n_args = 1,
     .each = true,
     .help = "check VMs' definitions: what is wrong, why, and what to do",
     .examples = {"vm lint web1", "vm lint --strict web1 web2"},
     STATUSES({9, "with --strict: a finding is an error"}),
     OPTIONS(vm_lint_options),
     .run = cmd_vm_lint},
};
const struct command_table vm_lint_commands = COMMAND_TABLE(commands);
