/* SPDX-License-Identifier: Apache-2.0 */
/* A client configuration token: accepted or refused, and no message tells of its text. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "fuzz.h"
#include "token/client_token.h"
#include "token/guest_files.h"

/* All that a message says: no byte of the text can be in it. */
static const char *const refusals[] = {
    "it is empty",
    "it has more than 64 KiB",
    "it does not have three parts with dots between",
    "its third part is no signature",
    "its first part is no header that names an algorithm",
    "its second part has no claims",
    "its dates are no times",
};

static void check_message(const struct error *err)
{
    static const char start[] = "\"x\" is no client configuration token: ";
    fuzz_assert(str_starts(err->message, start), "a refusal says that it is no token");
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (str_eq(err->message + strlen(start), refusals[i])) {
            return;
        }
    }
    fuzz_assert(0, "a refusal says nothing else");
}

/* A token that is accepted is the same in the fragment as a YAML reader sees it. */
static void check_fragment(const struct client_token *token)
{
    CLEANUP_SECRET struct secret fragment = {0};
    CLEANUP_JSON json_t *json = NULL;
    guest_files_cloud_config(&(struct guest_files){0}, &token->text, &fragment);
    fuzz_assert(yaml_read(fragment.bytes, fragment.len, "fragment", &json, NULL) == 0,
                "the fragment is YAML");
    const json_t *file = json_array_get(json_object_get(json, "write_files"), 0);
    fuzz_assert(str_eq(json_string_value(json_object_get(file, "content")), token->text.bytes),
                "the fragment has the token");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    struct error err = {0};
    if (client_token_parse((const char *)data, size, "x", &token, &err) != 0) {
        check_message(&err);
        return 0;
    }
    check_fragment(&token);
    int r = client_token_check(&token, token.expires_us, "x", &err);
    fuzz_assert((r == 0) == (token.expires_us == 0), "a token with an end expires then");
    return 0;
}
