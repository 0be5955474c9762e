/* SPDX-License-Identifier: Apache-2.0 */
#include "model/seen_boards.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "test.h"

#define A "GPU-aaaaaaaa-0000-0000-0000-000000000001"
#define B "GPU-bbbbbbbb-0000-0000-0000-000000000002"
#define MAX_BOARDS 3

/* One look: the boot, and what is at buses 1 to 3: a UUID, "-" a board of which the driver tells
 * none, NULL nothing. Then what is known of each, and whether boards are known to have moved. */
struct look {
    const char *boot, *at[MAX_BOARDS], *known[MAX_BOARDS];
    bool moved;
    bool restart; /* cleaved, before the look */
};

#define MAX_LOOKS 4
static const struct sequence {
    const char *name;
    const char *claimed; /* UUID of a claim's board, on bus 1 */
    struct look looks[MAX_LOOKS];
} sequences[] = {
    {"a board that vfio-pci takes stays known",
     NULL,
     {{"x", {A, B}, {A, B}, false, false}, {"x", {"-", B}, {A, B}, false, false}}},
    {"and over a restart of cleaved",
     NULL,
     {{"x", {A, B}, {A, B}, false, false}, {"x", {"-", "-"}, {A, B}, false, true}}},
    {"but in another boot only once it says so again",
     NULL,
     {{"x", {A, B}, {A, B}, false, false},
      {"y", {"-", "-"}, {"", ""}, false, true},
      {"y", {A, "-"}, {A, ""}, false, false}}},
    {"boards that were swapped have moved",
     NULL,
     {{"x", {A, "-"}, {A, ""}, false, false},
      {"y", {"-", A}, {"", A}, true, true},
      {"y", {"-", "-"}, {"", A}, true, true},
      {"z", {"-", A}, {"", A}, false, true}}},
    {"one that is out may have moved the others",
     NULL,
     {{"x", {A, "-", B}, {A, "", B}, false, false}, {"y", {A, "-"}, {A, ""}, true, true}}},
    {"another board at an address",
     NULL,
     {{"x", {A}, {A}, false, false}, {"y", {B}, {B}, true, true}}},
    {"a claim's board, that was not seen before", A, {{"y", {"-", A}, {"", A}, true, false}}},
    {"a board that left the bus is known no more",
     NULL,
     {{"x", {A, B}, {A, B}, false, false},
      {"x", {NULL, B}, {"", B}, false, false},
      {"x", {"-", B}, {"", B}, false, false}}},
};

static struct host *host_of(const struct look *look)
{
    struct host *host = host_new();
    STR_SET(host->boot_id, look->boot);
    for (uint8_t i = 0; i < MAX_BOARDS; i++) {
        struct pci_addr addr = {.bus = (uint8_t)(i + 1)};
        if (look->at[i] != NULL) {
            struct gpu *gpu = host_add_gpu(host, &addr);
            gpu->pci_id = 0x26b9;
            STR_SET(gpu->uuid, look->at[i][0] == '-' ? "" : look->at[i]);
        }
    }
    return host;
}

static void restart(struct seen_boards *seen)
{
    struct seen_boards again = {0};
    CLEANUP_JSON json_t *json = seen_boards_to_json(seen);
    assert_int_equal(seen_boards_from_stored_json(json, &again, NULL), 0);
    seen_boards_done(seen);
    *seen = again;
}

static void check_look(const struct sequence *sequence, size_t n, struct seen_boards *seen,
                       const struct claims *claims)
{
    const struct look *look = &sequence->looks[n];
    CLEANUP(host_freep) struct host *host = host_of(look);
    if (look->restart) {
        restart(seen);
    }
    (void)seen_boards_look(seen, host, claims);
    assert_false(seen_boards_look(seen, host, claims)); /* there is nothing new to store */
    if (seen->moved != look->moved) {
        fail_msg("%s: look %zu: moved is %d", sequence->name, n, seen->moved);
    }
    for (uint8_t i = 0; i < MAX_BOARDS; i++) {
        struct pci_addr addr = {.bus = (uint8_t)(i + 1)};
        const struct gpu *gpu = host_find_gpu_addr(host, &addr);
        const char *known = gpu == NULL ? "" : gpu_known_uuid(gpu);
        if (!str_eq(known, look->known[i] == NULL ? "" : look->known[i])) {
            fail_msg("%s: look %zu: bus %d is %s", sequence->name, n, i + 1, known);
        }
    }
}

static void a_board_is_known_by_what_the_driver_said_in_this_boot(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
        struct seen_boards seen = {0};
        struct claim claim = {.state = CLAIM_BOUND, .assigned = {.set = true, .gpu = {.bus = 1}}};
        struct claims claims = {.items = &claim, .n = sequences[i].claimed != NULL};
        STR_SET(claim.assigned.gpu_uuid, sequences[i].claimed != NULL ? sequences[i].claimed : "");
        for (size_t n = 0; n < MAX_LOOKS && sequences[i].looks[n].boot != NULL; n++) {
            check_look(&sequences[i], n, &seen, &claims);
        }
        seen_boards_done(&seen);
    }
}

/* A kernel that doesn't tell its boot: a start may be in another one. */
static void without_a_boot_id_a_restart_counts_as_a_boot(void **state)
{
    (void)state;
    struct seen_boards seen = {0};
    struct claims claims = {0};
    CLEANUP(host_freep) struct host *first = host_of(&(struct look){.boot = "", .at = {A}});
    CLEANUP(host_freep) struct host *then = host_of(&(struct look){.boot = "", .at = {"-"}});
    CLEANUP(host_freep) struct host *again = host_of(&(struct look){.boot = "", .at = {"-"}});
    assert_true(seen_boards_look(&seen, first, &claims));
    assert_false(seen_boards_look(&seen, then, &claims));
    assert_string_equal(gpu_known_uuid(&then->gpus.items[0]), A);
    restart(&seen);
    (void)seen_boards_look(&seen, again, &claims);
    assert_string_equal(gpu_known_uuid(&again->gpus.items[0]), "");
    seen_boards_done(&seen);
}

/* Its name goes with the driver when it falls off, and comes from here then. */
static void a_gpu_keeps_its_name_when_it_breaks_and_when_it_leaves(void **state)
{
    (void)state;
    struct seen_boards seen = {0};
    struct claims claims = {0};
    const struct pci_addr addr = {.bus = 1};
    for (int look = 0; look < 3; look++) {
        CLEANUP(host_freep)
        struct host *host = host_of(&(struct look){.boot = "x", .at = {look < 2 ? A : NULL, B}});
        struct gpu *gpu = &host->gpus.items[0];
        if (look == 0) {
            STR_SET(gpu->name, "NVIDIA L40S");
            STR_SET(gpu->model, "l40s");
        } else if (look == 1) {
            gpu->fault = GPU_FAULT_LOST;
        }
        (void)seen_boards_look(&seen, host, &claims);
        assert_string_equal(look < 2 ? gpu->name : "NVIDIA L40S", "NVIDIA L40S");
        restart(&seen);
    }
    const struct seen_place *place = seen_boards_find_left(&seen, &addr, A);
    assert_non_null(place);
    assert_string_equal(place->name, "NVIDIA L40S");
    assert_string_equal(place->model, "l40s");
    assert_null(seen_boards_find_left(&seen, &addr, B)); /* another board */
    assert_null(seen_boards_find_left(&seen, &(struct pci_addr){.bus = 9}, A));
    seen_boards_done(&seen);
}

/* One boot of GPUs that come, go and change their drivers, and of restarts of cleaved. */
#define PLACES 8
#define BOOTS 50
#define LOOKS 30

/* Numerical Recipes' linear congruential generator. */
static uint32_t next_below(uint32_t *random, uint32_t n)
{
    *random = *random * 1664525U + 1013904223U;
    return (*random >> 16) % n;
}

static struct host *random_host(uint32_t *random, bool all)
{
    struct host *host = host_new();
    STR_SET(host->boot_id, "x");
    for (uint8_t i = 0; i < PLACES; i++) {
        struct pci_addr addr = {.bus = (uint8_t)(PLACES - i)};
        char uuid[GPU_UUID_SIZE];
        if (all || next_below(random, 3) > 0) {
            struct gpu *gpu = host_add_gpu(host, &addr);
            gpu->pci_id = 0x26b9;
            str_print(uuid, sizeof(uuid), "GPU-aaaaaaaa-0000-0000-0000-00000000000%u", (unsigned)i);
            STR_SET(gpu->uuid, next_below(random, 2) == 0 ? "" : uuid);
        }
    }
    return host;
}

static void check_numbers(const struct host *host, uint32_t numbers[PLACES])
{
    for (vec_each(&host->gpus, gpu)) {
        uint32_t *number = &numbers[gpu->addr.bus - 1];
        assert_int_not_equal(gpu->number, NO_ID);
        *number = *number == NO_ID ? gpu->number : *number;
        assert_int_equal(gpu->number, *number);
    }
    for (size_t i = 0; i < PLACES; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_true(numbers[i] == NO_ID || numbers[i] != numbers[k]);
        }
    }
}

static void a_gpu_keeps_its_number_in_a_boot(void **state)
{
    (void)state;
    const struct claims none = {0};
    for (uint32_t seed = 1; seed <= BOOTS; seed++) {
        uint32_t random = seed;
        struct seen_boards seen = {0};
        uint32_t numbers[PLACES];
        memset(numbers, 0xff, sizeof(numbers));
        for (int look = 0; look < LOOKS; look++) {
            bool all = look == 0 && seed % 2 == 0;
            CLEANUP(host_freep) struct host *host = random_host(&random, all);
            (void)seen_boards_look(&seen, host, &none);
            check_numbers(host, numbers);
            for (uint32_t i = 0; all && i < PLACES; i++) { /* in the order of addresses */
                assert_int_equal(numbers[i], i);
            }
            if (next_below(&random, 4) == 0) {
                restart(&seen);
            }
        }
        seen_boards_done(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_is_known_by_what_the_driver_said_in_this_boot),
        cmocka_unit_test(without_a_boot_id_a_restart_counts_as_a_boot),
        cmocka_unit_test(a_gpu_keeps_its_name_when_it_breaks_and_when_it_leaves),
        cmocka_unit_test(a_gpu_keeps_its_number_in_a_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
