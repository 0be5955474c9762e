/* SPDX-License-Identifier: Apache-2.0 */
/* A type without the letter of a class is another product: a warning names the others. */
#include "answered.h"
#include "base/str.h"
#include "cli/type_notice.h"

#define TYPES                                                                                      \
    "{\"types\":[{\"name\":\"NVIDIA L40S-8\"},{\"name\":\"NVIDIA L40S-8A\"},{\"name\":\"NVIDIA "   \
    "L40S-8Q\"},{\"name\":\"NVIDIA L40S-8Q\"},{\"name\":\"NVIDIA L40S-80Q\"},{\"name\":"           \
    "\"NVIDIA DC-1-8\"},{\"name\":\"GRID V100-4Q\"}]}"

static const struct {
    const char *claims;
    const char *said[2]; /* each warning; NULL: no more */
} rows[] = {
    {"[{\"type\":\"L40S-8\"}]", {"L40S-8 is a type of its own", NULL}},
    {"[{\"type\":\"NVIDIA L40S-8\"}]", {"there are also L40S-8A, L40S-8Q\n", NULL}},
    {"[{\"type\":\"V100-4\"},{\"type\":\"L40S-8\"},{\"type\":\"L40S-8\"}]",
     {"V100-4 is a type of its own, without a class; there are also V100-4Q\n",
      "L40S-8 is a type of its own"}},
    {"[{\"type\":\"L40S-8Q\"},{\"type\":\"L40S-8A\"}]", {NULL}},
    {"[{\"type\":\"DC-1-8\"}]", {NULL}}, /* no other has its size */
    {"[{\"profile\":\"1g.24gb\"},{\"mode\":\"passthrough\"}]", {NULL}},
    {"[{\"type\":\"\"},{\"type\":8},{}]", {NULL}},
    {"[]", {NULL}},
};

static char *reported(const char *claims)
{
    CLEANUP_JSON json_t *json = json_loads(claims, 0, NULL);
    struct cli cli = {.socket = "/nonexistent"};
    FILE *file = tmpfile();
    assert_non_null(file);
    int errors = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    type_notice_report(&cli, json);
    (void)fflush(stderr);
    dup2(errors, STDERR_FILENO);
    close(errors);
    client_free(cli.client);
    wait_notice_free(cli.wait_notice);
    char *text = xcalloc(4096, 1);
    rewind(file);
    size_t len = fread(text, 1, 4095, file);
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

static void a_type_without_its_class_is_named_with_the_others(void **state)
{
    (void)state;
    answer = TYPES;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *text = reported(rows[i].claims);
        size_t n = 0;
        for (const char *at = text; (at = strstr(at, "warning: ")) != NULL; at++) {
            n++;
        }
        size_t wanted = 0;
        for (size_t k = 0; k < ARRAY_SIZE(rows[i].said) && rows[i].said[k] != NULL; k++) {
            wanted++;
            if (strstr(text, rows[i].said[k]) == NULL) {
                fail_msg("%s: \"%s\"", rows[i].claims, text);
            }
        }
        if (n != wanted) {
            fail_msg("%s: %zu warnings, not %zu: \"%s\"", rows[i].claims, n, wanted, text);
        }
    }
}

/* By commands: a claim, and a site's. */
static void a_claim_and_a_site_get_the_warning(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "{\"plan\":{\"id\":\"7d0f3c1e\",\"state\":\"planned\",\"steps\":[],\"claims\":[]},"
        "\"claims\":[]}",
        TYPES, NULL};
    char site[] = "/tmp/cleave-site-XXXXXX.yaml";
    int fd = mkstemps(site, 5);
    static const char text[] = "site: lab\nclaims:\n  - {name: a, type: L40S-8}\n";
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    const struct {
        const char *line, *file;
    } lines[] = {{"claim create a --type L40S-8 --dry-run", ""}, {"apply --dry-run -f ", site}};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        CLEANUP_FREE char *line = xasprintf("%s%s", lines[i].line, lines[i].file);
        answers = replies;
        CLEANUP_FREE char *said = answered_output(line, ANSWERED_BOTH);
        if (strstr(said, "there are also L40S-8A, L40S-8Q") == NULL) {
            fail_msg("%s: %s", line, said);
        }
    }
    (void)unlink(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_without_its_class_is_named_with_the_others),
        cmocka_unit_test(a_claim_and_a_site_get_the_warning),
    };
    return cmocka_run_group_tests_name("type notice", tests, NULL, NULL);
}
