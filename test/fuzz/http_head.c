/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and bodies alone, which is fast: what is accepted is clean, and pieces make no difference.
 */
#include "api/http_head.h"

#include <string.h>

#include "api/http_body.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz.h"

/* The status and the length of the head, found in pieces of `step` bytes. */
static int find(const char *bytes, size_t size, size_t step, size_t *ret_len)
{
    size_t scanned = 0;
    int status = 0;
    *ret_len = 0;
    for (size_t end = 0; end < size && status == 0 && *ret_len == 0;) {
        end = step < size - end ? end + step : size;
        status = http_head_find(bytes, end, &scanned, ret_len, NULL);
    }
    return status;
}

/* The status and the data of the body, taken in pieces; *ret_used: of the bytes. */
static int take(const struct http_head *head, const char *bytes, size_t size, size_t step,
                struct strbuf *out, size_t *ret_used)
{
    struct http_body body = http_body_of(head);
    int status = 0;
    *ret_used = 0;
    while (*ret_used < size && status == 0 && body.state != HTTP_BODY_WHOLE) {
        size_t used = 0;
        size_t n = step < size - *ret_used ? step : size - *ret_used;
        status = http_body_take(&body, bytes + *ret_used, n, out, &used, NULL);
        fuzz_assert(used <= n && (used == n || status != 0 || body.state == HTTP_BODY_WHOLE),
                    "all that belongs to the body is taken, and no more");
        *ret_used += used;
    }
    return status != 0 ? status : body.state == HTTP_BODY_WHOLE ? 0 : 1;
}

static void check_body(const struct http_head *head, const char *bytes, size_t size)
{
    CLEANUP_STRBUF struct strbuf whole = {0};
    CLEANUP_STRBUF struct strbuf pieces = {0};
    size_t used = 0;
    size_t used_in_pieces = 0;
    int status = take(head, bytes, size, size + 1, &whole, &used);
    fuzz_assert(take(head, bytes, size, size % 5 + 1, &pieces, &used_in_pieces) == status,
                "a body is judged the same in pieces");
    fuzz_assert(status > 1 || (used == used_in_pieces && whole.len == pieces.len &&
                               memcmp(strbuf_str(&whole), strbuf_str(&pieces), whole.len) == 0),
                "a body is read the same in pieces");
    fuzz_assert(status != 0 || head->framing != HTTP_BODY_LENGTH || whole.len == head->length,
                "a body has the length that was said");
}

static void check_head(const struct http_head *head)
{
    size_t hosts = 0;
    fuzz_assert(head->method[0] != '\0' && strlen(head->method) <= HTTP_HEAD_MAX_METHOD,
                "there is a method");
    fuzz_assert(head->target[0] != '\0' && strpbrk(head->target, " \t\r\n") == NULL,
                "a target has no blanks");
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct http_field *field = &head->fields[i];
        fuzz_assert(field->name[0] != '\0' && strpbrk(field->name, " \t\r\n:") == NULL,
                    "a name is a token");
        fuzz_assert(strpbrk(field->value, "\r\n") == NULL, "a value is one line");
        hosts += str_eq_case(field->name, "Host");
    }
    fuzz_assert(hosts <= 1, "at most one Host");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    size_t len = 0;
    size_t len_in_pieces = 0;
    int status = find(bytes, size, size + 1, &len);
    fuzz_assert(find(bytes, size, size % 5 + 1, &len_in_pieces) == status && len == len_in_pieces,
                "a head is found the same in pieces");
    if (status != 0 || len == 0) {
        return 0;
    }
    CLEANUP_FREE char *text = xcalloc(len + 1, 1);
    memcpy(text, bytes, len);
    struct http_head head;
    struct error err = {0};
    if (http_head_parse(text, len, &head, &err) != 0) {
        fuzz_assert(err.message[0] != '\0', "a refusal says why");
        return 0;
    }
    check_head(&head);
    check_body(&head, bytes + len, size - len);
    return 0;
}
