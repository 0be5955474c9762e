/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/own_rules.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/folder_watch.h"
#include "manager/manager.h"

struct own_rules {
    struct evloop *loop;
    char *dir;
    struct rules *in_force;
    struct error problem; /* of the start */
    struct manager *manager;
    struct worker *worker;
    struct folder_watch *watch;
    bool reading; /* on the worker */
    bool again;   /* there was a change meanwhile */
    bool asked;   /* by SIGHUP: an answer is due in the log */
    /* The worker's, while it is reading. */
    struct rules *read;
    struct error err;
    int result;
};

/* ---- reading ---- */

static void read_work(void *data)
{
    struct own_rules *own = data;
    own->err = (struct error){0};
    own->result = rules_read_own_again(own->in_force, own->dir, &own->read, &own->err);
}

static void read_done(void *data);

static void begin(struct own_rules *own)
{
    own->again = own->reading;
    if (!own->reading && own->manager != NULL) {
        own->reading = true;
        worker_submit(own->worker, read_work, read_done, own);
    }
}

/* The manager says what has changed; who asked hears that nothing has, too. */
static void answer(struct own_rules *own)
{
    if (own->asked && own->result == 0 && rules_have_same_own(own->in_force, own->read)) {
        log_info("the site's own rules in %s are as before", own->dir);
    } else if (own->asked && own->result != 0) {
        log_error("%s: %s", own->err.subject, own->err.message);
    }
    own->asked = false;
}

static void read_done(void *data)
{
    struct own_rules *own = data;
    struct rules *former = NULL;
    own->reading = false;
    if (own->manager == NULL) { /* the end */
        rules_freep(&own->read);
        return;
    }
    answer(own);
    if (own->result == 0) {
        former = own->in_force;
        own->in_force = TAKE_PTR(own->read);
        manager_use_rules(own->manager, own->in_force);
    } else {
        manager_refuse_rules(own->manager, &own->err);
    }
    rules_free(former);
    if (own->again) {
        begin(own);
    }
}

static void changed(void *data, const char *unfinished)
{
    struct own_rules *own = data;
    if (unfinished == NULL) {
        begin(own);
        return;
    }
    struct error err = {0};
    CLEANUP_FREE char *path = xasprintf("%s/%s", own->dir, unfinished);
    error_set(&err, REASON_IN_USE, path,
              "a program has been writing the file, and has not closed it");
    manager_refuse_rules(own->manager, &err);
}

void own_rules_reload(struct own_rules *own)
{
    own->asked = true;
    if (own->watch != NULL) {
        folder_watch_ask(own->watch);
    } else {
        begin(own);
    }
}

/* ---- life ---- */

int own_rules_new(struct evloop *loop, const char *dir, struct own_rules **ret_own,
                  struct error *err)
{
    CLEANUP(own_rules_freep) struct own_rules *own = xcalloc(1, sizeof(*own));
    own->loop = loop;
    own->dir = xstrdup(dir);
    struct folder_watch_config config = {.loop = loop,
                                         .path = own->dir,
                                         .is_name = rules_is_file_name,
                                         .changed = changed,
                                         .data = own};
    int r = folder_watch_new(&config, &own->watch);
    if (r < 0) {
        log_warning("cleaved can't see changes of %s (%s), and reads it on SIGHUP only", dir,
                    strerror(-r));
    }
    if (rules_load_with_own(dir, &own->in_force, &own->problem) != 0) {
        r = rules_load_default(&own->in_force, err);
        if (r != 0) {
            return r;
        }
    }
    *ret_own = TAKE_PTR(own);
    return 0;
}

const struct rules *own_rules_first(const struct own_rules *own)
{
    return own->in_force;
}

const struct error *own_rules_problem(const struct own_rules *own)
{
    return own->problem.reason != REASON_NONE ? &own->problem : NULL;
}

int own_rules_follow(struct own_rules *own, struct manager *manager, struct error *err)
{
    int r = worker_new(own->loop, "rules", &own->worker);
    if (r != 0) {
        return error_set_errno(err, -r, "cleaved", "starting a worker thread");
    }
    own->manager = manager;
    return 0;
}

bool own_rules_finish(struct own_rules *own, uint64_t until_us)
{
    if (own == NULL) {
        return true;
    }
    folder_watch_free(TAKE_PTR(own->watch));
    own->manager = NULL;
    if (!worker_finish(own->worker, until_us)) {
        return false;
    }
    worker_free(TAKE_PTR(own->worker));
    return true;
}

void own_rules_free(struct own_rules *own)
{
    if (own != NULL) {
        (void)own_rules_finish(own, UINT64_MAX);
        rules_free(own->in_force);
        free(own->dir);
        free(own);
    }
}
