/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as a client speaks it, to the real server, router and door, with made-up verbs behind it:
 * every answer is whole and well formed, and how the bytes came in makes no difference. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "fake_door.h"
#include "fuzz.h"

#define MAX_TURNS 100000
#define TURN_US 20000

static bool take_answer(int fd, struct strbuf *out)
{
    char buffer[16384];
    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
        if (n <= 0) {
            return n == 0 || errno != EAGAIN;
        }
        strbuf_addn(out, buffer, (size_t)n);
    }
}

/* Says it in pieces of `step` bytes and gives all that is answered. A server that has had enough
 * may close before the end. */
static char *talk(struct evloop *loop, int fd, const uint8_t *data, size_t size, size_t step)
{
    struct strbuf out = {0};
    size_t said = 0;
    bool over = false;
    for (int turn = 0; !over; turn++) {
        fuzz_assert(turn < MAX_TURNS, "the server answers or closes");
        size_t n = step < size - said ? step : size - said;
        ssize_t sent = n > 0 ? send(fd, data + said, n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        if (sent > 0) {
            said += (size_t)sent;
        } else if (sent < 0 && errno != EAGAIN) {
            said = size;
        }
        if (said == size) {
            (void)shutdown(fd, SHUT_WR);
        }
        (void)evloop_step(loop, said == size ? TURN_US : 0);
        over = take_answer(fd, &out);
    }
    return strbuf_take(&out);
}

static char *serve(const uint8_t *data, size_t size, size_t step)
{
    struct evloop *loop = NULL;
    struct api *api = NULL;
    int fds[2] = {-1, -1};
    fuzz_assert(evloop_new(&loop) == 0, "a loop is made");
    struct fake_door *door = fake_door_new(loop);
    const struct api_config config = {.loop = loop, .service = fake_door_service(door)};
    fuzz_assert(api_new(&config, &api, NULL) == 0, "the API is made");
    fuzz_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0,
                "a connection is made");
    api_serve_connection(api, fds[0]);
    char *answers = talk(loop, fds[1], data, size, step);
    close(fds[1]);
    fake_door_free(door);
    api_free(api);
    evloop_free(loop);
    return answers;
}

/* The value of a field that stands once in a head; cuts nothing. */
static const char *field(const char *head, const char *name)
{
    const char *found = strstr(head, name);
    fuzz_assert(found == NULL || strstr(found + 1, name) == NULL, "a field is given once");
    return found == NULL ? NULL : found + strlen(name);
}

/* Checks one answer; returns what stands behind it. */
static char *check_answer(char *text)
{
    char *end = strstr(text, "\r\n\r\n");
    fuzz_assert(str_starts(text, "HTTP/1.1 ") && end != NULL, "an answer has a whole head");
    *end = '\0';
    char code[4] = {text[9], text[10], text[11], '\0'};
    uint32_t status = 0;
    fuzz_assert(parse_u32(code, &status) && status >= 100, "an answer has a status");
    char *body = end + strlen("\r\n\r\n");
    fuzz_assert(status < 500 || status == 501 || status == 503 || status == 505,
                "no internal error");
    const char *length = field(text, "\r\nContent-Length: ");
    fuzz_assert(length != NULL, "an answer says its length");
    CLEANUP_FREE char *digits = xstrndup(length, strspn(length, "0123456789"));
    uint64_t len = 0;
    fuzz_assert(parse_u64(digits, &len), "the length is a number");
    fuzz_assert(status < 400 || strstr(text, "\r\nContent-Type: application/problem+json") != NULL,
                "an error is a problem");
    if (body[0] != '{') {
        return body; /* HEAD */
    }
    fuzz_assert(strlen(body) >= len, "a body is whole");
    CLEANUP_JSON json_t *json = NULL;
    fuzz_assert(json_read(body, len, "answer", &json, NULL) == 0, "a body is JSON");
    return body + len;
}

/* What may differ between two runs: the clock, and whether a client that asks for leave to send its
 * body has sent it already. */
static void blank_chance(char *text)
{
    static const char leave[] = "HTTP/1.1 100 Continue\r\n\r\n";
    for (char *at = strstr(text, leave); at != NULL; at = strstr(at, leave)) {
        memmove(at, at + strlen(leave), strlen(at + strlen(leave)) + 1);
    }
    for (char *at = strstr(text, "\r\nDate: "); at != NULL; at = strstr(at + 1, "\r\nDate: ")) {
        for (char *c = at + 2; *c != '\r' && *c != '\0'; c++) {
            *c = '-';
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *whole = serve(data, size, size);
    CLEANUP_FREE char *pieces = serve(data, size, size % 7 + 1);
    blank_chance(whole);
    blank_chance(pieces);
    fuzz_assert(str_eq(whole, pieces), "how the bytes come in makes no difference");
    char *rest = whole;
    while (rest[0] != '\0') {
        rest = check_answer(rest);
    }
    return 0;
}
