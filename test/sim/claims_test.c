/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of claim on every board of the catalog and on both vGPU interfaces: planned, made by
 * the real drivers on the simulated host, looked at, released.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "base/id.h"
#include "base/str.h"
#include "driver/nvml/nvml_port.h"
#include "exec/ports.h"
#include "model/host_derive.h"
#include "plan/planner.h"
#include "sim/rpc/rpc.h"
#include "sim_machine.h"

#define FUNCTIONS 2 /* virtual functions: enough for one vGPU, and quick to look at */

static const char *const kernels[] = {"5.15.0-113-generic", "6.8.0-60-generic"};

struct world {
    struct catalog *catalog; /* the simulator's */
    struct catalog *little;  /* knows a T4 only */
    struct rules *rules;
    char dir[32];
    char socket[64];
    size_t n_kinds, n_failures;
};

struct setup {
    const char *kernel, *driver; /* NULL: as the simulator has it */
    bool no_vgpu_manager;
    const struct catalog *known; /* to the planner; NULL: all */
};

/* One board on a simulated machine, seen through the real drivers. */
struct bench {
    struct world *world;
    const char *key;
    const char *kernel;
    const struct catalog *known; /* to the planner */
    struct sim_machine machine;
    struct sim_host *host; /* the machine's */
    struct sim_rpc *rpc;
    struct ports ports; /* the kernel's in memory, the real one for NVML */
    struct ports simulated;
    struct claims claims; /* none, or the one that is being tried */
    struct host *seen;
    struct boards *boards;
};

static void look(struct bench *board)
{
    struct error err = {0};
    host_free(board->seen);
    board->seen = NULL;
    if (ports_observe_pci(board->ports.pci, &board->seen, &err) != 0 ||
        board->ports.gpu->ops->observe(board->ports.gpu, board->seen, &err) != 0) {
        fail_msg("%s: %s", board->key, err.message);
    }
    host_derive(board->seen);
    CLEANUP_STRLIST struct strlist warnings = {0};
    boards_update(board->boards, board->seen, &warnings);
    for (vec_each(&warnings, warning)) {
        board->world->n_failures++; /* the simulated driver repeats what the catalog says */
        print_message("# %s\n", *warning);
    }
}

static struct bench *board_new(struct world *world, const struct gpu_model *model,
                               const struct setup *setup)
{
    struct bench *board = xcalloc(1, sizeof(*board));
    struct error err = {0};
    CLEANUP_FREE char *path = xasprintf("board:%s", model->key);
    board->world = world;
    board->key = model->key;
    board->kernel = setup->kernel != NULL ? setup->kernel : "as usual";
    board->known = setup->known != NULL ? setup->known : world->catalog;
    sim_machine_init(&board->machine, path,
                     &(struct sim_host_changes){.kernel = setup->kernel, .driver = setup->driver},
                     world->catalog);
    board->host = board->machine.host;
    board->host->vgpu_host = !setup->no_vgpu_manager;
    struct sim_gpu *gpu = &board->host->gpus[0];
    gpu->vfs_total = gpu->vfs_total > FUNCTIONS ? FUNCTIONS : gpu->vfs_total;
    if (sim_rpc_start(board->host, world->socket, &board->rpc, &err) < 0) {
        fail_msg("%s: %s", model->key, err.message);
    }
    board->simulated = sim_ports_new(&board->machine);
    board->ports = board->simulated;
    board->ports.gpu = nvml_port_new();
    board->boards = boards_new(board->known);
    look(board);
    return board;
}

static void board_free(struct bench *board)
{
    host_free(board->seen);
    boards_free(board->boards);
    vec_done(&board->claims);
    board->ports.gpu->ops->free(board->ports.gpu);
    sim_ports_free(&board->simulated);
    sim_rpc_stop(board->rpc);
    sim_machine_done(&board->machine);
    free(board);
}
DEFINE_FREEP(struct bench *, board_free)

/* ---- one claim ---- */

static int run_steps(struct bench *board, struct plan *plan, struct error *err)
{
    for (vec_each(&plan->steps, step)) {
        int result = ports_check(&board->ports, step, err);
        result = result != 0 ? result : ports_apply(&board->ports, step, err);
        if (result != 0) {
            return result;
        }
    }
    look(board);
    return 0;
}

static int carry_out(struct bench *board, struct claim *add, const char *remove, struct error *err)
{
    struct planner planner = {.catalog = board->known,
                              .rules = board->world->rules,
                              .host = board->seen,
                              .claims = &board->claims,
                              .boards = board->boards};
    const struct claim *adds[] = {add};
    const char *removes[] = {remove};
    struct plan_request request = {.add = adds,
                                   .n_add = add != NULL,
                                   .remove = removes,
                                   .n_remove = remove != NULL,
                                   .new_uuid = id_uuid};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    int result = add != NULL ? planner_admit(&planner, add, err) : 0;
    result = result != 0 ? result : planner_build(&planner, &request, &plan, err);
    result = result != 0 ? result : run_steps(board, plan, err);
    if (result == 0 && add != NULL) {
        plan->claims.items[0].claim.state = CLAIM_BOUND;
        *add = plan->claims.items[0].claim;
    }
    return result;
}

/* Is what the claim asked for there, and nothing else? */
static bool is_there(const struct bench *board, const struct claim *claim)
{
    const struct gpu *gpu = &board->seen->gpus.items[0];
    switch (claim->spec.mode) {
    case CLAIM_PASSTHROUGH:
        return str_eq(gpu->driver, "vfio-pci");
    case CLAIM_GPU_INSTANCE:
        return gpu->gis.n == 1 && gpu->gis.items[0].n_ci == 1 && gpu->vgpus.n == 0 &&
               str_eq(gpu->gis.items[0].profile, claim->spec.profile);
    case CLAIM_TIME_SLICED:
        return gpu->gis.n == 0 && gpu->vgpus.n == 1;
    case CLAIM_MIG_BACKED:
    case CLAIM_TIME_SLICED_MIG_BACKED:
        return gpu->gis.n == 1 && gpu->vgpus.n == 1 &&
               str_eq(gpu->gis.items[0].profile, claim->spec.profile);
    case CLAIM_MODE_AUTO:
        break;
    }
    return false;
}

static void note(struct bench *board, const char *what, const char *when, const struct error *err)
{
    board->world->n_failures++;
    print_message("# %s, Linux %s: %s: %s: %s\n", board->key, board->kernel, what, when,
                  err->message);
}

static void try_claim(struct bench *board, const struct claim_spec *spec, const char *what)
{
    struct claim claim = {.name = "c", .spec = *spec};
    struct error err = {0};
    board->world->n_kinds++;
    if (carry_out(board, &claim, NULL, &err) != 0) {
        note(board, what, "making it", &err);
        look(board);
        return;
    }
    if (!is_there(board, &claim)) {
        error_set(&err, REASON_INTERNAL, "", "it is not there, or not alone");
        note(board, what, "looking at it", &err);
    }
    *vec_push(&board->claims) = claim;
    if (carry_out(board, NULL, "c", &err) != 0) {
        note(board, what, "releasing it", &err);
    }
    board->claims.n = 0;
}

static void try_type(struct bench *board, const struct cat_vgpu_type *type)
{
    struct claim_spec spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID};
    STR_SET(spec.type, type->name);
    try_claim(board, &spec, type->name);
}

/* ---- all of a board ---- */

static void try_types(struct bench *board, bool mig_backed)
{
    const struct gpu_model *model = board->host->gpus[0].model;
    for (vec_each(&model->types, type)) {
        if (type->mig_backed == mig_backed) {
            try_type(board, type);
        }
    }
}

static void try_board(struct world *world, const struct gpu_model *model, const struct setup *setup)
{
    CLEANUP(board_freep) struct bench *board = board_new(world, model, setup);
    const struct gpu_model *simulated = board->host->gpus[0].model;
    /* Boards without SR-IOV have no vGPUs from Linux 6.8 on: vendor VFIO puts them on virtual
     * functions. */
    if (board->seen->gpus.items[0].iface != VGPU_IFACE_NONE) {
        try_types(board, false);
        try_types(board, true);
    }
    if (setup->kernel == kernels[0]) {
        return; /* the rest has nothing to do with vGPUs */
    }
    try_claim(board, &(struct claim_spec){.mode = CLAIM_PASSTHROUGH, .start = NO_ID},
              "pass-through");
    for (vec_each(&simulated->profiles, profile)) {
        struct claim_spec spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID};
        STR_SET(spec.profile, profile->name);
        try_claim(board, &spec, profile->name);
    }
}

static void every_kind_of_claim_on_every_board(void **state)
{
    struct world *world = *state;
    const char *only = getenv("CLEAVE_BOARD"); /* for who adds one */
    for (size_t i = 0; i < catalog_count(world->catalog); i++) {
        const struct gpu_model *model = catalog_at(world->catalog, i);
        for (size_t k = 0; k < ARRAY_SIZE(kernels) && model->memory_mib != CAT_UNKNOWN; k++) {
            if (only == NULL || str_eq(only, model->key)) {
                try_board(world, model, &(struct setup){.kernel = kernels[k]});
            }
        }
    }
    print_message("# %zu claims, %zu failed\n", world->n_kinds, world->n_failures);
    assert_int_equal(world->n_failures, 0);
    assert_true(only != NULL || world->n_kinds > 2000);
}

static const struct gpu_model *model_of(const struct world *world, const char *key)
{
    const struct gpu_model *model = NULL;
    assert_int_equal(catalog_find(world->catalog, key, &model, NULL), 0);
    return model;
}

static void boards_that_the_catalog_does_not_know_work_from_the_drivers_word(void **state)
{
    struct world *world = *state;
    static const char *const keys[] = {"a30", "l4", "rtx-pro-4500-blackwell-se"};
    size_t failed = world->n_failures;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        try_board(world, model_of(world, keys[i]), &(struct setup){.known = world->little});
    }
    assert_int_equal(world->n_failures, failed);
}

/* Of what is asked for, made or refused at planning; 0 or -reason. */
static int ask(struct world *world, const char *key, const struct setup *setup, const char *type,
               const char *profile, struct error *err)
{
    CLEANUP(board_freep) struct bench *board = board_new(world, model_of(world, key), setup);
    struct claim claim = {.name = "c", .spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.spec.type, type);
    STR_SET(claim.spec.profile, profile);
    uint64_t changes = board->host->changes;
    int result = carry_out(board, &claim, NULL, err);
    if (result != 0 && board->host->changes != changes) {
        fail_msg("%s%s on %s was tried: %s", type, profile, key, err->message);
    }
    return result;
}

static void what_an_older_driver_lacks_is_refused_before_anything_is_done(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *board, *driver, *type, *profile, *since;
    } rows[] = {
        {"a100-pcie-40gb", "510.47.03", "", "1g.10gb", "R525"},
        {"a30", "510.47.03", "", "2g.12gb+me", "R525"},
        {"a100-pcie-40gb", "460.73.01", "", "1g.5gb+me", "R470"},
        {"a100-pcie-40gb", "510.47.03", "A100-1-10C", "", "R525"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        const struct setup setup = {.driver = rows[i].driver};
        if (ask(world, rows[i].board, &setup, rows[i].type, rows[i].profile, &err) !=
                -REASON_UNSUPPORTED ||
            strstr(err.message, rows[i].driver) == NULL ||
            strstr(err.hint, rows[i].since) == NULL) {
            fail_msg("%s%s on %s: %s (%s)", rows[i].type, rows[i].profile, rows[i].driver,
                     err.message, err.hint);
        }
    }
    const struct setup old = {.driver = "510.47.03"};
    assert_int_equal(ask(world, "a100-pcie-40gb", &old, "", "2g.10gb", NULL), 0);
}

static void a_driver_without_vgpu_manager_is_refused_at_planning(void **state)
{
    struct world *world = *state;
    const struct setup bare = {.no_vgpu_manager = true};
    static const struct {
        const char *board, *type;
    } rows[] = {{"l40s", "L40S-8Q"}, {"a100-pcie-40gb", "A100-2-10C"}, {"t4", "T4-4Q"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        assert_int_equal(ask(world, rows[i].board, &bare, rows[i].type, "", &err),
                         -REASON_UNAVAILABLE);
        assert_non_null(strstr(err.message, "has no vGPU manager"));
        assert_non_null(strstr(err.hint, "-vgpu-kvm"));
    }
    assert_int_equal(ask(world, "a100-pcie-40gb", &bare, "", "2g.10gb", NULL), 0);
}

/* The compute instance of a GPU instance of double memory has all of its multiprocessors. */
static void a_double_memory_instance_is_used_whole(void **state)
{
    struct world *world = *state;
    const struct setup usual = {.kernel = NULL};
    CLEANUP(board_freep)
    struct bench *board = board_new(world, model_of(world, "h100-sxm5-80gb"), &usual);
    struct claim claim = {.name = "c", .spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.spec.profile, "1g.20gb");
    assert_int_equal(carry_out(board, &claim, NULL, NULL), 0);
    assert_int_equal(board->host->gpus[0].gis[0].cis[0].profile, 7); /* 1_SLICE_REV1 */
}

/* A catalog of one board, in a folder of its own. */
static int load_little(struct world *world)
{
    const char *data = getenv("CLEAVE_DATADIR");
    CLEANUP_FREE char *from = xasprintf("%s/catalog/t4.yaml", data);
    CLEANUP_FREE char *to = xasprintf("%s/t4.yaml", world->dir);
    CLEANUP_FREE char *tables = xasprintf("%s/mixed-size", world->dir);
    int result = symlink(from, to) != 0 || mkdir(tables, 0755) != 0
                     ? -1
                     : catalog_load(world->dir, &world->little, NULL);
    (void)unlink(to);
    (void)rmdir(tables);
    return result;
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    *state = world;
    STR_SET(world->dir, "/tmp/claims-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    (void)snprintf(world->socket, sizeof(world->socket), "%s/socket", world->dir);
    setenv("CLEAVE_SIM_SOCKET", world->socket, 1);
    int result = catalog_load_default(&world->catalog, NULL);
    result = result != 0 ? result : load_little(world);
    return result != 0 ? result : rules_load_default(&world->rules, NULL);
}

static int tear_down(void **state)
{
    struct world *world = *state;
    rules_free(world->rules);
    catalog_free(world->catalog);
    catalog_free(world->little);
    rmdir(world->dir);
    free(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_claim_on_every_board),
        cmocka_unit_test(boards_that_the_catalog_does_not_know_work_from_the_drivers_word),
        cmocka_unit_test(what_an_older_driver_lacks_is_refused_before_anything_is_done),
        cmocka_unit_test(a_driver_without_vgpu_manager_is_refused_at_planning),
        cmocka_unit_test(a_double_memory_instance_is_used_whole),
    };
    return cmocka_run_group_tests_name("sim claims", tests, set_up, tear_down);
}
