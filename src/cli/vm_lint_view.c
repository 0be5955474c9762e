/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm_lint_view.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/prose.h"
#include "cli/view.h"

void vm_lint_view_counts(const json_t *lint, struct strbuf *out)
{
    static const char *const kinds[] = {"errors", "warnings", "notes"};
    static const char *const one[] = {"error", "warning", "note"};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        int64_t n = view_int(lint, kinds[i], 0);
        strbuf_addf(out, "%s%lld %s", i == 0 ? "" : ", ", (long long)n, n == 1 ? one[i] : kinds[i]);
    }
}

void vm_lint_view_report(struct cli *cli, const char *vm)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", vm, "/lint");
    CLEANUP_JSON json_t *lint = NULL;
    if (cli_get(cli, path, &lint, NULL) != 0) {
        return;
    }
    const json_t *findings = view_at(lint, "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (str_eq(view_text(finding, "severity", ""), "error")) {
            prose_report("warning: the definition of VM %s: %s; do: %s", view_text(lint, "vm", vm),
                         view_text(finding, "message", "-"), view_text(finding, "advice", "-"));
        }
    }
}
