/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_head.h"

#include <stdint.h>
#include <string.h>

#include "api/http_status.h"
#include "api/target.h"
#include "base/parse.h"
#include "base/str.h"

#define SUBJECT_HEAD "request"
#define CRLF_LEN 2
#define SCHEME "http://"

/* RFC 9110, 5.6.2. */
static bool is_token_char(char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(others, c) != NULL);
}

static size_t token_len(const char *text)
{
    size_t len = 0;
    while (is_token_char(text[len])) {
        len++;
    }
    return len;
}

static int bad(struct error *err, const char *what)
{
    error_set(err, REASON_INVALID, SUBJECT_HEAD, "%s", what);
    return HTTP_BAD_REQUEST;
}

static int too_long(bool in_request_line, struct error *err)
{
    if (in_request_line) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "the request line is longer than %d bytes",
                  HTTP_HEAD_MAX_BYTES);
        return HTTP_URI_TOO_LONG;
    }
    error_set(err, REASON_INVALID, SUBJECT_HEAD, "the request's head is longer than %d bytes",
              HTTP_HEAD_MAX_BYTES);
    return HTTP_HEAD_TOO_LARGE;
}

static bool ends_line(const char *bytes, size_t at)
{
    return at > 0 && bytes[at - 1] == '\r' && bytes[at] == '\n';
}

/* One byte and its neighbours. A CR that is the last byte so far may still be right. */
static int check_byte(const char *bytes, size_t len, size_t at, struct error *err)
{
    unsigned char c = (unsigned char)bytes[at];
    if (c == '\r' && at + 1 < len && bytes[at + 1] != '\n') {
        return bad(err, "the request's head contains a carriage return without a line feed");
    }
    if (c == '\n' && !ends_line(bytes, at)) {
        return bad(err, "a line of the request's head ends without a carriage return");
    }
    if (c == '\0' || c == 0x7f || (c < ' ' && c != '\r' && c != '\n' && c != '\t')) {
        return bad(err, "the request's head contains a control character");
    }
    if (at == 0 && c != '\r' && !is_token_char((char)c)) {
        return bad(err, "this is not an HTTP request");
    }
    return 0;
}

int http_head_find(const char *bytes, size_t len, size_t *scanned, size_t *ret_len,
                   struct error *err)
{
    *ret_len = 0;
    size_t end = len < HTTP_HEAD_MAX_BYTES ? len : HTTP_HEAD_MAX_BYTES;
    for (size_t i = *scanned; i < end; i++) {
        int status = check_byte(bytes, len, i, err);
        if (status != 0) {
            return status;
        }
        if (bytes[i] == '\r' && i + 1 == len) {
            *scanned = i;
            return 0;
        }
        if (i >= 2 * CRLF_LEN - 1 && ends_line(bytes, i) && ends_line(bytes, i - CRLF_LEN)) {
            *ret_len = i + 1;
            return 0;
        }
    }
    *scanned = end;
    return len < HTTP_HEAD_MAX_BYTES
               ? 0
               : too_long(memchr(bytes, '\n', HTTP_HEAD_MAX_BYTES) == NULL, err);
}

/* ---- the request line ---- */

static int parse_version(const char *text, bool *ret_old, struct error *err)
{
    if (!str_starts(text, "HTTP/") || strlen(text) != strlen("HTTP/1.1") || text[6] != '.' ||
        text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9') {
        return bad(err, "the request line does not end with an HTTP version");
    }
    if (text[5] != '1') {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "cleaved supports HTTP/1.1, not %s", text);
        return HTTP_VERSION_NOT_SUPPORTED;
    }
    *ret_old = text[7] == '0';
    return 0;
}

static bool is_visible(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~') {
            return false;
        }
    }
    return text[0] != '\0';
}

/* RFC 9112, 3.2.2: the authority of an absolute target stands for the Host field. */
static int split_absolute(char *target, struct http_head *head, const char **ret_authority,
                          struct error *err)
{
    char *authority = target + strlen(SCHEME);
    size_t len = strcspn(authority, "/");
    if (len == 0 || strcspn(authority, "?#@") < len) {
        return bad(err, "the request target has an invalid host");
    }
    head->target = "/";
    if (authority[len] == '/') {
        head->target = authority + len;
        /* The text moves one byte to the left, into the scheme: room for a NUL before the path. */
        memmove(authority - 1, authority, len);
        authority--;
        authority[len] = '\0';
    }
    *ret_authority = authority;
    return 0;
}

static int parse_target(char *target, struct http_head *head, const char **ret_authority,
                        struct error *err)
{
    if (strlen(target) > TARGET_MAX_BYTES) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "the request target is longer than %d bytes",
                  TARGET_MAX_BYTES);
        return HTTP_URI_TOO_LONG;
    }
    if (!is_visible(target)) {
        return bad(err, "the request target contains a blank or a byte that is not ASCII");
    }
    head->target = target;
    if (strncasecmp(target, SCHEME, strlen(SCHEME)) == 0) {
        return split_absolute(target, head, ret_authority, err);
    }
    return 0;
}

static int parse_request_line(char *line, struct http_head *head, bool *ret_old,
                              const char **ret_authority, struct error *err)
{
    size_t method = token_len(line);
    char *target = line + method + 1;
    char *version = line[method] == ' ' ? strchr(target, ' ') : NULL;
    if (method == 0 || version == NULL) {
        return bad(err, "the request line is not a method, a target and an HTTP version");
    }
    line[method] = '\0';
    *version++ = '\0';
    int status = parse_version(version, ret_old, err);
    if (status != 0) {
        return status;
    }
    if (method > HTTP_HEAD_MAX_METHOD) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "no method has more than %d bytes",
                  HTTP_HEAD_MAX_METHOD);
        return HTTP_NOT_IMPLEMENTED;
    }
    head->method = line;
    return parse_target(target, head, ret_authority, err);
}

/* ---- the fields ---- */

/* Fields whose second value would leave open which one counts. */
static const char *const once[] = {
    "Cleave-Client", "Content-Encoding", "Content-Length", "Content-Type",      "Expect",
    "Host",          "Origin",           "Sec-Fetch-Site", "Transfer-Encoding",
};

static bool only_once(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(once); i++) {
        if (str_eq_case(name, once[i])) {
            return true;
        }
    }
    return false;
}

const char *http_head_field(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->n_fields; i++) {
        if (str_eq_case(head->fields[i].name, name)) {
            return head->fields[i].value;
        }
    }
    return NULL;
}

static char *trim_blanks(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        text[--len] = '\0';
    }
    return text;
}

static int parse_field(char *line, struct http_head *head, struct error *err)
{
    if (line[0] == ' ' || line[0] == '\t') {
        return bad(err, "a header field is folded over two lines");
    }
    size_t len = token_len(line);
    if (len > 0 && (line[len] == ' ' || line[len] == '\t')) {
        return bad(err, "a header field has a blank in its name or before the colon");
    }
    if (len == 0 || line[len] != ':') {
        return bad(err, "a line of the request's head is not a header field");
    }
    line[len] = '\0';
    if (head->n_fields == HTTP_HEAD_MAX_FIELDS) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "more than %d header fields",
                  HTTP_HEAD_MAX_FIELDS);
        return HTTP_HEAD_TOO_LARGE;
    }
    if (only_once(line) && http_head_field(head, line) != NULL) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "the header field %s is given twice", line);
        return HTTP_BAD_REQUEST;
    }
    head->fields[head->n_fields++] =
        (struct http_field){.name = line, .value = trim_blanks(line + len + 1)};
    return 0;
}

/* A host and a port, or nothing (RFC 9110, 7.2); which ones are answered is not decided here. */
static int check_host(struct http_head *head, bool old, const char *authority, struct error *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~%!$&'()*+,;=:[]";
    const char *host = http_head_field(head, "Host");
    if (host == NULL && !old) {
        return bad(err, "the request has no Host field");
    }
    if ((host != NULL && host[strspn(host, allowed)] != '\0') ||
        (authority != NULL && authority[strspn(authority, allowed)] != '\0')) {
        return bad(err, "the request's Host field has an invalid host");
    }
    for (size_t i = 0; i < head->n_fields && authority != NULL; i++) {
        if (str_eq_case(head->fields[i].name, "Host")) {
            head->fields[i].value = authority;
        }
    }
    return 0;
}

/* ---- how long the body is ---- */

static int check_coding(const char *codings, struct error *err)
{
    const char *last = strrchr(codings, ',');
    last = last == NULL ? codings : last + 1 + strspn(last + 1, " \t");
    if (!str_eq_case(last, "chunked")) {
        return bad(err,
                   "the last transfer coding is not chunked, so the end of the body is unknown");
    }
    if (last != codings) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD,
                  "the body has a transfer coding other than chunked; send it plain");
        return HTTP_NOT_IMPLEMENTED;
    }
    return 0;
}

/* RFC 9112, 6.3: a message whose length two parties could read differently is an attack or a bug.
 */
static int parse_framing(struct http_head *head, bool old, struct error *err)
{
    const char *length = http_head_field(head, "Content-Length");
    const char *codings = http_head_field(head, "Transfer-Encoding");
    if (codings != NULL && (length != NULL || old)) {
        return bad(err, length != NULL ? "the request states its length twice (Content-Length, "
                                         "Transfer-Encoding)"
                                       : "HTTP/1.0 has no Transfer-Encoding");
    }
    if (codings != NULL) {
        head->framing = HTTP_BODY_CHUNKED;
        return check_coding(codings, err);
    }
    if (length == NULL) {
        return 0;
    }
    size_t digits = strspn(length, "0123456789");
    if (digits == 0 || length[digits] != '\0') {
        return bad(err, "the Content-Length is not a number");
    }
    head->framing = HTTP_BODY_LENGTH;
    if (!parse_u64(length, &head->length)) {
        head->length = UINT64_MAX;
    }
    return 0;
}

static int parse_expectations(struct http_head *head, bool old, struct error *err)
{
    if (http_head_field(head, "Content-Encoding") != NULL) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD, "the body is encoded; send it plain");
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    const char *expect = http_head_field(head, "Expect");
    if (expect != NULL && !old && !str_eq_case(expect, "100-continue")) {
        error_set(err, REASON_INVALID, SUBJECT_HEAD,
                  "cleaved does not support the request's Expect field");
        return HTTP_EXPECTATION_FAILED;
    }
    head->expects_continue = expect != NULL && !old;
    return 0;
}

static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; *at != '\0'; at += strcspn(at, ",")) {
        at += strspn(at, ", \t");
        if (strncasecmp(at, word, len) == 0 && strchr(", \t", at[len]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool stays_open(const struct http_head *head)
{
    for (size_t i = 0; i < head->n_fields; i++) {
        if (str_eq_case(head->fields[i].name, "Connection") &&
            list_has(head->fields[i].value, "close")) {
            return false;
        }
    }
    return true;
}

/* Cuts the next line off *rest; the head's end is an empty one. */
static char *next_line(char **rest)
{
    char *line = *rest;
    char *end = strstr(line, "\r\n");
    *end = '\0';
    *rest = end + CRLF_LEN;
    return line;
}

static int parse_fields(char *rest, struct http_head *head, struct error *err)
{
    for (char *line = next_line(&rest); line[0] != '\0'; line = next_line(&rest)) {
        int status = parse_field(line, head, err);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

int http_head_parse(char *text, size_t len, struct http_head *ret_head, struct error *err)
{
    struct http_head *head = ret_head;
    *head = (struct http_head){0};
    if (memchr(text, '\0', len) != NULL || len < 2 * CRLF_LEN || text[len] != '\0' ||
        !ends_line(text, len - 1) || !ends_line(text, len - 1 - CRLF_LEN)) {
        return bad(err, "the request's head is incomplete");
    }
    /* RFC 9112, 2.2: one empty line before the request is forgiven. */
    char *rest = str_starts(text, "\r\n") ? text + CRLF_LEN : text;
    bool old = false;
    const char *authority = NULL;
    int status = parse_request_line(next_line(&rest), head, &old, &authority, err);
    if (status == 0) {
        status = parse_fields(rest, head, err);
    }
    if (status == 0) {
        status = check_host(head, old, authority, err);
    }
    if (status == 0) {
        status = parse_framing(head, old, err);
    }
    if (status == 0) {
        status = parse_expectations(head, old, err);
    }
    head->keep_alive = !old && stays_open(head);
    return status;
}
