/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/watch.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define BASE_URL "http://localhost/v1/watch" /* the socket stands for the host */
#define RETRY_US UINT64_C(1000000)
#define CONNECT_TIMEOUT_S 5L
#define STATUS_OK 200

struct watch {
    char *socket_path, *url;
    CURLM *multi;
    CURL *curl;        /* NULL: no stream */
    curl_socket_t fd;  /* its connection, which is libcurl's */
    uint64_t retry_us; /* monotonic: when one is begun again */
    bool began;        /* some of the stream has come */
    bool line_began;   /* inside a line of it */
    bool changed;      /* a message came that was not waited for yet */
    bool refused;      /* this cleaved has no stream */
};

struct watch *watch_new(const char *socket_path, const char *kinds)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));
    watch->socket_path = xstrdup(socket_path);
    watch->url = kinds == NULL ? xstrdup(BASE_URL) : xasprintf(BASE_URL "?kind=%s", kinds);
    watch->multi = curl_multi_init();
    return watch;
}

static void end_stream(struct watch *watch)
{
    if (watch->curl != NULL) {
        curl_multi_remove_handle(watch->multi, watch->curl);
        curl_easy_cleanup(TAKE_PTR(watch->curl));
    }
}

void watch_free(struct watch *watch)
{
    if (watch == NULL) {
        return;
    }
    end_stream(watch);
    curl_multi_cleanup(watch->multi);
    free(watch->socket_path);
    free(watch->url);
    free(watch);
}

/* A message has a line that is neither empty nor a comment; what it says is asked for anyway. */
static size_t on_data(char *data, size_t size, size_t n, void *userdata)
{
    struct watch *watch = userdata;
    watch->began = true;
    for (size_t i = 0; i < size * n; i++) {
        watch->changed =
            watch->changed || (!watch->line_began && data[i] != ':' && data[i] != '\n');
        watch->line_began = data[i] != '\n';
    }
    return size * n;
}

static int on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
    struct watch *watch = data;
    (void)purpose;
    watch->fd = fd;
    return CURL_SOCKOPT_OK;
}

static void begin_stream(struct watch *watch)
{
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, watch->socket_path);
    curl_easy_setopt(curl, CURLOPT_URL, watch->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cleave/" CLEAVE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, watch);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, watch);
    if (curl_multi_add_handle(watch->multi, curl) == CURLM_OK) {
        watch->curl = curl;
        watch->began = watch->line_began = false;
    } else {
        curl_easy_cleanup(curl);
    }
}

/* The stream has ended: it begins again in a while, unless this cleaved serves none. */
static void note_end(struct watch *watch)
{
    long status = 0;
    curl_easy_getinfo(watch->curl, CURLINFO_RESPONSE_CODE, &status);
    watch->refused = status != 0 && status != STATUS_OK && status < 500;
    watch->changed = true;
    watch->retry_us = clock_monotonic_us() + RETRY_US;
    end_stream(watch);
}

static void take_what_is_there(struct watch *watch)
{
    int running = 0;
    if (curl_multi_perform(watch->multi, &running) != CURLM_OK || running == 0) {
        note_end(watch);
    }
}

static void sleep_ms(unsigned ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL); /* a signal ends it */
}

/* Waits for data, at most so long. False: a signal came, which is seen once the stream has begun.
 */
static bool poll_stream(struct watch *watch, uint64_t us)
{
    int ms = (int)(us / 1000) + 1;
    if (!watch->began) {
        (void)curl_multi_poll(watch->multi, NULL, 0, ms, NULL);
        return true;
    }
    struct pollfd polled = {.fd = watch->fd, .events = POLLIN};
    return poll(&polled, 1, ms) >= 0 || errno != EINTR;
}

void watch_wait(struct watch *watch, unsigned pause_ms, unsigned longest_ms)
{
    uint64_t began_us = clock_monotonic_us();
    if (watch->curl == NULL && !watch->refused && began_us >= watch->retry_us) {
        begin_stream(watch);
    }
    bool undisturbed = true;
    while (watch->curl != NULL && undisturbed) {
        take_what_is_there(watch);
        /* One that has not begun, with whatever libcurl waits for, is no reason to wait longer. */
        uint64_t patience_us = (uint64_t)(watch->began ? longest_ms : pause_ms) * 1000;
        uint64_t passed_us = clock_monotonic_us() - began_us;
        if (watch->changed || passed_us >= patience_us) {
            break;
        }
        undisturbed = poll_stream(watch, patience_us - passed_us);
    }
    if (watch->curl == NULL) {
        sleep_ms(pause_ms);
    }
    watch->changed = false;
}
