/* SPDX-License-Identifier: Apache-2.0 */
/* Every profile and vGPU type of every board, in every spelling of docs/howto/names.md: read back
 * as the same one, or refused with the right word. */
#include "test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/board_name.h"
#include "cli/layout_words.h"
#include "loaded_catalog.h"

/* "{name}" and the like stand for the value. NULL refusal: it is read. */
struct form {
    const char *form;
    const char *refusal;
};

static const struct form profile_forms[] = {
    {"{name}", NULL},
    {"{NAME}", NULL},
    {"{also}", NULL},
    {"{id}", NULL},
    {"{name}=1", NULL},
    {"1 x {name}", NULL},
    {"{name}@{start}", NULL},
    {"{id}:{start}", NULL},
    {"{name}:{start}", NULL},
    {"MIG {name}", NULL},
    {"MIG {name} Device 0:", NULL},
    {"MIG {name}     Device  0: (UUID: MIG-5c5b2f1e-0000-5de3-91c7-45d71c87eb3f)", NULL},
    {"{k8s}", NULL},
    {"mig-{k8s}", NULL},
    {"nvidia.com/mig-{k8s}", NULL},
    {"nvidia.com/mig-{k8s}: 1", NULL},
    {"requests.nvidia.com/mig-{k8s}", NULL},
    {"limits.nvidia.com/mig-{k8s}: 1", NULL},
    {"gpu:{name}", NULL},
    {"gpu:{name}:1", NULL},
    {"gpu:{board}_{name}:1", NULL},
    {"gpu:{slurm}_{name}:1", NULL},
    {"gpu:{board}_{name}:1(S:0-15)", NULL},
    {"gres/gpu:{board}_{name}=1", NULL},
    {"gres=gpu:{name}:1", NULL},
    {"--gres=gpu:{name}:1", NULL},
    {"Type={name}", NULL},
    {"Type={board}_{name}", NULL},
    {"{name}: 2", "how a file writes a count"},
    {"{id}: 2", "how a file writes a count"},
    {"nvidia.com/mig-{k8s}.shared", "several containers use in turn"},
    {"nvidia.com/mig-{k8s}.count", "label of a Kubernetes node"},
    {"nvidia.com/mig.config=all-{k8s}", "label of a Kubernetes node"},
    {"all-{k8s}", "label of a mig-parted file"},
    {"Name=gpu Type={name} File=/dev/nvidia0", "line of Slurm's gres.conf"},
    {"MultipleFiles=/dev/nvidia0", "setting of Slurm's gres.conf"},
    {"MIG-5c5b2f1e-0000-5de3-91c7-45d71c87eb3f", "existing instance"},
    {"gpu:{slurm}:1", "a whole GPU"},
    {"nvidia.com/gpu: 1", "a whole GPU"},
    {"GPU-5c5b2f1e-0000-5de3-91c7-45d71c87eb3f", "a whole GPU"},
    {"0000:3b:00.0", "PCI address"},
};

static const struct form type_forms[] = {
    {"{full}", NULL},
    {"{FULL}", NULL},
    {"{type}", NULL},
    {"{short}", NULL},
    {"GRID {short}", NULL},
    {"NVIDIA {short}", NULL},
    {"{short}=1", NULL},
    {"1 x {short}", NULL},
    {"{id}", NULL},
    {"nvidia-{id}", NULL},
    {"/sys/class/mdev_bus/0000:3b:00.0/mdev_supported_types/nvidia-{id}", NULL},
    {"mdev=nvidia-{id}", NULL},
    {"mdev_nvidia-{id}", NULL},
    {"enabled_mdev_types = nvidia-{id}", NULL},
    {"nvidia.com/{resource}", NULL},
    {"nvidia.com/{resource}: 1", NULL},
    {"{vsphere}", NULL},
    {"{short}: 2", "how a file writes a count"},
    {"{full}:2", "this is a vGPU type"},
    {"hostpci0: 0000:3b:00.0", "setting of a Proxmox VE guest"},
    {"resources:VGPU=1", "OpenStack resource class"},
};

/* One name of the catalog and the ways to write it. "": not known, and its forms are passed over.
 */
struct values {
    char name[128], also[128], id[16], start[16], k8s[128], board[128], slurm[128];
    char full[128], type[128], short_name[128], resource[128], vsphere[128];
};

static void copy_changed(char out[128], const char *text, char from, char to, bool lower)
{
    assert_true(str_copy(out, 128, text));
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == from ? to : lower ? (char)tolower((unsigned char)*c) : *c;
    }
}

static void number(char out[16], uint32_t value)
{
    out[0] = '\0';
    if (value != CAT_UNKNOWN) {
        (void)snprintf(out, 16, "%u", value);
    }
}

/* "{name}" stands for a value; "{NAME}" for it in capitals. NULL: no such value. */
static const char *value_of(const struct values *values, const char *key)
{
    const struct {
        const char *key, *value;
    } table[] = {
        {"{name}", values->name},
        {"{also}", values->also},
        {"{id}", values->id},
        {"{start}", values->start},
        {"{k8s}", values->k8s},
        {"{board}", values->board},
        {"{slurm}", values->slurm},
        {"{full}", values->full},
        {"{type}", values->type},
        {"{short}", values->short_name},
        {"{resource}", values->resource},
        {"{vsphere}", values->vsphere},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strncasecmp(key, table[i].key, strlen(table[i].key)) == 0) {
            return table[i].value;
        }
    }
    fail_msg("\"%s\" stands for nothing", key);
    return NULL;
}

/* False if a value that it needs is not known. */
static bool expand(const char *form, const struct values *values, struct strbuf *out)
{
    for (const char *at = form; *at != '\0'; at++) {
        if (*at != '{') {
            strbuf_addf(out, "%c", *at);
            continue;
        }
        const char *value = value_of(values, at);
        bool capitals = isupper((unsigned char)at[1]);
        for (const char *c = value; *c != '\0'; c++) {
            strbuf_addf(out, "%c", capitals ? toupper((unsigned char)*c) : *c);
        }
        if (value[0] == '\0') {
            return false;
        }
        at = strchr(at, '}');
    }
    return true;
}

/* What the word means, typed as a profile or behind --vgpu. */
static int ask(const struct gpu_model *model, const char *word, bool vgpu,
               struct layout_request *request, struct error *err)
{
    struct layout_words words = {.help = false};
    *(vgpu ? &words.vgpus[0] : &words.wanted[0]) = word;
    *(vgpu ? &words.n_vgpus : &words.n_wanted) = 1;
    return layout_words_request(&words, model, request, err);
}

static void assert_refused(const struct gpu_model *model, const char *word, bool vgpu,
                           const char *refusal)
{
    struct layout_request request;
    struct error err = {.message = ""};
    if (ask(model, word, vgpu, &request, &err) == 0 || strstr(err.message, refusal) == NULL) {
        fail_msg("%s, \"%s\": \"%s\" is not in \"%s\"", model->key, word, refusal, err.message);
    }
}

/* ---- profiles ---- */

static void assert_profile(const struct gpu_model *model, const char *word,
                           const struct cat_profile *profile, uint32_t slices)
{
    struct layout_request request;
    struct error err = {.message = ""};
    if (ask(model, word, false, &request, &err) != 0) {
        fail_msg("%s, \"%s\": %s", model->key, word, err.message);
    }
    const struct layout_gi *gi = &request.gis.items[0];
    uint32_t read = request.compute[0].n > 0 ? request.compute[0].slices[0] : 0;
    if (request.gis.n != 1 || gi->profile != profile || read != slices) {
        fail_msg("%s, \"%s\": %u of %s, %uc", model->key, word, request.gis.n, gi->profile->name,
                 read);
    }
}

static void values_of_profile(const struct gpu_model *model, const struct cat_profile *profile,
                              struct values *values)
{
    *values = (struct values){.name = ""};
    assert_true(STR_SET(values->name, profile->name));
    assert_true(STR_SET(values->also, profile->also[0] != NULL ? profile->also[0] : ""));
    number(values->id, profile->id);
    number(values->start, profile->n_placements > 0 ? profile->placements[0].start : CAT_UNKNOWN);
    copy_changed(values->k8s, profile->name, '+', '.', false);
    assert_true(STR_SET(values->board, model->key));
    values->board[strcspn(values->board, "-")] = '\0';
    if (model->pci_ids.n > 0) {
        copy_changed(values->slurm, model->pci_ids.items[0].name, ' ', '_', true);
    }
}

static void every_profile_is_read_back_from_every_spelling(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        for (vec_each(&model->profiles, profile)) {
            struct values values;
            values_of_profile(model, profile, &values);
            for (size_t k = 0; k < ARRAY_SIZE(profile_forms); k++) {
                CLEANUP_STRBUF struct strbuf word = {0};
                if (!expand(profile_forms[k].form, &values, &word)) {
                    continue;
                }
                n++;
                if (profile_forms[k].refusal == NULL) {
                    assert_profile(model, strbuf_str(&word), profile, 0);
                } else {
                    assert_refused(model, strbuf_str(&word), false, profile_forms[k].refusal);
                }
            }
        }
    }
    assert_true(n > 5000);
}

static void every_compute_profile_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        for (vec_each(&model->profiles, profile)) {
            for (uint32_t slices = 1; slices <= profile->compute_slices; slices++) {
                CLEANUP_FREE char *word = xasprintf("%uc.%s", slices, profile->name);
                CLEANUP_FREE char *mig = xasprintf("MIG %s Device 0:", word);
                bool whole = slices == profile->compute_slices;
                if (profile_has_compute(profile, slices)) {
                    assert_profile(model, word, profile, whole ? 0 : slices);
                    assert_profile(model, mig, profile, whole ? 0 : slices);
                } else {
                    assert_refused(model, word, false, "has no compute profile");
                }
            }
        }
    }
}

/* ---- types ---- */

static void assert_type(const struct gpu_model *model, const char *word,
                        const struct cat_vgpu_type *type)
{
    struct layout_request request;
    struct error err = {.message = ""};
    if (ask(model, word, true, &request, &err) != 0) {
        fail_msg("%s, \"%s\": %s", model->key, word, err.message);
    }
    if (request.vgpus.n != 1 || request.vgpus.items[0].type != type) {
        fail_msg("%s, \"%s\": %u of %s", model->key, word, request.vgpus.n,
                 request.vgpus.items[0].type->name);
    }
}

static void values_of_type(const struct cat_vgpu_type *type, struct values *values)
{
    *values = (struct values){.name = ""};
    assert_true(STR_SET(values->full, type->full_name));
    assert_true(STR_SET(values->type, type->name));
    assert_true(STR_SET(values->short_name, cat_short_type(type->name)));
    number(values->id, type->type_id);
    copy_changed(values->resource, type->full_name, ' ', '_', false);
    copy_changed(values->vsphere, type->full_name, ' ', '_', true);
}

/* A type without a series letter is taken in full, or by its id. */
static bool may_be_short_of(const struct cat_vgpu_type *type, const char *form)
{
    return type->series != 'G' ||
           (strstr(form, "{short}") == NULL && strstr(form, "{type}") == NULL);
}

static void every_type_is_read_back_from_every_spelling(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        for (vec_each(&model->types, type)) {
            struct values values;
            values_of_type(type, &values);
            for (size_t k = 0; k < ARRAY_SIZE(type_forms); k++) {
                CLEANUP_STRBUF struct strbuf word = {0};
                if (!expand(type_forms[k].form, &values, &word)) {
                    continue;
                }
                n++;
                if (type_forms[k].refusal != NULL) {
                    assert_refused(model, strbuf_str(&word), true, type_forms[k].refusal);
                } else if (may_be_short_of(type, type_forms[k].form)) {
                    assert_type(model, strbuf_str(&word), type);
                } else {
                    assert_refused(model, strbuf_str(&word), true, "lacks the series letter");
                }
            }
        }
    }
    assert_true(n > 10000);
}

/* ---- the page ---- */

static void assert_on_page(const char *page, const struct form *forms, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *quoted = xasprintf("`%s`", forms[i].form);
        if (strstr(page, quoted) == NULL) {
            fail_msg("docs/howto/names.md lacks %s", quoted);
        }
    }
}

static void the_page_has_every_spelling(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = xasprintf("%s/docs/howto/names.md", getenv("CLEAVE_SOURCE"));
    CLEANUP_FREE char *page = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(path, 1 << 20, &page, &len), 0);
    assert_on_page(page, profile_forms, ARRAY_SIZE(profile_forms));
    assert_on_page(page, type_forms, ARRAY_SIZE(type_forms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_is_read_back_from_every_spelling),
        cmocka_unit_test(every_compute_profile_is_read_back),
        cmocka_unit_test(every_type_is_read_back_from_every_spelling),
        cmocka_unit_test(the_page_has_every_spelling),
    };
    return cmocka_run_group_tests(tests, load_catalog, unload_catalog);
}
