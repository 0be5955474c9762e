/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/boards.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

/* An A100 PCIe 40GB of which the driver says what a test lets it say. */
struct fixture {
    struct catalog *catalog;
    struct boards *boards;
    struct host *host;
    struct gpu *gpu;
    struct strlist warnings;
};

static struct fixture *fixture_new(uint32_t pci_id)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    const struct pci_addr addr = {.bus = 0x41};
    assert_int_equal(catalog_load_default(&f->catalog, NULL), 0);
    f->boards = boards_new(f->catalog);
    f->host = host_new();
    STR_SET(f->host->driver_version, "510.47.03");
    f->gpu = host_add_gpu(f->host, &addr);
    f->gpu->pci_id = pci_id;
    f->gpu->pci_subsystem_id = pci_id == 0x20f1 ? 0x145f : NO_ID;
    STR_SET(f->gpu->uuid, "GPU-1");
    f->gpu->board.architecture = BOARD_UNKNOWN;
    return f;
}

static void fixture_free(struct fixture *f)
{
    strlist_done(&f->warnings);
    host_free(f->host);
    boards_free(f->boards);
    catalog_free(f->catalog);
    free(f);
}
DEFINE_FREEP(struct fixture *, fixture_free)

#define A100 CLEANUP(fixture_freep) struct fixture *f = fixture_new(0x20f1)

static struct board_profile *say_profile(struct fixture *f, const char *name, uint32_t id,
                                         uint32_t number, uint32_t slices, uint32_t most)
{
    struct board_profile *profile = vec_push(&f->gpu->board.profiles);
    f->gpu->board.profiles_known = true;
    profile->id = id;
    profile->number = number;
    profile->compute_slices = slices;
    profile->max_instances = most;
    profile->memory_mib = 4864;
    STR_SET(profile->name, name);
    return profile;
}

static void say_place(struct board_profile *profile, uint32_t start, uint32_t size)
{
    profile->starts[profile->n_starts++] = start;
    profile->size = size;
}

static const struct gpu_model *update(struct fixture *f)
{
    boards_update(f->boards, f->host, &f->warnings);
    return boards_find(f->boards, f->catalog, f->gpu);
}

static void where_the_driver_says_nothing_the_catalog_does(void **state)
{
    (void)state;
    A100;
    const struct gpu_model *model = update(f);
    assert_string_equal(model->key, "a100-pcie-40gb");
    assert_int_equal(model->profiles.n, 7);
    assert_int_equal(boards_check_profile(f->boards, f->gpu, "1g.10gb", NULL), 0);
    assert_int_equal(f->warnings.n, 0);
}

static void what_the_driver_lacks_is_gone_and_the_refusal_says_from_which_it_is_there(void **state)
{
    (void)state;
    A100;
    say_profile(f, "1g.5gb", 19, 0, 1, 7);
    const struct gpu_model *model = update(f);
    const struct cat_profile *profile = NULL;
    assert_int_equal(model->profiles.n, 1);
    assert_int_equal(model->profiles.items[0].n_placements, 7); /* the catalog fills in */
    assert_true(model_find_profile(model, "1g.10gb", &profile, NULL) < 0);
    struct error err = {0};
    assert_int_equal(boards_check_profile(f->boards, f->gpu, "1g.10gb", &err), -REASON_UNSUPPORTED);
    assert_string_equal(err.message, "NVIDIA's driver 510.47.03 has no GPU instance profile "
                                     "1g.10gb on GPU 0000:41:00.0");
    assert_non_null(strstr(err.hint, "R525"));
    assert_int_equal(boards_check_profile(f->boards, f->gpu, "1g.5gb", NULL), 0);
    assert_int_equal(boards_check_profile(f->boards, f->gpu, "9g.99gb", NULL), 0);
    assert_int_equal(f->warnings.n, 0);
}

static void the_drivers_places_count_and_one_warning_names_both(void **state)
{
    (void)state;
    A100;
    struct board_profile *one = say_profile(f, "1g.5gb", 19, 0, 1, 6);
    say_place(one, 0, 1);
    say_place(one, 1, 1);
    const struct gpu_model *model = update(f);
    assert_int_equal(model->profiles.items[0].n_placements, 2);
    assert_int_equal(model->profiles.items[0].max_instances, 6);
    assert_int_equal(f->warnings.n, 1);
    assert_string_equal(f->warnings.items[0],
                        "GPU 0000:41:00.0: NVIDIA's driver 510.47.03 and the catalog "
                        "(a100-pcie-40gb) disagree: the most of 1g.5gb is 6 in the driver and 7 in "
                        "the catalog (and 1 more); cleave uses the driver's value");
    update(f);
    assert_int_equal(f->warnings.n, 1); /* once */
}

static void a_driver_without_names_takes_the_catalogs_or_forms_them(void **state)
{
    (void)state;
    A100;
    say_profile(f, "", 19, 0, 1, 7);
    say_profile(f, "", 77, 8, 2, 1);
    const struct gpu_model *model = update(f);
    assert_string_equal(model->profiles.items[0].name, "2g.5gb+me"); /* by id, descending */
    assert_int_equal(model->profiles.items[0].media, MEDIA_ME);
    assert_string_equal(model->profiles.items[1].name, "1g.5gb");
}

static void a_board_that_the_catalog_does_not_know_is_what_the_driver_says(void **state)
{
    (void)state;
    CLEANUP(fixture_freep) struct fixture *f = fixture_new(0xfff0);
    assert_null(update(f));
    STR_SET(f->gpu->name, "NVIDIA RTX 9000");
    f->gpu->mem_bytes = UINT64_C(64) << 30;
    struct board_profile *half = say_profile(f, "1g.32gb+gfx", 35, 10, 1, 2);
    say_place(half, 0, 4);
    say_place(half, 4, 4);
    f->gpu->board.types_known = true;
    f->gpu->board.types_of_mig = true;
    f->gpu->board.vgpu_host = BOARD_VGPU_YES;
    struct board_type *said = vec_push(&f->gpu->board.types);
    *said = (struct board_type){.type_id = 4711,
                                .framebuffer_mib = 8192,
                                .subsystem_id = BOARD_UNKNOWN,
                                .mig_backed = true,
                                .gi_profile_id = 35,
                                .max_per_gpu = 8,
                                .max_per_gi = 4};
    STR_SET(said->name, "NVIDIA RTX 9000-1-8Q");
    const struct gpu_model *model = update(f);
    assert_string_equal(model->key, "nvidia-rtx-9000");
    assert_int_equal(model->arch, ARCH_UNKNOWN);
    assert_int_equal(model->memory_mib, 65536);
    assert_int_equal(model->memory_slices, 8);
    assert_int_equal(model->max_gpu_instances, 2);
    assert_true(model->profiles.items[0].gfx);
    const struct cat_vgpu_type *type = NULL;
    assert_int_equal(model_find_type(model, "RTX 9000-1-8Q", &type, NULL), 0);
    assert_string_equal(type->gi_profile, "1g.32gb+gfx");
    assert_int_equal(type->series, 'Q');
    assert_int_equal(type->max_per_gi, 4);
    assert_int_equal(boards_check_type(f->boards, f->gpu, type, NULL), 0);
    assert_int_equal(f->warnings.n, 0);
}

static const struct cat_vgpu_type *type_of(const struct gpu_model *model, const char *name)
{
    const struct cat_vgpu_type *type = NULL;
    assert_int_equal(model_find_type(model, name, &type, NULL), 0);
    return type;
}

static void a_driver_without_vgpu_manager_is_not_one_that_lacks_the_type(void **state)
{
    (void)state;
    A100;
    f->gpu->board.vgpu_host = BOARD_VGPU_NO;
    struct error err = {0};
    const struct cat_vgpu_type *type = type_of(update(f), "A100-4C");
    assert_int_equal(boards_check_type(f->boards, f->gpu, type, &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "has no vGPU manager"));
    assert_non_null(strstr(err.hint, "-vgpu-kvm"));

    f->gpu->board.vgpu_host = BOARD_VGPU_YES;
    f->gpu->board.types_known = true;
    struct board_type *said = vec_push(&f->gpu->board.types);
    *said = (struct board_type){.type_id = 4711,
                                .framebuffer_mib = 4096,
                                .gi_profile_id = BOARD_UNKNOWN,
                                .max_per_gpu = BOARD_UNKNOWN,
                                .max_per_gi = BOARD_UNKNOWN,
                                .subsystem_id = BOARD_UNKNOWN};
    STR_SET(said->name, "GRID A100-4C");
    const struct gpu_model *model = update(f);
    assert_int_equal(boards_check_type(f->boards, f->gpu, type_of(model, "A100-4C"), NULL), 0);
    assert_int_equal(boards_check_type(f->boards, f->gpu, type_of(model, "A100-8C"), &err),
                     -REASON_UNSUPPORTED);
    /* MIG mode is off: that is not the last word on its types. */
    assert_int_equal(boards_check_type(f->boards, f->gpu, type_of(model, "A100-1-5C"), NULL), 0);
}

static void what_was_said_is_kept_while_the_gpu_is_away_and_dropped_with_the_driver(void **state)
{
    (void)state;
    A100;
    say_profile(f, "1g.5gb", 19, 0, 1, 7);
    assert_int_equal(update(f)->profiles.n, 1);
    STR_SET(f->gpu->uuid, ""); /* vfio-pci has it */
    board_done(&f->gpu->board);
    f->gpu->board = (struct board){.architecture = BOARD_UNKNOWN};
    assert_int_equal(update(f)->profiles.n, 1);
    STR_SET(f->host->driver_version, "580.105.08");
    assert_int_equal(update(f)->profiles.n, 7);
}

/* A full GPU: the kernel has no name for any type. */
static void a_vgpu_that_has_a_number_gets_its_types_name(void **state)
{
    (void)state;
    static const struct {
        uint32_t type_id; /* as the kernel has it; NO_ID: "A100-4C"'s of the catalog */
        bool driver;      /* says that it calls 4711 "GRID A100-4C" */
        const char *before, *after;
    } rows[] = {
        {NO_ID, false, "", "A100-4C"},      {NO_ID, true, "", "A100-4C"},
        {4711, true, "", "A100-4C"},        {4711, false, "", ""},
        {4711, true, "A100-8C", "A100-8C"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        A100;
        uint32_t known = type_of(update(f), "A100-4C")->type_id;
        assert_int_not_equal(known, CAT_UNKNOWN);
        if (rows[i].driver) {
            f->gpu->board.types_known = true;
            struct board_type *said = vec_push(&f->gpu->board.types);
            *said = (struct board_type){.type_id = rows[i].type_id == NO_ID ? known : 4711,
                                        .framebuffer_mib = 4096,
                                        .gi_profile_id = BOARD_UNKNOWN,
                                        .max_per_gpu = BOARD_UNKNOWN,
                                        .max_per_gi = BOARD_UNKNOWN,
                                        .subsystem_id = BOARD_UNKNOWN};
            STR_SET(said->name, "GRID A100-4C");
        }
        update(f);
        struct vgpu *vgpu = vec_push(&f->gpu->vgpus);
        vgpu->type_id = rows[i].type_id == NO_ID ? known : rows[i].type_id;
        STR_SET(vgpu->type, rows[i].before);
        boards_name_vgpus(f->boards, f->catalog, f->host);
        assert_string_equal(vgpu->type, rows[i].after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_the_driver_says_nothing_the_catalog_does),
        cmocka_unit_test(what_the_driver_lacks_is_gone_and_the_refusal_says_from_which_it_is_there),
        cmocka_unit_test(the_drivers_places_count_and_one_warning_names_both),
        cmocka_unit_test(a_driver_without_names_takes_the_catalogs_or_forms_them),
        cmocka_unit_test(a_board_that_the_catalog_does_not_know_is_what_the_driver_says),
        cmocka_unit_test(a_vgpu_that_has_a_number_gets_its_types_name),
        cmocka_unit_test(a_driver_without_vgpu_manager_is_not_one_that_lacks_the_type),
        cmocka_unit_test(what_was_said_is_kept_while_the_gpu_is_away_and_dropped_with_the_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
