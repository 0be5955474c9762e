/* SPDX-License-Identifier: Apache-2.0 */
/* What looks at a vGPU's licence, one after the other, have to report. */
#include "watch/unlicensed.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "test.h"

/* A look each minute: Licensed, Grace (unrestricted), Restricted, Unlicensed, uNinitialized,
 * ? unknown. What is reported then: lost, never got, back, - nothing. */
static const struct {
    const char *name, *looks, *news;
} rows[] = {
    {"a guest that boots gets its licence", "NGGL", "----"},
    {"a grace is no event, however long", "GGGGGGGGGGGG", "------------"},
    {"nor is an old driver's no", "UUUUUUUUUUUU", "------------"},
    {"the end of the grace is one, once", "GGRRR", "--n--"},
    {"a licence that comes late", "GRRL", "-n-b"},
    {"a licence that is lost", "LLR", "--l"},
    {"a guest's reboot", "LNGGL", "-----"},
    {"a licence that stays away in a new grace", "LGGGGGGG", "------l-"},
    {"the same on an old driver", "LUUUUUUUL", "------l-b"},
    {"lost twice", "LRLR", "-lbl"},
    {"what a cleaved that starts finds", "RRL", "--b"},
    {"what the driver does not say changes nothing", "L??R??L", "---l--b"},
    {"unknown at first", "??GR", "---n"},
    {"a flicker", "LGLGLGLGLG", "----------"},
};

static enum vgpu_licence_state state_of(char letter)
{
    static const char letters[] = "?NGRUL";
    const char *at = strchr(letters, letter);
    assert_non_null(at);
    return (enum vgpu_licence_state)(at - letters);
}

static void what_is_reported_follows_the_looks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct licence_history history = {0};
        char news[32] = "";
        for (size_t k = 0; rows[i].looks[k] != '\0'; k++) {
            const struct vgpu_licence licence = {.state = state_of(rows[i].looks[k])};
            uint64_t now_us = (1000 + k) * UINT64_C(60) * 1000000;
            news[k] = "-lnb"[licence_history_add(&history, &licence, now_us)];
        }
        if (!str_eq(news, rows[i].news)) {
            fail_msg("%s: %s gives %s, not %s", rows[i].name, rows[i].looks, news, rows[i].news);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_reported_follows_the_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
