/* SPDX-License-Identifier: Apache-2.0 */
#include "api/users.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define FRESH_US (60 * UINT64_C(1000000))
/* A user without a name, or a service that failed, is asked about again sooner. */
#define NAMELESS_US (5 * UINT64_C(1000000))
/* At the end, for an answer that is on its way. */
#define FINISH_US 200000
#define ENTRY_BYTES 16384

struct user {
    int64_t uid;
    char name[64];      /* "": none is known */
    uint64_t used_us;   /* 0: this place is free */
    uint64_t asked_us;  /* when the question that is open was put; 0: none is */
    uint64_t learnt_us; /* when the last answer came; 0: none has */
};

struct users {
    struct evloop *loop;
    evloop_fn *named;
    void *data;
    struct worker *worker; /* NULL until the first question */
    struct user all[USERS_KEPT];
};

/* Its own memory: a thread that hangs outlives `users`. */
struct question {
    struct users *users;
    int64_t uid;
    char name[64]; /* "": it has none */
    bool failed;   /* the service could not say */
};

static void ask(void *data)
{
    struct question *question = data;
    char buffer[ENTRY_BYTES];
    struct passwd entry = {0};
    struct passwd *found = NULL;
    int r = getpwuid_r((uid_t)question->uid, &entry, buffer, sizeof(buffer), &found);
    question->failed = r != 0;
    /* Authors are stored, and what is stored must be clean text. */
    if (found != NULL && str_is_clean(found->pw_name)) {
        (void)STR_SET(question->name, found->pw_name);
    }
}

static struct user *find(struct users *users, int64_t uid)
{
    for (size_t i = 0; i < USERS_KEPT; i++) {
        if (users->all[i].used_us != 0 && users->all[i].uid == uid) {
            return &users->all[i];
        }
    }
    return NULL;
}

static void answered(void *data)
{
    CLEANUP_FREE struct question *question = data;
    struct users *users = question->users;
    struct user *user = find(users, question->uid);
    if (user == NULL) {
        return;
    }
    user->asked_us = 0;
    user->learnt_us = clock_monotonic_us();
    if (!question->failed) {
        (void)STR_SET(user->name, question->name);
    }
    users->named(users->data);
}

/* The place of the one that was used longest ago; NULL if every place has a question open. */
static struct user *take_place(struct users *users, int64_t uid)
{
    struct user *oldest = NULL;
    for (size_t i = 0; i < USERS_KEPT; i++) {
        struct user *user = &users->all[i];
        if (user->asked_us == 0 && (oldest == NULL || user->used_us < oldest->used_us)) {
            oldest = user;
        }
    }
    if (oldest != NULL) {
        *oldest = (struct user){.uid = uid};
    }
    return oldest;
}

static void put_question(struct users *users, struct user *user, uint64_t now_us)
{
    if (users->worker == NULL && worker_new(users->loop, "users", &users->worker) != 0) {
        user->learnt_us = now_us; /* no thread now: asked again in a while */
        return;
    }
    struct question *question = xcalloc(1, sizeof(*question));
    *question = (struct question){.users = users, .uid = user->uid};
    user->asked_us = now_us;
    worker_submit(users->worker, ask, answered, question);
}

uint64_t users_name(struct users *users, int64_t uid, char *out, size_t size)
{
    if (uid == 0) {
        str_copy(out, size, "root");
        return 0;
    }
    uint64_t now_us = clock_monotonic_us();
    struct user *user = find(users, uid);
    user = user != NULL ? user : take_place(users, uid);
    if (user == NULL || user->name[0] == '\0' || !str_copy(out, size, user->name)) {
        (void)snprintf(out, size, "uid %lld", (long long)uid);
    }
    if (user == NULL) {
        return 0;
    }
    user->used_us = now_us;
    uint64_t good_us = user->name[0] != '\0' ? FRESH_US : NAMELESS_US;
    if (user->asked_us == 0 && (user->learnt_us == 0 || now_us - user->learnt_us > good_us)) {
        put_question(users, user, now_us);
    }
    if (user->asked_us == 0 || user->learnt_us != 0) {
        return 0; /* what is known is used until there is news */
    }
    uint64_t waited_us = now_us - user->asked_us;
    return waited_us < USERS_PATIENCE_US ? USERS_PATIENCE_US - waited_us : 0;
}

struct users *users_new(struct evloop *loop, evloop_fn *named, void *data)
{
    struct users *users = xcalloc(1, sizeof(*users));
    *users = (struct users){.loop = loop, .named = named, .data = data};
    return users;
}

static void ignore(void *data UNUSED)
{
}

void users_free(struct users *users)
{
    if (users == NULL) {
        return;
    }
    users->named = ignore;
    if (!worker_finish(users->worker, clock_monotonic_us() + FINISH_US)) {
        return; /* the thread and what it was asked stay */
    }
    worker_free(users->worker);
    free(users);
}
