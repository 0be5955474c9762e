/* SPDX-License-Identifier: Apache-2.0 */
#include "two_hosts.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "carrier.h"
#include "migration/migrations.h"
#include "state/config.h"
#include "store/memory.h"
#include "test.h"
#include "turn/queue.h"
#include "watch/looks.h"

#define TICK_US 1000
#define PATIENCE_US 2000000
#define REST_US 60000000 /* ends what hangs, on a machine with other work, too */
#define DEATH_US 25000

struct world *world;
static const struct mhost_data *data;

/* ---- death: nothing leaves the process, and nothing comes in ---- */

static bool is_dead(enum who who)
{
    const struct faults *faults = &world->mhosts[who].faults;
    return world->harm == HARM_DEATH && world->victim == who && faults->kind != FAULT_NONE &&
           atomic_load(&faults->calls) >= faults->at;
}

/* ---- the target's thread ---- */

static void *target_main(void *data_)
{
    (void)data_;
    (void)evloop_run(world->mhosts[TARGET].loop);
    return NULL;
}

static void set_target_up(bool up)
{
    pthread_mutex_lock(&world->lock);
    world->target_up = up;
    pthread_mutex_unlock(&world->lock);
}

static bool post_to_target(evloop_fn *fn, void *data_)
{
    pthread_mutex_lock(&world->lock);
    bool up = world->target_up;
    if (up) {
        evloop_post(world->mhosts[TARGET].loop, fn, data_);
    }
    pthread_mutex_unlock(&world->lock);
    return up;
}

void start_target(void)
{
    set_target_up(true);
    assert_int_equal(pthread_create(&world->target_thread, NULL, target_main, NULL), 0);
}

static void stop_loop(void *data_)
{
    evloop_stop(data_, 0);
}

static void close_connections(void);

/* Its loop can be run by this thread then. */
void stop_target(void)
{
    set_target_up(false);
    evloop_post(world->mhosts[TARGET].loop, stop_loop, world->mhosts[TARGET].loop);
    pthread_join(world->target_thread, NULL);
    close_connections();
}

/* As a new process: nothing of the old one's loop is left. */
void restart(struct mhost *mhost)
{
    mhost_stop(mhost); /* answers the letters that came too late */
    mhost->faults.kind = FAULT_NONE;
    evloop_free(mhost->loop);
    if (evloop_new(&mhost->loop) != 0 || mhost_start(mhost) != 0) {
        fail_msg("it does not start again");
    }
}

/* ---- the peer: the other manager ---- */

enum ask { ASK_CHECK, ASK_PREPARE, ASK_STATUS, ASK_COMMIT, ASK_ABORT };

/* On its way between a worker of the source, which waits for the answer, and the target. Each of
 * the two frees its half; all else is under the world's lock. */
struct letter {
    enum ask ask;
    json_t *body;
    char *id;
    unsigned holders;
    bool done;
    json_t *answer;
    struct error err;
    struct letter *next; /* among those that wait for an answer */
};

static void no_one_answers(struct error *err)
{
    (void)error_set(err, REASON_UNAVAILABLE, "peer", "no one answers");
}

static void letter_drop(struct letter *letter)
{
    if (--letter->holders == 0) {
        json_decref(letter->body);
        json_decref(letter->answer);
        free(letter->id);
        free(letter);
    }
}

static void letter_end(struct letter *letter)
{
    letter->done = true;
    for (struct letter **at = &world->letters; *at != NULL; at = &(*at)->next) {
        if (*at == letter) {
            *at = letter->next;
            break;
        }
    }
    pthread_cond_broadcast(&world->answered);
}

static void letter_answered(json_t *body, const struct error *err, void *data_)
{
    struct letter *letter = data_;
    pthread_mutex_lock(&world->lock);
    if (letter->done) { /* the one who asked has heard that the connection is gone */
        json_decref(body);
    } else if (is_dead(TARGET)) { /* it never got out */
        json_decref(body);
        no_one_answers(&letter->err);
        letter_end(letter);
    } else {
        letter->answer = body;
        if (err != NULL) {
            letter->err = *err;
        }
        letter_end(letter);
    }
    letter_drop(letter);
    pthread_mutex_unlock(&world->lock);
}

/* As the kernel does with the connections of a process that ends. */
static void close_connections(void)
{
    pthread_mutex_lock(&world->lock);
    while (world->letters != NULL) {
        no_one_answers(&world->letters->err);
        letter_end(world->letters);
    }
    pthread_mutex_unlock(&world->lock);
}

static void letter_read(void *data_)
{
    static const struct caller caller = {.author = "source", .roles = ROLES_CONNECTED};
    struct letter *letter = data_;
    struct mhost *mhost = &world->mhosts[TARGET];
    if (mhost->manager == NULL || is_dead(TARGET)) {
        struct error err = {0};
        no_one_answers(&err);
        letter_answered(NULL, &err, letter);
        return;
    }
    switch (letter->ask) {
    case ASK_CHECK:
    case ASK_PREPARE:
        mhost_ask(mhost, VERB_OFFER_INCOMING, letter, .caller = &caller, .json = letter->body,
                  .dry_run = letter->ask == ASK_CHECK, .reply = letter_answered);
        break;
    case ASK_STATUS:
        mhost_ask(mhost, VERB_GET_INCOMING, letter, .caller = &caller, .target = letter->id,
                  .reply = letter_answered);
        break;
    case ASK_COMMIT:
        mhost_ask(mhost, VERB_COMMIT_INCOMING, letter, .caller = &caller, .target = letter->id,
                  .reply = letter_answered);
        break;
    case ASK_ABORT:
        mhost_ask(mhost, VERB_ABORT_INCOMING, letter, .caller = &caller, .target = letter->id,
                  .reply = letter_answered);
        break;
    }
}

/* The answer, NULL: see *err. */
static json_t *exchange(enum ask ask, json_t *body, const char *id, struct error *err)
{
    json_t *answer = NULL;
    pthread_mutex_lock(&world->lock);
    if (world->target_up) {
        struct letter *letter = xcalloc(1, sizeof(*letter));
        *letter = (struct letter){.ask = ask,
                                  .body = json_incref(body),
                                  .id = id == NULL ? NULL : xstrdup(id),
                                  .holders = 2,
                                  .next = world->letters};
        world->letters = letter;
        evloop_post(world->mhosts[TARGET].loop, letter_read, letter);
        while (!letter->done) {
            pthread_cond_wait(&world->answered, &world->lock);
        }
        answer = TAKE_PTR(letter->answer);
        *err = letter->err;
        letter_drop(letter);
    } else {
        no_one_answers(err);
    }
    pthread_mutex_unlock(&world->lock);
    return answer;
}

static int send(enum ask ask, json_t *body, const char *id, struct incoming **ret_incoming,
                struct error *err)
{
    if (is_dead(SOURCE)) {
        return error_set(err, REASON_UNAVAILABLE, "peer", "we are dead");
    }
    if (world->lost || (world->lose_commits && ask == ASK_COMMIT)) {
        no_one_answers(err);
        return -REASON_UNAVAILABLE;
    }
    CLEANUP_JSON json_t *answer = exchange(ask, body, id, err);
    if (answer == NULL) {
        return -(int)err->reason;
    }
    return incoming_from_json(json_object_get(answer, "incoming"), "peer", ret_incoming, err);
}

static int peer_offer(struct peer_port *port, const char *address,
                      const struct migration_offer *offer, enum peer_offer what,
                      struct incoming **ret_incoming, struct error *err)
{
    (void)port;
    while (world->silent && world->silent_to == what && str_starts(address, SILENT)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    CLEANUP_JSON json_t *body = migration_offer_to_json(offer);
    return send(what == PEER_CHECK ? ASK_CHECK : ASK_PREPARE, body, NULL, ret_incoming, err);
}

static int peer_status(struct peer_port *port, const char *address, const char *id,
                       struct incoming **ret_incoming, struct error *err)
{
    (void)port;
    (void)address;
    return send(ASK_STATUS, NULL, id, ret_incoming, err);
}

static int peer_commit(struct peer_port *port, const char *address, const char *id,
                       struct incoming **ret_incoming, struct error *err)
{
    (void)port;
    (void)address;
    return send(ASK_COMMIT, NULL, id, ret_incoming, err);
}

static int peer_abort(struct peer_port *port, const char *address, const char *id,
                      struct incoming **ret_incoming, struct error *err)
{
    (void)port;
    (void)address;
    return send(ASK_ABORT, NULL, id, ret_incoming, err);
}

static int peer_check_ways(struct peer_port *port, const char *destination, const char *data_way,
                           struct error *err)
{
    (void)port;
    (void)destination;
    (void)data_way;
    (void)err;
    return 0;
}

static struct amount peer_link_speed(struct peer_port *port, const char *destination)
{
    (void)port;
    (void)destination;
    return amount_of(UINT64_C(1250000000));
}

static const struct peer_port_ops peer_ops = {.check_ways = peer_check_ways,
                                              .offer = peer_offer,
                                              .status = peer_status,
                                              .commit = peer_commit,
                                              .abort = peer_abort,
                                              .link_speed = peer_link_speed};

static void configure(struct mhost *mhost, struct manager_config *config)
{
    config->peer = &world->peer;
    config->move_guest =
        carrier_new(mhost, &(struct carrier_way){.from = &world->hosts[SOURCE],
                                                 .to = &world->hosts[TARGET],
                                                 .is_lost_there = &world->lose_at_move,
                                                 .lost = &world->lost});
    config->track_guest = mhost->watch_guest;
    config->migration_tick_us = TICK_US;
    config->incoming_patience_us = world->patience_us != 0 ? world->patience_us : PATIENCE_US;
}

/* ---- the world ---- */

void must(bool holds, const char *what)
{
    if (!holds) {
        fail_msg("%s", what);
    }
}

void open_world(const struct mhost_data *mhost_data, const char *claim)
{
    data = mhost_data;
    world = xcalloc(1, sizeof(*world));
    world->peer.ops = &peer_ops;
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->answered, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct mhost *mhost = &world->mhosts[i];
        mhost_furnish(&world->hosts[i]);
        mhost_open(mhost, data, &world->hosts[i], memory_store_new());
        mhost->configure = configure;
    }
    *fake_host_vm(&world->hosts[TARGET], VM) = (struct fake_vm){0};
    for (size_t i = 0; i < 2; i++) {
        must(mhost_start(&world->mhosts[i]) == 0, "a manager does not start");
    }
    struct answer answer = {0};
    assert_int_equal(mhost_create(&world->mhosts[SOURCE], claim, NULL), 0);
    must(mhost_settle(&world->mhosts[SOURCE]), "the claim is not made");
    static const struct caller caller = {.author = "tester", .roles = ROLES_ALL};
    mhost_ask(&world->mhosts[SOURCE], VERB_START_VM, &answer, .caller = &caller, .target = VM);
    must(mhost_wait(&world->mhosts[SOURCE], &answer), "the VM does not start");
    answer_done(&answer);
    must(mhost_settle(&world->mhosts[SOURCE]), "no rest");
    must(mhost_settle(&world->mhosts[TARGET]), "no rest");
    for (size_t i = 0; i < 2; i++) {
        world->mhosts[i].faults.calls = 0;
    }
    start_target();
}

/* The target's thread has ended. */
void close_world(void)
{
    mhost_close(&world->mhosts[SOURCE]);
    mhost_close(&world->mhosts[TARGET]);
    pthread_cond_destroy(&world->answered);
    pthread_mutex_destroy(&world->lock);
    free(world);
    world = NULL;
}

static bool moves_are_over(const struct manager *m)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (!(*outgoing)->finished || (*outgoing)->jobs > 0) {
            return false;
        }
    }
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        if (!incoming_is_over((*incoming_vm)->incoming)) {
            return false;
        }
    }
    return !m->busy && queue_length(m) == 0 && !looks_under_way(m);
}

struct rest {
    uint64_t until_us;
    bool timed_out;
    bool for_a_while; /* whatever comes about */
    bool until_death; /* of the victim, or rest, if its end is not reached */
    bool source_only;
    atomic_int target; /* REST_* */
};
enum { REST_UNKNOWN, REST_ASKED, REST_OVER };

static void ask_target(void *data_)
{
    struct rest *rest = data_;
    rest->target = moves_are_over(world->mhosts[TARGET].manager) ? REST_OVER : REST_UNKNOWN;
}

static void rest_tick(void *data_)
{
    struct rest *rest = data_;
    uint64_t now = clock_monotonic_us();
    bool both = moves_are_over(world->mhosts[SOURCE].manager) &&
                (rest->source_only || rest->target == REST_OVER);
    bool dead = rest->until_death && is_dead(world->victim);
    bool over = rest->for_a_while ? now > rest->until_us : both || dead;
    if (!over && !rest->source_only && rest->target != REST_ASKED) {
        rest->target = REST_ASKED;
        if (!post_to_target(ask_target, rest)) { /* it is down, and won't answer */
            rest->target = REST_UNKNOWN;
        }
    }
    rest->timed_out = !over && now > rest->until_us;
    if ((over || rest->timed_out) && rest->target != REST_ASKED) {
        evloop_stop(world->mhosts[SOURCE].loop, 0);
        return;
    }
    (void)evloop_after(world->mhosts[SOURCE].loop, 300, rest_tick, rest);
}

static bool run(struct rest rest)
{
    (void)evloop_after(world->mhosts[SOURCE].loop, 0, rest_tick, &rest);
    (void)evloop_run(world->mhosts[SOURCE].loop);
    return !rest.timed_out;
}

bool come_to_rest(void)
{
    return run((struct rest){.until_us = clock_monotonic_us() + REST_US});
}

bool source_comes_to_rest(void)
{
    return run((struct rest){.until_us = clock_monotonic_us() + REST_US, .source_only = true});
}

/* ---- is all well? ---- */

const char *check_world(char *why, size_t size)
{
    struct fake_vm *vms[2];
    size_t running = 0;
    enum who home = SOURCE;
    for (size_t i = 0; i < 2; i++) {
        vms[i] = fake_host_vm(&world->hosts[i], VM);
        if (vms[i] != NULL && vms[i]->running) {
            running++;
            home = (enum who)i;
        }
        if (!mhost_is_sound(&world->mhosts[i], why, size)) {
            return why;
        }
    }
    enum who other = home == SOURCE ? TARGET : SOURCE;
    if (running != 1) {
        return running == 0 ? "it runs nowhere" : "it runs twice";
    }
    if (vms[other] != NULL) {
        return "the other host still has its definition";
    }
    const struct claim *claim = claims_find(&world->mhosts[home].manager->claims, "a");
    if (claim == NULL || claim->state != CLAIM_BOUND || !str_eq(claim->vm, VM)) {
        return "its claim is not bound where it runs";
    }
    if (world->mhosts[other].manager->claims.n != 0 ||
        fake_host_count_vgpus(&world->hosts[other]) != 0 ||
        fake_host_count_gis(&world->hosts[other]) != 0) {
        return "the other host still has claims, vGPUs or instances";
    }
    return NULL;
}

void ask_to_move(const char *vm, const char *peer, bool dry_run, struct answer *answer)
{
    static const struct caller caller = {.author = "tester", .roles = ROLES_ALL};
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s}", "vm", vm, "destination", "qemu+unix:///system", "peer", peer);
    *answer = (struct answer){0};
    mhost_ask(&world->mhosts[SOURCE], VERB_MIGRATE_VM, answer, .caller = &caller, .json = body,
              .dry_run = dry_run);
}

void begin(void)
{
    struct answer answer = {0};
    ask_to_move(VM, "unix:/x", false, &answer);
    must(mhost_wait(&world->mhosts[SOURCE], &answer), "no answer");
    answer_done(&answer);
}

void let_run(uint64_t us)
{
    (void)run((struct rest){.until_us = clock_monotonic_us() + us, .for_a_while = true});
}

void let_die(void)
{
    must(run((struct rest){.until_us = clock_monotonic_us() + REST_US,
                           .until_death = true,
                           .source_only = !world->target_up}),
         "it neither dies nor comes to rest");
    let_run(DEATH_US);
}
