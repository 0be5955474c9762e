/* SPDX-License-Identifier: Apache-2.0 */
/* cleaved: puts the parts together, runs the loop, takes them apart. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/exit_status.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sm.h"
#include "daemon/bus_error.h"
#include "daemon/drivers.h"
#include "daemon/own_rules.h"
#include "daemon/settings.h"
#include "daemon/settings_docs.h"
#include "daemon/signals.h"
#include "daemon/standin.h"
#include "daemon/state_dir.h"
#include "manager/manager.h"
#include "model/drain.h"
#include "model/migration.h"
#include "model/operation.h"
#include "store/sqlite.h"

#define USECS_PER_S UINT64_C(1000000)
/* How long the calls that are under way may take at the end. */
#define FINISH_US (3 * USECS_PER_S)

/* Everything that lives as long as the daemon, in the order in which it is made. */
struct daemon {
    struct settings settings;
    int lock_fd, path_fd;
    struct catalog *catalog;
    struct own_rules *rules;
    struct store *store;
    struct evloop *loop;
    struct drivers drivers;
    bool drivers_open;
    struct manager *manager;
    struct api_listening listening; /* until the API serves it */
    struct api *api;
    struct standin *standin;
};

/* A driver or a libvirt that hangs has a thread of ours, and what it uses can't be freed. All that
 * was done is in the journal: the next start goes on from there. */
static _Noreturn void leave(struct daemon *d)
{
    log_warning("a call into NVML, sysfs or libvirt has not returned, so cleaved ends without it; "
                "the next start continues what is unfinished");
    (void)unlink(d->settings.socket);
    d->store->ops->free(d->store);
    log_flush();
    _exit(0);
}

static void daemon_done(struct daemon *d)
{
    standin_finish(d->standin); /* whatever is freed may call into the store */
    manager_stop(d->manager);
    api_flush(d->api);
    if (!manager_finish(d->manager, clock_monotonic_us() + FINISH_US)) {
        api_flush(d->api); /* what ended meanwhile */
        leave(d);
    }
    if (!own_rules_finish(d->rules, clock_monotonic_us() + FINISH_US)) {
        leave(d);
    }
    manager_free(d->manager); /* answers what is open, so before the API */
    api_free(d->api);
    if (d->drivers_open) {
        drivers_close(&d->drivers);
    }
    own_rules_free(d->rules);
    evloop_free(d->loop);
    if (d->store != NULL) {
        d->store->ops->free(d->store);
    }
    standin_free(d->standin);
    api_listening_done(&d->listening);
    catalog_free(d->catalog);
    closep(&d->path_fd);
    closep(&d->lock_fd);
}

/* Systemd and the stand-in say meanwhile what is waited for. */
static int open_store(struct daemon *d, struct error *err)
{
    (void)sd_notifyf(0, "STATUS=reading the state in %s", d->settings.state_dir);
    int r = state_dir_lock(d->settings.state_dir, &d->lock_fd, err);
    if (r != 0) {
        return r;
    }
    const char *dir = d->settings.state_dir;
    bool new = false;
    r = state_dir_lock_path(dir, &d->path_fd, err);
    r = r != 0 ? r : state_dir_check_files(dir, err);
    r = r != 0 ? r : state_dir_check(dir, &new, err);
    if (r != 0) {
        return r;
    }
    if (new) {
        log_warning("there is no cleave.db in %s, so cleaved starts without claims; if there "
                    "should be claims, stop cleaved and put a backup there",
                    dir);
    }
    CLEANUP_FREE char *path = xasprintf("%s/cleave.db", dir);
    r = sqlite_store_open(path, &d->store, err);
    if (r == 0 && d->store->problem != NULL) {
        log_warning("%s can be read, and nothing can be stored: %s", path,
                    d->store->problem->message);
    }
    int marked = r == 0 ? state_dir_mark(dir) : 0;
    if (marked < 0) { /* a full disk stops no start */
        log_warning("can't mark %s as used: %s", dir, strerror(-marked));
    }
    return r;
}

static void reload(void *data)
{
    struct daemon *d = data;
    log_info(
        "SIGHUP: cleaved reads the site's own rules again, and its settings only when it starts");
    if (d->rules != NULL) {
        own_rules_reload(d->rules);
    }
}

static void stop(void *data)
{
    struct daemon *d = data;
    evloop_quit(d->loop);
}

static int open_loop(struct daemon *d, struct error *err)
{
    int r = evloop_new(&d->loop);
    struct signal_actions actions = {.stop = stop, .reload = reload, .data = d};
    return r == 0 ? signals_take(d->loop, &actions, err)
                  : error_set_errno(err, -r, "cleaved", "making the event loop");
}

static int open_manager(struct daemon *d, struct error *err)
{
    drivers_open(&d->drivers, &d->settings);
    d->drivers_open = true;
    struct manager_config config = {
        .loop = d->loop,
        .catalog = d->catalog,
        .rules = own_rules_first(d->rules),
        .rules_problem = own_rules_problem(d->rules),
        .store = d->store,
        .ports = d->drivers.ports,
        .watch_guest = d->drivers.watch_guest,
        .peer = d->drivers.peer,
        .move_guest = TAKE_PTR(d->drivers.move_guest),
        .track_guest = d->drivers.track_guest,
        .incoming_patience_us = d->settings.incoming_patience_s * USECS_PER_S,
        .restore_timeout_us = d->settings.restore_timeout_s * USECS_PER_S,
        .observe_period_us = d->settings.observe_period_s * USECS_PER_S,
        .vm_grace_us = d->settings.vm_grace_s * USECS_PER_S,
    };
    memcpy(config.vm_guests, d->drivers.vm_guests, sizeof(config.vm_guests));
    int r = manager_new(&config, &d->manager, err);
    return r != 0 ? r : own_rules_follow(d->rules, d->manager, err);
}

static struct api_config api_config_of(struct daemon *d)
{
    const struct settings *settings = &d->settings;
    return (struct api_config){
        .loop = d->loop,
        .socket_path = settings->socket,
        .socket_group = settings->socket_group[0] == '\0' ? NULL : settings->socket_group,
        .tcp_address = settings->listen[0] == '\0' ? NULL : settings->listen,
        .host_names = settings->allowed_hosts,
        .listening = &d->listening,
    };
}

/* Before the state is read: the stand-in says what is waited for. */
static int open_sockets(struct daemon *d, struct error *err)
{
    const struct settings *settings = &d->settings;
    CLEANUP_FREE char *dir = xstrdup(settings->socket);
    char *slash = strrchr(dir, '/');
    if (slash != NULL && slash != dir) {
        *slash = '\0';
        int r = fs_mkdirs(dir, 0755);
        if (r < 0) {
            return error_set_errno(err, -r, dir, "making %s", dir);
        }
    }
    struct api_config config = api_config_of(d);
    int r = api_listen(&config, &d->listening, err);
    if (r != 0) {
        return r;
    }
    struct standin_config standin = {.loop = d->loop,
                                     .state_dir = settings->state_dir,
                                     .n_sockets = d->listening.n,
                                     .starting = true};
    for (size_t i = 0; i < d->listening.n; i++) {
        standin.sockets[i] = d->listening.fds[i];
    }
    return standin_new(&standin, &d->standin, err);
}

static int open_api(struct daemon *d, struct error *err)
{
    struct api_config config = api_config_of(d);
    config.service = manager_service(d->manager);
    return api_new(&config, &d->api, err);
}

static int load_catalog(struct daemon *d, struct error *err)
{
    return catalog_load_default(&d->catalog, err);
}

static int load_rules(struct daemon *d, struct error *err)
{
    return own_rules_new(d->loop, OWN_RULES_DIR, &d->rules, err);
}

static int daemon_open(struct daemon *d, struct error *err)
{
    static int (*const steps[])(struct daemon *d, struct error *err) = {
        load_catalog, open_loop, load_rules, open_sockets, open_store, open_manager, open_api,
    };
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++) {
        r = steps[i](d, err);
    }
    return r;
}

static int run(const struct settings *settings, struct error *err)
{
    CLEANUP(daemon_done) struct daemon d = {.settings = *settings, .lock_fd = -1, .path_fd = -1};
    int r = daemon_open(&d, err);
    if (r != 0) {
        return r;
    }
    log_info("ready on %s, state in %s", settings->socket, settings->state_dir);
    if (evloop_report_health(d.loop) < 0) {
        log_warning("cleaved can't report to systemd's watchdog, which may restart it");
    }
    (void)sd_notify(0, "READY=1\nSTATUS=");
    standin_started(d.standin);
    r = evloop_run(d.loop);
    (void)sd_notify(0, "STOPPING=1");
    log_info("stopping");
    return r == 0 ? 0 : error_set_errno(err, -r, "cleaved", "running the event loop");
}

static void print_states(void)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    sm_draw(&step_state_words, &text);
    sm_draw(&plan_state_words, &text);
    sm_draw(&claim_state_words, &text);
    sm_draw(&migration_state_words, &text);
    sm_draw(&incoming_state_words, &text);
    sm_draw(&drain_state_words, &text);
    sm_draw(&drain_step_words, &text);
    sm_draw(&operation_state_words, &text);
    (void)fputs(strbuf_str(&text), stdout);
}

static void print_text(void (*add)(struct strbuf *out))
{
    CLEANUP_STRBUF struct strbuf text = {0};
    add(&text);
    (void)fputs(strbuf_str(&text), stdout);
}

static int fail(const struct error *err)
{
    /* A file's name, line and column, unless the message has them. */
    bool where = strchr(err->subject, ':') != NULL && strstr(err->message, err->subject) == NULL;
    log_error("%s%s%s%s%s", where ? err->subject : "", where ? ": " : "", err->message,
              err->hint[0] != '\0' ? "; " : "", err->hint);
    return reason_exit_status(err->reason);
}

/* Prints texts that need no daemon. */
static void print_answer(enum settings_action action)
{
    switch (action) {
    case SETTINGS_HELP:
        print_text(settings_help);
        return;
    case SETTINGS_DAEMON_MAN:
        print_text(settings_docs_daemon);
        return;
    case SETTINGS_FILE_MAN:
        print_text(settings_docs_file);
        return;
    case SETTINGS_EXAMPLE:
        print_text(settings_docs_example);
        return;
    case SETTINGS_VERSION:
        (void)puts("cleaved " CLEAVE_VERSION);
        return;
    case SETTINGS_STATES:
        print_states();
        return;
    case SETTINGS_RUN:
        return;
    }
}

int main(int argc, char **argv)
{
    struct settings settings;
    enum settings_action action = SETTINGS_RUN;
    struct error err = {0};
    log_set_program("cleaved");
    signals_ignore();
    if (settings_read(argc, argv, &settings, &action, &err) != 0) {
        return fail(&err);
    }
    if (action != SETTINGS_RUN) {
        print_answer(action);
        return exit_status_written("cleaved", EXIT_STATUS_DONE);
    }
    log_set_level(settings.log_level);
    (void)mallopt(M_ARENA_MAX, 1); /* few threads, little memory: one arena is enough */
    (void)umask(077);
    log_never_wait();
    bus_error_explain();
    return run(&settings, &err) == 0 ? 0 : fail(&err);
}
