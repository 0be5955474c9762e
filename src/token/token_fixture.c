/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token_fixture.h"

#include <stddef.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static void add_part(struct strbuf *out, const char *json)
{
    char text[1024];
    assert_true(base64_encode(json, strlen(json), text, sizeof(text)));
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    strbuf_addn(out, text, strcspn(text, "="));
    strbuf_add(out, ".");
}

char *token_fixture(const char *header, const char *claims, const char *signature)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    add_part(&out, header);
    add_part(&out, claims);
    strbuf_add(&out, signature);
    return strbuf_take(&out);
}
