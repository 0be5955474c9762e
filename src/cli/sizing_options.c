/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sizing_options.h"

#include <stdio.h>

#include "base/json.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"
#include "cli/need_words.h"
#include "cli/prose.h"
#include "cli/text.h"
#include "cli/view.h"
#include "sizing/models.h"

#define CONTEXT_DEFAULT 4096
#define TERM_WIDTH 25 /* the column where formulas begin */

/* The options in the order of SIZING_OPTIONS. */
enum option {
    OPTION_MODEL,
    OPTION_PARAMS,
    OPTION_PRECISION,
    OPTION_CACHE,
    OPTION_CONTEXT,
    OPTION_CONCURRENCY,
    OPTION_LAYERS,
    OPTION_KV_HEADS,
    OPTION_HEAD_DIM,
    OPTION_COUNT
};
static const char *const names[OPTION_COUNT] = {"model",           "model-params", "precision",
                                                "cache-precision", "context",      "concurrency",
                                                "layers",          "kv-heads",     "head-dim"};

struct given {
    const char *values[OPTION_COUNT]; /* NULL: not given */
};

static struct given find_given(const struct arguments *arguments)
{
    struct given given = {0};
    const struct command *command = arguments->command;
    for (size_t i = 0; i < command->n_options; i++) {
        for (size_t k = 0; k < OPTION_COUNT; k++) {
            if (str_eq(command->options[i].name, names[k])) {
                given.values[k] = arguments->values[i];
            }
        }
    }
    return given;
}

static int read_number(const struct given *given, enum option option, uint32_t *ret_number,
                       struct error *err)
{
    const char *text = given->values[option];
    if (text == NULL || (parse_u32(text, ret_number) && *ret_number > 0)) {
        return 0;
    }
    return error_set(err, REASON_INVALID, names[option], "--%s takes a number, not \"%.40s\"",
                     names[option], text);
}

static int read_precision(const struct given *given, enum option option,
                          enum precision *ret_precision, struct error *err)
{
    const char *text = given->values[option];
    uint32_t value = PRECISION_FP16;
    char name[24];
    snprintf(name, sizeof(name), "--%s", names[option]);
    int r = text == NULL ? 0 : need_read_word(name, text, &precision_words, &value, err);
    *ret_precision = (enum precision)value;
    return r;
}

/* ---- the model ---- */

/* `shape_of`: the model whose shape it has. */
static int find_shape(const struct given *given, const struct open_models *models,
                      struct model_shape *ret_shape, const struct open_model **ret_shape_of,
                      struct error *err)
{
    const char *name = given->values[OPTION_MODEL];
    if (name != NULL && given->values[OPTION_PARAMS] != NULL) {
        return error_set(err, REASON_INVALID, "--model-params",
                         "--model says how many weights it has: leave --model-params out");
    }
    uint64_t params = 0;
    int r = name != NULL ? models_find(models, name, ret_shape_of, err)
                         : sizing_read_params(given->values[OPTION_PARAMS], &params, err);
    if (r != 0) {
        return r;
    }
    if (name == NULL) {
        *ret_shape_of = models_nearest(models, params);
    }
    *ret_shape = *ret_shape_of != NULL ? (*ret_shape_of)->shape : (struct model_shape){0};
    ret_shape->params = name == NULL ? params : ret_shape->params;
    return 0;
}

/* The shape as it is given replaces that of the model. */
static int read_shape(const struct given *given, struct model_shape *shape, struct error *err)
{
    if (given->values[OPTION_KV_HEADS] != NULL || given->values[OPTION_HEAD_DIM] != NULL) {
        shape->latent = 0;
    }
    int r = read_number(given, OPTION_LAYERS, &shape->layers, err);
    r = r != 0 ? r : read_number(given, OPTION_KV_HEADS, &shape->kv_heads, err);
    return r != 0 ? r : read_number(given, OPTION_HEAD_DIM, &shape->head_dim, err);
}

static bool is_guessed(const struct given *given)
{
    return given->values[OPTION_MODEL] == NULL &&
           (given->values[OPTION_LAYERS] == NULL || given->values[OPTION_KV_HEADS] == NULL ||
            given->values[OPTION_HEAD_DIM] == NULL);
}

static int read_question(const struct given *given, const struct open_models *models,
                         struct sizing_question *question, const struct open_model **ret_shape_of,
                         struct error *err)
{
    const char *context = given->values[OPTION_CONTEXT];
    question->context = CONTEXT_DEFAULT;
    question->concurrency = 1;
    int r = find_shape(given, models, &question->shape, ret_shape_of, err);
    r = r != 0 ? r : read_shape(given, &question->shape, err);
    r = r != 0 ? r : read_precision(given, OPTION_PRECISION, &question->weights, err);
    r = r != 0 ? r : read_precision(given, OPTION_CACHE, &question->cache, err);
    r = r != 0 ? r : read_number(given, OPTION_CONCURRENCY, &question->concurrency, err);
    if (r == 0 && context != NULL) {
        r = sizing_read_context(context, &question->context, err);
    }
    const struct open_model *model = *ret_shape_of;
    if (r == 0 && given->values[OPTION_MODEL] != NULL && question->context > model->context) {
        error_set(err, REASON_INVALID, "--context", "%s was trained for %u tokens, not %u",
                  model->name, model->context, question->context);
        r = -REASON_INVALID;
    }
    return r;
}

/* ---- the answer ---- */

static json_t *terms_to_json(const struct sizing *sizing)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < SIZING_PARTS; i++) {
        const struct sizing_term *term = &sizing->terms[i];
        if (term->bytes == 0) {
            continue;
        }
        json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name",
                                              sizing_part_name((enum sizing_part)i), "bytes",
                                              (json_int_t)term->bytes, "formula", term->formula));
    }
    return list;
}

static json_t *sizing_to_json(const struct sizing *sizing, uint32_t gpus, const struct given *given,
                              const struct open_model *shape_of)
{
    const char *name = given->values[OPTION_MODEL] != NULL ? shape_of->name : NULL;
    const char *guess = is_guessed(given) && shape_of != NULL ? shape_of->name : NULL;
    return json_pack("{s:s?, s:i, s:s?, s:o, s:I, s:I}", "model", name, "gpus", (int)gpus,
                     "shapeOf", guess, "terms", terms_to_json(sizing), "bytes",
                     (json_int_t)sizing->bytes, "mib", (json_int_t)sizing_mib(sizing));
}

static int refuse_stray(const struct given *given, struct error *err)
{
    for (size_t i = OPTION_PRECISION; i < OPTION_COUNT; i++) {
        if (given->values[i] != NULL) {
            return error_set(err, REASON_INVALID, names[i],
                             "--%s says something of a model: give --model or --model-params, too",
                             names[i]);
        }
    }
    return 0;
}

static int set_memory(const struct sizing *sizing, struct need *need, struct error *err)
{
    uint64_t mib = sizing_mib(sizing);
    if (need->memory_mib != 0) {
        return error_set(err, REASON_INVALID, "--memory",
                         "the memory follows from the model: leave --memory out");
    }
    need->memory_mib = (uint32_t)(mib > UINT32_MAX / 2 ? UINT32_MAX / 2 : mib);
    need->usable_memory = need->consumer == CONSUMER_VM;
    return 0;
}

int sizing_options_read(const struct arguments *arguments, struct need *need, json_t **ret_sizing,
                        struct error *err)
{
    const struct given given = find_given(arguments);
    if (given.values[OPTION_MODEL] == NULL && given.values[OPTION_PARAMS] == NULL) {
        return refuse_stray(&given, err);
    }
    struct open_models models = {0};
    struct sizing_question question = {0};
    const struct open_model *shape_of = NULL;
    struct sizing sizing = {0};
    int r = models_load_default(&models, err);
    r = r != 0 ? r : read_question(&given, &models, &question, &shape_of, err);
    question.gpus = need->gpus;
    r = r != 0 ? r : sizing_estimate(&question, &sizing, err);
    r = r != 0 ? r : set_memory(&sizing, need, err);
    if (r == 0) {
        *ret_sizing = sizing_to_json(&sizing, need->gpus > 1 ? need->gpus : 1, &given, shape_of);
    }
    models_done(&models);
    return r;
}

/* ---- for people ---- */

static const char *gib_text(int64_t bytes, char out[VIEW_SIZE])
{
    snprintf(out, VIEW_SIZE, "%.1f GiB", (double)bytes / (1024.0 * 1024 * 1024));
    return out;
}

static void print_term(const json_t *term, size_t width)
{
    char size[VIEW_SIZE];
    CLEANUP_STRBUF struct strbuf formula = {0};
    text_wrap(view_text(term, "formula", ""),
              width > 2 * TERM_WIDTH ? width - TERM_WIDTH : TEXT_WITHOUT_END,
              "\n                         ", &formula);
    printf("  %-9s %10s  %s\n", view_text(term, "name", ""),
           gib_text(view_int(term, "bytes", 0), size), strbuf_str(&formula));
}

void sizing_print(const json_t *sizing, size_t width)
{
    char size[VIEW_SIZE];
    const json_t *terms = json_object_get(sizing, "terms");
    printf("Memory of %s:\n", view_text(sizing, "model", "the model"));
    for (size_t i = 0; i < json_array_size(terms); i++) {
        print_term(json_array_get(terms, i), width);
    }
    int64_t gpus = view_int(sizing, "gpus", 1);
    printf("  %-9s %10s  as the guest must see it%s\n", "together",
           gib_text(view_int(sizing, "bytes", 0), size), gpus > 1 ? ", on each GPU" : "");
    const char *guess = view_text(sizing, "shapeOf", NULL);
    if (guess != NULL) {
        prose_print_indented(width, 2,
                             "Layers, heads and their size are those of %s, the nearest known "
                             "model. Give --layers, --kv-heads and --head-dim if yours differ.",
                             guess);
    }
    printf("\n");
}
