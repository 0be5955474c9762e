/* SPDX-License-Identifier: Apache-2.0 */
/* Broken files: each is refused, and the error names the file and the line or the key. */
#include "catalog/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static const char good_model[] =
    "name: Test GPU 8GB\n"
    "arch: ampere\n"
    "memory_gb: 8\n"
    "aliases: [test]\n"
    "pci: {source: doc, ids: [{device: 0x1000, subsystem: 0x0001, name: NVIDIA TEST}]}\n"
    "mig:\n"
    "  compute_slices: 2\n"
    "  memory_slices: 2\n"
    "  max_instances: 2\n"
    "  source: doc\n"
    "  placements_source: doc\n"
    "  profiles:\n"
    "    - {name: 1g.4gb, id: 19, nvml: 0, slices: 1, size: 1, at: [0, 1], gib: 3.75, max: 2}\n"
    "    - {name: 2g.8gb, id: 0, nvml: 1, slices: 2, size: 2, at: [0], mib: 8000, max: 1}\n"
    "vgpu:\n"
    "  prefix: X\n"
    "  brand: NVIDIA\n"
    "  source: doc\n"
    "  sriov: true\n"
    "  time_sliced: true\n"
    "  mig_backed: true\n"
    "  mig_timesliced: false\n"
    "  mixed_size_table: 8gb\n"
    "  types:\n"
    "    - {mode: mig, id_source: doc, limit_source: doc, profile_source: doc, rows: [\n"
    "        {name: X-1-4C, id: 7, mib: 4096, profile: 1g.4gb, max: 2, per_gi: 1}]}\n"
    "    - {mode: time-sliced, id_source: doc, limit_source: doc, mixed_source: doc, rows: [\n"
    "        {name: X-4Q, id: 8, mib: 4096, max: 2, mixed: 2}]}\n"
    "sources:\n"
    "  doc: {confidence: vendor-doc, text: a document}\n";

static const char good_table[] = "region_gb: 8\n"
                                 "source: {confidence: vendor-doc, text: a document}\n"
                                 "rows:\n"
                                 "  - {mib: 8192, size: 8, max: 1, ids: [0]}\n"
                                 "  - {mib: 4096, size: 4, max: 2, ids: [0, 4]}\n";

struct fixture {
    char dir[64];
    struct catalog *catalog;
    struct error err;
};

static void put(const struct fixture *f, const char *name, const char *text)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", f->dir, name);
    assert_int_equal(fs_write_atomic(path, text, strlen(text)), 0);
}

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    STR_SET(f->dir, "/tmp/cleave-catalog-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    CLEANUP_FREE char *tables = xasprintf("%s/mixed-size", f->dir);
    assert_int_equal(fs_mkdirs(tables, 0755), 0);
    put(f, "mixed-size/8gb.yaml", good_table);
    put(f, "x.yaml", good_model);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    catalog_free(f->catalog);
    fs_remove_tree(f->dir);
    free(f);
    return 0;
}

static int load(struct fixture *f)
{
    catalog_free(TAKE_PTR(f->catalog));
    f->err = (struct error){0};
    return catalog_load(f->dir, &f->catalog, &f->err);
}

/* `text` with its first `from` replaced; caller frees. */
static char *changed(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* Puts the changed text into `file` and expects a refusal that names it and says `message`. */
static void refused_in(struct fixture *f, const char *file, char *text, const char *message)
{
    put(f, file, text);
    free(text);
    assert_int_equal(load(f), -REASON_INVALID);
    if (strstr(f->err.subject, file) == NULL || strstr(f->err.message, message) == NULL) {
        fail_msg("'%s: %s' is not '%s: %s'", f->err.subject, f->err.message, file, message);
    }
}

static void refused(struct fixture *f, const char *from, const char *to, const char *message)
{
    refused_in(f, "x.yaml", changed(good_model, from, to), message);
}

static void a_good_file_loads(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f), 0);
    const struct gpu_model *model = NULL;
    assert_int_equal(catalog_find(f->catalog, "TEST", &model, &f->err), 0);
    assert_string_equal(model->key, "x");
    assert_int_equal(model->profiles.items[0].memory_mib, 3840);
    assert_int_equal(model->mixed.n, 2);
    assert_int_equal(model->types.items[0].gi_profile_id, 19);
    assert_string_equal(model->types.items[1].limit_source.text, "a document");
}

static void what_the_driver_counts_of_the_memory_adds_up(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f), 0);
    assert_int_equal(catalog_at(f->catalog, 0)->measured.mib, CAT_UNKNOWN);
    static const char at[] = "aliases: [test]";
    refused(f, at, "memory: {mib: 8000}", "memory.source: is missing");
    refused(f, at, "memory: {source: doc}", "memory.mib: is missing");
    refused(f, at, "memory: {mib: 8193, source: doc}", "is more than the board's memory_gb");
    refused(f, at, "memory: {mib: 7680, ecc_off_mib: 7000, source: doc}", "is less than with ECC");
    refused(f, at, "memory: {mib: 7680, reserved_mib: 7680, source: doc}", "is all of the memory");
    char *text = changed(good_model, at, "memory: {mib: 7680, ecc_off_mib: 8192, source: doc}");
    put(f, "x.yaml", text);
    free(text);
    assert_int_equal(load(f), 0);
    const struct cat_measured *seen = &catalog_at(f->catalog, 0)->measured;
    assert_int_equal(seen->mib, 7680);
    assert_int_equal(seen->ecc_off_mib, 8192);
    assert_int_equal(seen->reserved_mib, CAT_UNKNOWN);
    assert_string_equal(seen->source.text, "a document");
}

static void syntax_errors_name_the_line(void **state)
{
    struct fixture *f = *state;
    refused(f, "arch: ampere", "arch: [ampere", "not valid YAML");
    assert_non_null(strstr(f->err.subject, "x.yaml:3:"));
    refused(f, "arch: ampere", "name: again", "duplicate key \"name\"");
    assert_non_null(strstr(f->err.subject, "x.yaml:2:1"));
}

static void unknown_keys_name_the_nearest(void **state)
{
    struct fixture *f = *state;
    refused(f, "memory_gb", "memory_gbs",
            "unknown key \"memory_gbs\"; did you mean \"memory_gb\"?");
    refused(f, "compute_slices", "computer_slices", "mig: unknown key \"computer_slices\"");
    refused(f, "nvml: 0", "nvmle: 0",
            "mig.profiles[0]: unknown key \"nvmle\"; did you mean \"nvml\"?");
    refused(f, "max: 2, per_gi", "maxi: 2, per_gi",
            "vgpu.types[0].rows[0]: unknown key \"maxi\"; did you mean \"max\"?");
    refused(f, "confidence: vendor-doc", "confidence: certain",
            "sources.doc.confidence: \"certain\" is not a known value");
    refused(f, "arch: ampere", "arch: amper", "did you mean \"ampere\"?");
}

static void placements_must_fit(void **state)
{
    struct fixture *f = *state;
    refused(f, "at: [0, 1]", "at: [0, 2]", "1g.4gb at 2:1 is outside the GPU's 2 memory slices");
    refused(f, "at: [0, 1]", "at: [1, 0]", "the starts must ascend");
    refused(f, "at: [0, 1]", "at: [0, -1]", "must be a number of a memory slice");
    refused(f, "at: [0], mib", "at: [0, 0], mib", "the starts must ascend");
    refused(f, "at: [0, 1], gib: 3.75, max: 2", "at: [0], gib: 3.75, max: 2",
            "max is 2, but only 1 placements fit");
    refused(f, "slices: 2, size: 2, at: [0], mib: 8000, max: 1",
            "slices: 2, size: 1, at: [0, 1], mib: 8000, max: 2",
            "needs more than 2 compute slices");
    refused(f, "mib: 8000", "mib: 9000", "2g.8gb has more memory than the GPU");
    refused(f, "mib: 8000", "mib: 8000, gib: 1.5", "is given together with mib");
}

static void profiles_must_be_distinguished(void **state)
{
    struct fixture *f = *state;
    refused(f, "id: 0, nvml: 1", "id: 19, nvml: 1", "1g.4gb and 2g.8gb have the same id 19");
    refused(f, "id: 0, nvml: 1", "id: 0, nvml: 0", "have the same nvml profile 0");
    refused(f, "name: 2g.8gb", "name: 1g.4gb", "says 1");
    refused(f, "name: 2g.8gb", "name: 2g.8gb+xx", "is not like 1g.24gb");
}

static void types_must_agree_with_their_profile_and_name(void **state)
{
    struct fixture *f = *state;
    refused(f, "profile: 1g.4gb", "profile: 1g.8gb", "no GPU instance profile \"1g.8gb\"");
    refused(f, "profile: 1g.4gb", "profile: 2g.8gb",
            "2g.8gb has 2 slices, the name of X-1-4C says 1");
    refused(f, "max: 2, per_gi: 1", "max: 3, per_gi: 1",
            "2 instances of 1g.4gb with 1 each make 2");
    refused(f, "max: 2, per_gi: 1", "max: 4, per_gi: 2", "no time-slicing inside GPU instances");
    refused(f, "name: X-1-4C", "name: Y-1-4C", "is not like X-8C or X-1-8C");
    refused(f, "name: X-4Q", "name: X-1-4Q", "X-1-4Q is not a time-sliced type");
    refused(f, "name: X-4Q, id: 8, mib: 4096", "name: X-4Q, id: 8, mib: 2048", "says 4 GB");
    refused(f, "max: 2, mixed: 2", "max: 3, mixed: 2", "3 of 4096 MiB exceed");
    refused(f, "max: 2, mixed: 2", "max: 1, mixed: 2", "the mixed-size table says 2");
    refused(f, "max: 2, mixed: 2", "max: 2, mixed: 1", "the mixed-size table has 2 ids");
}

static void values_need_a_source_that_is_there(void **state)
{
    struct fixture *f = *state;
    refused(f, "{mode: mig, id_source: doc, ", "{mode: mig, ", "rows[0].id_source: is missing");
    refused(f, "pci: {source: doc", "pci: {source: dog",
            "\"dog\" is not under sources; did you mean");
    refused(f, "  placements_source: doc\n", "", "placements_source: is missing");
    refused(f, "sources:\n", "sources:\n  idle: {confidence: inferred, text: x}\n",
            "\"idle\" is never used");
}

static void broken_tables_name_their_file(void **state)
{
    struct fixture *f = *state;
    const char *file = "mixed-size/8gb.yaml";
    refused_in(f, file, changed(good_table, "ids: [0, 4]", "ids: [0, 3]"),
               "rows[1].ids: item 1 must be a placement id of at least 4");
    refused_in(f, file, changed(good_table, "ids: [0, 4]", "ids: [0, 5]"),
               "item 1 ends beyond the region of 8");
    refused_in(f, file, changed(good_table, "mib: 4096", "mib: 8192"), "not smaller");
    refused_in(f, file, changed(good_table, "region_gb", "region"), "region_gb: is missing");
    put(f, file, good_table);
    refused(f, "mixed_size_table: 8gb", "mixed_size_table: 9gb", "there is no mixed-size/9gb.yaml");
    refused(f, "memory_gb: 8", "memory_gb: 9", "is for 8 GB, the GPU has 9");
}

static void models_must_be_distinguished(void **state)
{
    struct fixture *f = *state;
    put(f, "y.yaml", "name: Test\narch: ada\n");
    assert_int_equal(load(f), -REASON_INVALID);
    assert_string_equal(f->err.message, "\"Test\" names both x and y");

    put(f, "y.yaml",
        "name: Other\narch: ada\nsources: {d: {confidence: inferred, text: t}}\n"
        "pci: {source: d, ids: [{device: 0x1000, subsystem: 1, name: N}]}\n");
    assert_int_equal(load(f), -REASON_INVALID);
    assert_string_equal(f->err.message, "x and y have the same PCI id 0x1000");

    put(f, "y.yaml",
        "name: Other\narch: ada\nsources: {d: {confidence: inferred, text: t}}\n"
        "vgpu: {prefix: Y, brand: NVIDIA, source: d, types: [\n"
        "  {mode: time-sliced, id_source: d, rows: [{name: Y-4Q, id: 8}]}]}\n");
    assert_int_equal(load(f), -REASON_INVALID);
    assert_non_null(strstr(f->err.message, "have the same id 8"));
}

static void a_folder_without_models_is_refused(void **state)
{
    struct fixture *f = *state;
    struct catalog *catalog = NULL;
    CLEANUP_FREE char *tables = xasprintf("%s/none", f->dir);
    assert_int_equal(catalog_load(tables, &catalog, &f->err), -REASON_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "cannot read the catalog"));
    assert_int_equal(fs_mkdirs(tables, 0755), 0);
    assert_int_equal(catalog_load(tables, &catalog, &f->err), -REASON_NOT_FOUND);
    assert_non_null(strstr(f->err.message, "no GPU models"));
    assert_null(catalog);
}

static void a_file_name_must_be_a_key(void **state)
{
    struct fixture *f = *state;
    put(f, "Big One.yaml", "name: Big\narch: ada\n");
    assert_int_equal(load(f), -REASON_INVALID);
    assert_non_null(strstr(f->err.message, "\"Big One\" must have lower-case letters"));
}

#define TEST_WITH_FILES(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH_FILES(a_good_file_loads),
        TEST_WITH_FILES(what_the_driver_counts_of_the_memory_adds_up),
        TEST_WITH_FILES(syntax_errors_name_the_line),
        TEST_WITH_FILES(unknown_keys_name_the_nearest),
        TEST_WITH_FILES(placements_must_fit),
        TEST_WITH_FILES(profiles_must_be_distinguished),
        TEST_WITH_FILES(types_must_agree_with_their_profile_and_name),
        TEST_WITH_FILES(values_need_a_source_that_is_there),
        TEST_WITH_FILES(broken_tables_name_their_file),
        TEST_WITH_FILES(models_must_be_distinguished),
        TEST_WITH_FILES(a_folder_without_models_is_refused),
        TEST_WITH_FILES(a_file_name_must_be_a_key),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
