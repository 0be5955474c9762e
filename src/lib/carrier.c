/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/carrier.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define SAID_MAX 512

extern char **environ;

struct carrier {
    char host[256]; /* "user@host" */
    char port[8];   /* "" the default */
    pid_t pid;      /* 0: it doesn't run */
    int said_fd;    /* what it says on standard error, in a file that has no name */
};

/* A host that begins with a dash would be an option of ssh. */
static bool is_host(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._@[]:%";
    return text[0] != '\0' && text[0] != '-' && strspn(text, plain) == strlen(text);
}

int carrier_new(const char *address, struct carrier **ret_carrier, struct error *err)
{
    struct carrier carrier = {.said_fd = -1};
    bool ssh = str_starts(address, "ssh:");
    char *port = NULL;
    if (ssh && STR_SET(carrier.host, address + strlen("ssh:"))) {
        port = strrchr(carrier.host, ':');
        port = port != NULL && strchr(port, ']') == NULL ? port : NULL;
    }
    uint32_t number = 0;
    if (port != NULL) {
        *port = '\0';
        ssh =
            parse_u32(port + 1, &number) && number <= UINT16_MAX && STR_SET(carrier.port, port + 1);
    }
    if (!ssh || !is_host(carrier.host)) {
        error_set(err, REASON_INVALID, address, "\"%s\" is no address of a cleaved", address);
        error_hint(err, "unix:/path, http://host:port, or ssh:[user@]host[:port]");
        return -REASON_INVALID;
    }
    *ret_carrier = xcalloc(1, sizeof(**ret_carrier));
    **ret_carrier = carrier;
    return 0;
}

static void carrier_end(struct carrier *carrier)
{
    if (carrier->pid > 0) {
        kill(carrier->pid, SIGTERM);
        (void)waitpid(carrier->pid, NULL, 0);
        carrier->pid = 0;
    }
}

void carrier_free(struct carrier *carrier)
{
    if (carrier == NULL) {
        return;
    }
    carrier_end(carrier);
    if (carrier->said_fd >= 0) {
        close(carrier->said_fd);
    }
    free(carrier);
}

static int spawn(struct carrier *carrier, int end)
{
    const char *argv[16];
    size_t n = 0;
    argv[n++] = "ssh";
    argv[n++] = "-T";
    argv[n++] = "-oBatchMode=yes";
    argv[n++] = "-oConnectTimeout=5";
    if (carrier->port[0] != '\0') {
        argv[n++] = "-p";
        argv[n++] = carrier->port;
    }
    argv[n++] = "--";
    argv[n++] = carrier->host;
    argv[n++] = "cleave";
    argv[n++] = "dial";
    argv[n] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO);
    if (carrier->said_fd >= 0) {
        posix_spawn_file_actions_adddup2(&actions, carrier->said_fd, STDERR_FILENO);
    }
    int r = posix_spawnp(&carrier->pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
                         environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        carrier->pid = 0;
    }
    return r;
}

/* One end is curl's socket, the other the program's standard input and output. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    (void)address;
    struct carrier *carrier = data;
    int ends[2];
    carrier_end(carrier);
    if (carrier->said_fd < 0) {
        carrier->said_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    if (carrier->said_fd >= 0) {
        (void)!ftruncate(carrier->said_fd, 0);
        (void)lseek(carrier->said_fd, 0, SEEK_SET);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return CURL_SOCKET_BAD;
    }
    int r = spawn(carrier, ends[1]);
    close(ends[1]);
    if (r != 0) {
        close(ends[0]);
        return CURL_SOCKET_BAD;
    }
    return ends[0];
}

static int is_connected(void *data, curl_socket_t fd, curlsocktype purpose)
{
    (void)data;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

void carrier_prepare(struct carrier *carrier, CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, carrier);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, is_connected);
}

void carrier_explain(const struct carrier *carrier, struct error *err)
{
    char said[SAID_MAX] = "";
    ssize_t n = carrier->said_fd < 0 ? 0 : pread(carrier->said_fd, said, sizeof(said) - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    str_make_clean(said);
    const char *text = str_trim(said);
    error_hint(err, "`ssh %s cleave dial` must work without a password%s%s", carrier->host,
               text[0] != '\0' ? "; it says: " : "", text);
}
