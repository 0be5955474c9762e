/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/carrier.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/remote_host.h"
#include "base/str.h"

#define SAID_MAX 512
#define NOT_FOUND 127

struct carrier {
    struct remote remote;
    struct error refusal; /* reason NONE: ssh was let go there */
    char host[sizeof(((struct remote *)0)->user) + sizeof(((struct remote *)0)->host)];
    char port[8]; /* "" the default */
    pid_t pid;    /* 0: it doesn't run */
    int said_fd;  /* what it says on standard error, in a file that has no name */
    int listen_fd;
    char dir[64], path[80];
};

struct carrier *carrier_new(const struct remote *remote)
{
    struct carrier *carrier = xcalloc(1, sizeof(*carrier));
    carrier->remote = *remote;
    carrier->said_fd = -1;
    carrier->listen_fd = -1;
    snprintf(carrier->host, sizeof(carrier->host), "%s%s%s", remote->user,
             remote->user[0] == '\0' ? "" : "@", remote->host);
    STR_SET(carrier->port, remote->port);
    return carrier;
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
    if (carrier->listen_fd >= 0) {
        close(carrier->listen_fd);
    }
    if (carrier->dir[0] != '\0') {
        (void)unlink(carrier->path);
        (void)rmdir(carrier->dir);
    }
    free(carrier);
}

/* In the child, where only async-signal-safe calls are allowed: becomes ssh, with curl's connection
 * as its standard input and output. */
static void become_ssh(const struct carrier *carrier, char *const *argv)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* a worker's thread has all of them blocked */
    int fd = accept(carrier->listen_fd, NULL, NULL);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0) {
        _exit(NOT_FOUND);
    }
    if (carrier->said_fd >= 0) {
        (void)dup2(carrier->said_fd, STDERR_FILENO);
    }
    (void)close(fd);
    (void)execvp(argv[0], argv);
    _exit(NOT_FOUND);
}

static void spawn(struct carrier *carrier)
{
    const char *argv[20];
    size_t n = 0;
    argv[n++] = "ssh";
    argv[n++] = "-T";
    argv[n++] = "-oBatchMode=yes";
    argv[n++] = "-oConnectTimeout=5";
    argv[n++] = "-oForwardAgent=no"; /* the host is another one's choice: it gets bytes only */
    argv[n++] = "-oClearAllForwardings=yes";
    argv[n++] = "-oPermitLocalCommand=no";
    if (carrier->port[0] != '\0') {
        argv[n++] = "-p";
        argv[n++] = carrier->port;
    }
    argv[n++] = "--";
    argv[n++] = carrier->host;
    argv[n++] = "cleave";
    argv[n++] = "dial";
    argv[n] = NULL;
    carrier->pid = fork();
    if (carrier->pid == 0) {
        become_ssh(carrier, (char *const *)(uintptr_t)argv);
    }
}

/* A socket that only this user can reach, for as long as the carrier lives: libcurl before 7.89
 * does not take a socket that is connected already. */
static bool listen_here(struct carrier *carrier)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    STR_SET(carrier->dir, "/tmp/cleave-dial-XXXXXX");
    if (mkdtemp(carrier->dir) == NULL) {
        carrier->dir[0] = '\0';
        return false;
    }
    snprintf(carrier->path, sizeof(carrier->path), "%s/s", carrier->dir);
    STR_SET(address.sun_path, carrier->path);
    carrier->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return carrier->listen_fd >= 0 &&
           bind(carrier->listen_fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(carrier->listen_fd, 1) == 0;
}

/* libcurl is about to connect: there must be a program behind the socket, and it must not lead back
 * to this host. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct carrier *carrier = data;
    carrier_end(carrier);
    carrier->refusal = (struct error){0};
    if (remote_host_check(&carrier->remote, &carrier->refusal) != 0) {
        return CURL_SOCKET_BAD;
    }
    if (carrier->said_fd < 0) {
        carrier->said_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    }
    if (carrier->said_fd >= 0) {
        (void)!ftruncate(carrier->said_fd, 0);
        (void)lseek(carrier->said_fd, 0, SEEK_SET);
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0) {
        spawn(carrier);
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

void carrier_prepare(struct carrier *carrier, CURL *curl)
{
    if (carrier->listen_fd < 0) {
        (void)listen_here(carrier); /* else connecting fails, and says so */
    }
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, carrier->path);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, carrier);
}

void carrier_explain(const struct carrier *carrier, struct error *err)
{
    char said[SAID_MAX] = "";
    if (carrier->refusal.reason != REASON_NONE) {
        error_hint(err, "%s; %s", carrier->refusal.message, carrier->refusal.hint);
        return;
    }
    ssize_t n = carrier->said_fd < 0 ? 0 : pread(carrier->said_fd, said, sizeof(said) - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    str_make_clean(said);
    const char *text = str_trim(said);
    error_hint(err, "`ssh %s cleave dial` must work without a password%s%s", carrier->host,
               text[0] != '\0' ? "; it says: " : "", text);
}
