/* SPDX-License-Identifier: Apache-2.0 */
#include "sizing/sizing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/vec.h"
#include "sizing/models.h"
#include "test.h"

static int setup(void **state)
{
    struct open_models *models = calloc(1, sizeof(*models));
    struct error err = {0};
    if (models == NULL || models_load_default(models, &err) != 0) {
        print_message("%s\n", err.message);
        free(models);
        return -1;
    }
    *state = models;
    return 0;
}

static int teardown(void **state)
{
    models_done(*state);
    free(*state);
    return 0;
}

/* Ours of what is published. */
static uint64_t estimate(const struct open_model *model, const struct published_size *published)
{
    const struct sizing_question question = {.shape = model->shape,
                                             .weights = published->precision,
                                             .cache = published->precision,
                                             .context =
                                                 published->tokens > 0 ? published->tokens : 1,
                                             .concurrency = 1};
    struct sizing sizing = {0};
    struct error err = {0};
    if (sizing_estimate(&question, &sizing, &err) != 0) {
        fail_msg("%s: %s", model->key, err.message);
    }
    return sizing.terms[published->part].bytes +
           (published->checkpoint
                ? sizing.terms[SIZING_SCALES].bytes + sizing.terms[SIZING_KEPT].bytes
                : 0);
}

/* Prints the table: `build/src/sizing/sizing_test` shows it. */
static void estimates_are_within_5_percent_of_published_figures(void **state)
{
    const struct open_models *models = *state;
    size_t with_both = 0;
    print_message("# %-18s %-9s %-5s %8s %15s %15s %7s\n", "model", "part", "as", "tokens", "ours",
                  "published", "off");
    for (vec_each(models, model)) {
        bool has[SIZING_PARTS] = {false};
        for (vec_each(&model->published, published)) {
            uint64_t ours = estimate(model, published);
            double off = 100.0 * ((double)ours / (double)published->bytes - 1.0);
            print_message("# %-18s %-9s %-5s %8u %15" PRIu64 " %15" PRIu64 " %+6.2f%%\n",
                          model->key, sizing_part_name(published->part),
                          precision_name(published->precision), published->tokens, ours,
                          published->bytes, off);
            if (off < -5.0 || off > 5.0) {
                fail_msg("%s: %s is %.2f %% off (%s)", model->key,
                         sizing_part_name(published->part), off, published->source);
            }
            has[published->part] = true;
        }
        with_both += has[SIZING_WEIGHTS] && has[SIZING_CACHE] ? 1 : 0;
    }
    assert_true(with_both >= 12);
}

static struct sizing_question llama_8b(const struct open_models *models)
{
    const struct open_model *model = NULL;
    assert_int_equal(models_find(models, "Llama-3.1-8B", &model, NULL), 0);
    return (struct sizing_question){.shape = model->shape,
                                    .weights = PRECISION_FP16,
                                    .cache = PRECISION_FP16,
                                    .context = 8192,
                                    .concurrency = 1};
}

/* The advice cases take 18 GiB for an 8B model at FP16 with 8k tokens (test/advice/cases.yaml). */
static void terms_and_formulas_add_up(void **state)
{
    const struct sizing_question question = llama_8b(*state);
    struct sizing sizing = {0};
    assert_int_equal(sizing_estimate(&question, &sizing, NULL), 0);
    assert_string_equal(sizing.terms[SIZING_WEIGHTS].formula, "8.03 billion weights × 2 bytes");
    assert_string_equal(sizing.terms[SIZING_CACHE].formula,
                        "2 × 32 layers × 8 KV heads × 128 × 2 bytes × 8192 tokens × 1 request");
    assert_true(sizing.terms[SIZING_WEIGHTS].bytes == UINT64_C(16060522496));
    assert_true(sizing.terms[SIZING_CACHE].bytes == UINT64_C(1073741824));
    uint64_t sum = 0;
    for (size_t i = 0; i < SIZING_PARTS; i++) {
        sum += sizing.terms[i].bytes;
    }
    assert_true(sum == sizing.bytes);
    assert_int_equal(sizing_mib(&sizing), 18157);
}

/* Tensor parallelism: each GPU has a part of the weights, and of the heads of keys and values. */
static void gpus_share_weights_and_cache(void **state)
{
    const struct open_models *models = *state;
    for (vec_each(models, model)) {
        struct sizing_question question = {.shape = model->shape,
                                           .weights = PRECISION_INT4,
                                           .cache = PRECISION_FP16,
                                           .context = 4096,
                                           .concurrency = 4};
        struct sizing one = {0};
        struct sizing all = {0};
        assert_int_equal(sizing_estimate(&question, &one, NULL), 0);
        for (uint32_t gpus = 2; gpus <= SIZING_GPUS_MAX; gpus *= 2) {
            bool shared = model->shape.latent == 0 && model->shape.kv_heads % gpus == 0;
            question.gpus = gpus;
            assert_int_equal(sizing_estimate(&question, &all, NULL), 0);
            assert_true(all.bytes < one.bytes);
            for (uint32_t i = 0; i <= SIZING_CACHE; i++) {
                uint64_t sum = all.terms[i].bytes * gpus;
                assert_true(sum >= one.terms[i].bytes);
                assert_true((i == SIZING_CACHE && !shared) || sum < one.terms[i].bytes + gpus);
            }
        }
    }
    struct sizing_question question = llama_8b(models);
    struct sizing sizing = {0};
    question.gpus = 2;
    assert_int_equal(sizing_estimate(&question, &sizing, NULL), 0);
    assert_string_equal(sizing.terms[SIZING_WEIGHTS].formula,
                        "8.03 billion weights × 2 bytes ÷ 2 GPUs");
    assert_string_equal(
        sizing.terms[SIZING_CACHE].formula,
        "2 × 32 layers × 4 KV heads of each GPU × 128 × 2 bytes × 8192 tokens × 1 request");
    question.gpus = SIZING_GPUS_MAX + 1;
    assert_int_equal(sizing_estimate(&question, &sizing, NULL), -REASON_INVALID);
}

static void more_of_anything_is_never_less(void **state)
{
    for (unsigned seed = 0; seed < 200; seed++) {
        struct sizing_question question = llama_8b(*state);
        struct sizing before = {0};
        struct sizing after = {0};
        question.context = 1 + seed * 997;
        question.concurrency = 1 + seed % 64;
        assert_int_equal(sizing_estimate(&question, &before, NULL), 0);
        question.context += seed % 3;
        question.concurrency += seed % 5;
        question.shape.params += seed % 7 * 1000;
        assert_int_equal(sizing_estimate(&question, &after, NULL), 0);
        assert_true(after.bytes >= before.bytes);
    }
}

static void the_largest_question_does_not_overflow(void **state)
{
    (void)state;
    const struct sizing_question question = {.shape = {.params = SIZING_PARAMS_MAX,
                                                       .layers = SIZING_LAYERS_MAX,
                                                       .kv_heads = SIZING_HEADS_MAX,
                                                       .head_dim = SIZING_HEADS_MAX},
                                             .weights = PRECISION_FP32,
                                             .cache = PRECISION_FP32,
                                             .context = SIZING_CONTEXT_MAX,
                                             .concurrency = SIZING_CONCURRENCY_MAX};
    struct sizing sizing = {0};
    assert_int_equal(sizing_estimate(&question, &sizing, NULL), 0);
    assert_true(sizing.bytes > sizing.terms[SIZING_CACHE].bytes);
}

static void numbers_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t params; /* 0: refused */
        uint32_t tokens;
    } rows[] = {
        {"8B", UINT64_C(8000000000), 0},
        {"70.6b", UINT64_C(70600000000), 0},
        {"1.5T", UINT64_C(1500000000000), 0},
        {"500M", 500000000, 0},
        {"8k", 0, 8192},
        {"8192", 0, 8192},
        {"1.5k", 0, 1536},
        {"1M", 1000000, 1048576},
        {"", 0, 0},
        {"B", 0, 0},
        {"-8B", 0, 0},
        {"8.B", 0, 0},
        {"8.1234B", 0, 0},
        {"8GB", 0, 0},
        {"99999999999999999999B", 0, 0},
        {"999999T", 0, 0},
        {"0", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t params = 0;
        uint32_t tokens = 0;
        int r = sizing_read_params(rows[i].text, &params, NULL);
        if ((r == 0) != (rows[i].params > 0) || params != rows[i].params) {
            fail_msg("\"%s\" is %" PRIu64 " parameters", rows[i].text, params);
        }
        r = sizing_read_context(rows[i].text, &tokens, NULL);
        if ((r == 0) != (rows[i].tokens > 0) || tokens != rows[i].tokens) {
            fail_msg("\"%s\" is %u tokens", rows[i].text, tokens);
        }
    }
}

static void a_number_of_0_is_refused_by_its_name(void **state)
{
    struct sizing_question question = llama_8b(*state);
    struct sizing sizing = {0};
    struct error err = {0};
    question.concurrency = 0;
    assert_int_equal(sizing_estimate(&question, &sizing, &err), -REASON_INVALID);
    assert_string_equal(err.subject, "--concurrency");
}

static void an_unknown_model_is_refused_and_the_nearest_one_found(void **state)
{
    const struct open_models *models = *state;
    const struct open_model *model = NULL;
    struct error err = {0};
    assert_int_equal(models_find(models, "gpt-9", &model, &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "llama-3.1-8b"));
    assert_string_equal(models_nearest(models, UINT64_C(71000000000))->key, "llama-3.1-70b");
    assert_string_equal(models_nearest(models, UINT64_C(1000000))->key, "llama-3.2-1b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_within_5_percent_of_published_figures),
        cmocka_unit_test(terms_and_formulas_add_up),
        cmocka_unit_test(gpus_share_weights_and_cache),
        cmocka_unit_test(more_of_anything_is_never_less),
        cmocka_unit_test(the_largest_question_does_not_overflow),
        cmocka_unit_test(numbers_are_read_as_people_write_them),
        cmocka_unit_test(a_number_of_0_is_refused_by_its_name),
        cmocka_unit_test(an_unknown_model_is_refused_and_the_nearest_one_found),
    };
    return cmocka_run_group_tests_name("sizing", tests, setup, teardown);
}
