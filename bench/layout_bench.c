/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a placement costs, next to brute force in the same run: the anchor looks through the list of
 * all 723 configurations of a 7-slice GPU. Printed, never judged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "naive.h"

#include "random.h"
#include "test.h"

#define CASES 4096

struct bench_case {
    const struct naive_config *config;
    struct layout_gis existing;
    struct layout_gis wanted;
};

struct bench {
    struct cat_profile profiles[8];
    struct gpu_model model;
    struct naive *naive;
    struct bench_case cases[CASES];
    uint64_t sum; /* of answers, so that none is optimised away */
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void bench_init(struct bench *bench)
{
    bench->model = model_a100;
    bench->model.profiles.items = bench->profiles;
    bench->model.profiles.n = 0;
    for (size_t i = 0; i < model_a100.profiles.n; i++) {
        if (model_a100.profiles.items[i].media == MEDIA_PLAIN) {
            bench->profiles[bench->model.profiles.n++] = model_a100.profiles.items[i];
        }
    }
    bench->naive = naive_new(&bench->model);
    struct random random = {.seed = 1, .state = 1};
    for (size_t i = 0; i < CASES; i++) {
        struct bench_case *c = &bench->cases[i];
        c->config = &bench->naive->configs[random_below(&random, bench->naive->n)];
        c->existing = naive_gis(bench->naive, c->config);
        c->wanted.n = 1 + random_below(&random, 3);
        for (uint32_t k = 0; k < c->wanted.n; k++) {
            uint32_t p = random_below(&random, (uint32_t)bench->model.profiles.n);
            c->wanted.items[k] = (struct layout_gi){&bench->profiles[p], LAYOUT_ANYWHERE};
        }
    }
}

/* ---- what is measured ---- */

static void run_check(struct bench *bench, const struct bench_case *c)
{
    bench->sum += layout_check(&bench->model, &c->existing, NULL) == 0;
}

static void run_remaining(struct bench *bench, const struct bench_case *c)
{
    bench->sum += layout_remaining(&bench->model, &c->existing, c->wanted.items[0].profile);
}

static void run_find_start(struct bench *bench, const struct bench_case *c)
{
    bench->sum += layout_find_start(&bench->model, &c->existing, c->wanted.items[0].profile);
}

static void run_place(struct bench *bench, const struct bench_case *c)
{
    struct layout_gis wanted = c->wanted;
    bench->sum += layout_place(&bench->model, &c->existing, &wanted, NULL) == 0;
}

static void run_refusal(struct bench *bench, const struct bench_case *c)
{
    struct layout_gis wanted = c->wanted;
    struct error err;
    bench->sum += layout_place(&bench->model, &c->existing, &wanted, &err) == 0;
}

static void run_change(struct bench *bench, const struct bench_case *c)
{
    struct layout_change change;
    bench->sum += layout_change(&bench->model, &c->existing, 0, 0, &c->wanted, &change, NULL) == 0;
}

/* Brute force: the start of one more instance, from the list of all configurations. */
static void run_anchor(struct bench *bench, const struct bench_case *c)
{
    uint32_t p = (uint32_t)(c->wanted.items[0].profile - bench->profiles);
    struct naive_worth best = {{0}};
    for (uint32_t i = 0; i < c->wanted.items[0].profile->n_placements; i++) {
        struct naive_config next = *c->config;
        next.parts[next.n++] =
            (struct naive_part){p, c->wanted.items[0].profile->placements[i].start};
        if (!naive_is_legal(&bench->model, &next)) {
            continue;
        }
        struct naive_worth worth = naive_worth_of(bench->naive, &next);
        best = naive_worth_compare(&worth, &best) > 0 ? worth : best;
    }
    bench->sum += best.left[0];
}

static double ns_per_case(struct bench *bench,
                          void (*run)(struct bench *, const struct bench_case *), int rounds,
                          size_t n)
{
    double start = now_ns();
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < n; i++) {
            run(bench, &bench->cases[i]);
        }
    }
    return (now_ns() - start) / (double)rounds / (double)n;
}

int main(void)
{
    static const struct {
        const char *what;
        void (*run)(struct bench *, const struct bench_case *);
        int rounds;
    } rows[] = {
        {"is a layout legal", run_check, 50},
        {"how many more fit", run_remaining, 50},
        {"best start of one more", run_find_start, 50},
        {"best places of 1 to 3 more", run_place, 50},
        {"the same, with why not and the nearest", run_refusal, 2},
        {"fewest destroyed for 1 to 3 more", run_change, 5},
    };
    struct bench *bench = calloc(1, sizeof(*bench));
    bench_init(bench);
    double anchor = ns_per_case(bench, run_anchor, 1, 256);
    printf("7-slice GPU, %u configurations, %d random cases\n", bench->naive->n, CASES);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        double ns = ns_per_case(bench, rows[i].run, rows[i].rounds, CASES);
        printf("%-40s %9.0f ns  %9.1f x faster than brute force for one more\n", rows[i].what, ns,
               anchor / ns);
    }
    printf("%-40s %9.0f ns  (anchor)\n", "brute force: best start of one more", anchor);
    printf("sum of answers: %llu\n", (unsigned long long)bench->sum);
    free(bench->naive);
    free(bench);
    return 0;
}
