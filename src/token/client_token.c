/* SPDX-License-Identifier: Apache-2.0 */
#include "token/client_token.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"

#define N_PARTS 3
#define US_PER_S 1000000.0
#define LAST_SECOND 253402300799.0 /* of the year 9999 */
#define DATE_LEN 10                /* of "2027-01-31" */

void client_token_done(struct client_token *token)
{
    secret_done(&token->text);
    *token = (struct client_token){0};
}

/* ---- its form ---- */

/* RFC 4648, section 5, without padding (RFC 7515, section 2). False: it is not that. */
static bool decode(const char *text, size_t len, struct secret *ret_bytes)
{
    static const char padding[] = "==";
    CLEANUP_SECRET struct secret plain = {0};
    secret_init(&plain, len + sizeof(padding));
    for (size_t i = 0; i < len; i++) {
        bool foreign = text[i] == '+' || text[i] == '/' || text[i] == '=' || text[i] == '\0';
        if (foreign) {
            return false;
        }
        secret_add(&plain, text[i] == '-' ? "+" : text[i] == '_' ? "/" : &text[i], 1);
    }
    secret_add(&plain, padding, (4 - len % 4) % 4 <= 2 ? (4 - len % 4) % 4 : 0);
    return base64_decode(plain.bytes, ret_bytes->bytes, ret_bytes->size - 1, &ret_bytes->len);
}

/* A message of the JSON reader would show what stands at the fault, so it is left out. NULL: it is
 * no object. */
static json_t *decode_object(const char *text, size_t len)
{
    CLEANUP_SECRET struct secret bytes = {0};
    CLEANUP_JSON json_t *json = NULL;
    secret_init(&bytes, len + 1);
    if (!decode(text, len, &bytes) ||
        json_read(bytes.bytes, bytes.len, "token", &json, NULL) != 0 || !json_is_object(json)) {
        return NULL;
    }
    return TAKE_PTR(json);
}

/* RFC 7519, NumericDate: seconds, with or without a fraction. False: it is there, and is none. */
static bool read_date(const json_t *claims, const char *key, uint64_t *ret_us)
{
    const json_t *json = json_object_get(claims, key);
    double seconds = json_number_value(json);
    if (json == NULL || json_is_null(json)) {
        return true;
    }
    if (!json_is_number(json) || !(seconds > 0) || seconds > LAST_SECOND) {
        return false;
    }
    *ret_us = (uint64_t)(floor(seconds) * US_PER_S);
    return true;
}

/* Is it a header with an algorithm, and one that signs (RFC 7518, "none")? */
static bool is_header(const json_t *header)
{
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    return algorithm != NULL && algorithm[0] != '\0' && !str_eq_case(algorithm, "none");
}

static int refuse(const char *name, const char *why, struct error *err)
{
    int r = error_set(err, REASON_INVALID, name, "\"%s\" is no client configuration token: %s",
                      name, why);
    error_hint(err, "download the token again from the NVIDIA Licensing Portal or the license "
                    "server, and give its file as it is");
    return r;
}

struct part {
    const char *text;
    size_t len;
};

/* The parts between dots; how many there are, which may be more than fit. */
static size_t split(const char *text, size_t len, struct part parts[N_PARTS])
{
    size_t n = 0;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i == len || text[i] == '.') {
            if (n < N_PARTS) {
                parts[n] = (struct part){text + start, i - start};
            }
            n++;
            start = i + 1;
        }
    }
    return n;
}

static int check_form(const char *text, size_t len, const char *name, struct client_token *token,
                      struct error *err)
{
    struct part parts[N_PARTS] = {0};
    CLEANUP_SECRET struct secret signature = {0};
    secret_init(&signature, len + 1);
    if (split(text, len, parts) != N_PARTS) {
        return refuse(name, "it does not have three parts with dots between", err);
    }
    if (parts[2].len == 0 || !decode(parts[2].text, parts[2].len, &signature)) {
        return refuse(name, "its third part is no signature", err);
    }
    CLEANUP_JSON json_t *header = decode_object(parts[0].text, parts[0].len);
    if (header == NULL || !is_header(header)) {
        return refuse(name, "its first part is no header that names an algorithm", err);
    }
    CLEANUP_JSON json_t *claims = decode_object(parts[1].text, parts[1].len);
    if (claims == NULL) {
        return refuse(name, "its second part has no claims", err);
    }
    if (!read_date(claims, "nbf", &token->not_before_us) ||
        !read_date(claims, "exp", &token->expires_us)) {
        return refuse(name, "its dates are no times", err);
    }
    if (token->expires_us != 0 && token->expires_us <= token->not_before_us) {
        return refuse(name, "it ends before it begins", err);
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int client_token_parse(const char *text, size_t len, const char *name,
                       struct client_token *ret_token, struct error *err)
{
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    while (len > 0 && is_blank(text[0])) {
        text++;
        len--;
    }
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    if (len == 0) {
        return refuse(name, "it is empty", err);
    }
    if (len > CLIENT_TOKEN_MAX_BYTES) {
        return refuse(name, "it has more than 64 KiB", err);
    }
    int r = check_form(text, len, name, &token, err);
    if (r != 0) {
        return r;
    }
    secret_init(&token.text, len + 1);
    secret_add(&token.text, text, len);
    *ret_token = token;
    token = (struct client_token){0};
    return 0;
}

/* ---- where it comes from ---- */

static int read_all(int fd, const char *name, struct secret *bytes, struct error *err)
{
    ssize_t n = 1;
    while (n > 0 && bytes->len + 1 < bytes->size) {
        n = read(fd, bytes->bytes + bytes->len, bytes->size - bytes->len - 1);
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        if (n < 0) {
            return error_set_errno(err, errno, name, "reading \"%s\"", name);
        }
        bytes->len += (size_t)n;
    }
    return 0;
}

/* Every header begins so: base64url of "{\"". */
#define TOKEN_START "eyJ"

/* A token on the command line is in the list of processes and in the shell's history, and a message
 * on the file of that name would show it once more. */
static int refuse_text(const char *path, struct error *err)
{
    if (!str_starts(path, TOKEN_START) || access(path, F_OK) == 0) {
        return 0;
    }
    int r = error_set(err, REASON_INVALID, "token",
                      "the name of the token's file is wanted, not the token");
    error_hint(err, "this token is in the list of processes and in the shell's history now: "
                    "generate a new one");
    return r;
}

int client_token_read(const char *path, struct client_token *ret_token, struct error *err)
{
    bool from_stdin = str_eq(path, "-");
    const char *name = from_stdin ? "standard input" : path;
    int r = refuse_text(path, err);
    if (r != 0) {
        return r;
    }
    CLEANUP_SECRET struct secret bytes = {0};
    CLEANUP_CLOSE int opened = from_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (!from_stdin && opened < 0) {
        return error_set_errno(err, errno, path, "opening the token file \"%s\"", path);
    }
    int fd = from_stdin ? STDIN_FILENO : opened;
    if (isatty(fd)) {
        r = error_set(err, REASON_INVALID, name, "a terminal would show the token that is typed");
        error_hint(err, "give the token's file, or its text through a pipe");
        return r;
    }
    secret_init(&bytes, CLIENT_TOKEN_MAX_BYTES + 2); /* one more than there may be */
    r = read_all(fd, name, &bytes, err);
    return r != 0 ? r : client_token_parse(bytes.bytes, bytes.len, name, ret_token, err);
}

int client_token_check(const struct client_token *token, uint64_t now_us, const char *name,
                       struct error *err)
{
    char time[CLOCK_TEXT_SIZE];
    if (token->expires_us == 0 || token->expires_us > now_us) {
        return 0;
    }
    clock_format(token->expires_us, time, sizeof(time));
    int r = error_set(err, REASON_INVALID, name, "the token of \"%s\" expired on %.*s", name,
                      DATE_LEN, time);
    error_hint(err, "generate a new one on the NVIDIA Licensing Portal or the license server");
    return r;
}
