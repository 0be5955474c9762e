/* SPDX-License-Identifier: Apache-2.0 */
#include "sizing/models.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#define MODELS_MAX 512
#define PUBLISHED_MAX 16

static void read_published(struct reader *outer, size_t index, const json_t *json,
                           struct published_size *published)
{
    char path[200];
    struct reader r;
    reader_init(&r, json, outer->origin,
                reader_path(outer, "published", (int)index, path, sizeof(path)), outer->err);
    int weights = reader_word_or(&r, "weights", &precision_words, -1);
    int cache = reader_word_or(&r, "cache", &precision_words, -1);
    int checkpoint = reader_word_or(&r, "checkpoint", &precision_words, -1);
    if (r.result == 0 && (weights >= 0) + (cache >= 0) + (checkpoint >= 0) != 1) {
        reader_fail(&r, "weights", "one of weights, checkpoint and cache has a precision");
    }
    published->checkpoint = checkpoint >= 0;
    weights = checkpoint >= 0 ? checkpoint : weights;
    published->part = weights >= 0 ? SIZING_WEIGHTS : SIZING_CACHE;
    published->precision = (enum precision)(weights >= 0 ? weights : cache);
    published->tokens = (uint32_t)reader_int_or(&r, "tokens", 1, SIZING_CONTEXT_MAX, 0);
    published->bytes = (uint64_t)reader_int(&r, "bytes", 1, INT64_MAX / 16);
    const char *source = reader_str(&r, "source", sizeof(published->source) - 1);
    STR_SET(published->source, source == NULL ? "" : source);
    if (r.result == 0 && (published->part == SIZING_CACHE) != (published->tokens > 0)) {
        reader_fail(&r, "tokens", "a cache has tokens, and weights have none");
    }
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_shape(struct reader *r, struct model_shape *shape)
{
    shape->params = (uint64_t)reader_int(r, "params", 1, (int64_t)SIZING_PARAMS_MAX);
    shape->embedding = (uint64_t)reader_int_or(r, "embedding", 1, (int64_t)SIZING_PARAMS_MAX, 0);
    shape->layers = (uint32_t)reader_int(r, "layers", 1, SIZING_LAYERS_MAX);
    shape->latent = (uint32_t)reader_int_or(r, "latent", 1, SIZING_HEADS_MAX, 0);
    if (shape->latent == 0) {
        shape->kv_heads = (uint32_t)reader_int(r, "kv-heads", 1, SIZING_HEADS_MAX);
        shape->head_dim = (uint32_t)reader_int(r, "head-dim", 1, SIZING_HEADS_MAX);
    }
}

static int read_model(struct reader *outer, size_t index, const json_t *json,
                      struct open_model *model)
{
    char path[200];
    struct reader r;
    reader_init(&r, json, outer->origin,
                reader_path(outer, "models", (int)index, path, sizeof(path)), outer->err);
    const char *key = reader_str(&r, "key", sizeof(model->key) - 1);
    const char *name = reader_str(&r, "name", sizeof(model->name) - 1);
    const char *source = reader_str(&r, "source", sizeof(model->source) - 1);
    read_shape(&r, &model->shape);
    model->context = (uint32_t)reader_int(&r, "context", 1, SIZING_CONTEXT_MAX);
    STR_SET(model->key, key == NULL ? "" : key);
    STR_SET(model->name, name == NULL ? "" : name);
    STR_SET(model->source, source == NULL ? "" : source);
    const json_t *published = reader_array_or_null(&r, "published", PUBLISHED_MAX);
    for (size_t i = 0; r.result == 0 && i < json_array_size(published); i++) {
        read_published(&r, i, json_array_get(published, i), vec_push(&model->published));
    }
    return reader_end(&r);
}

int models_load(const char *path, struct open_models *ret_models, struct error *err)
{
    struct error problem = {0};
    CLEANUP_JSON json_t *json = NULL;
    int result = json_read_file(path, &json, &problem);
    if (result == 0) {
        struct reader r;
        reader_init(&r, json, path, "", &problem);
        const json_t *list = reader_array(&r, "models", MODELS_MAX);
        result = reader_end(&r);
        for (size_t i = 0; result == 0 && i < json_array_size(list); i++) {
            result = read_model(&r, i, json_array_get(list, i), vec_push(ret_models));
        }
    }
    if (result != 0) {
        models_done(ret_models);
        if (err != NULL) {
            *err = problem;
        }
    }
    return result;
}

int models_load_default(struct open_models *ret_models, struct error *err)
{
    const char *datadir = getenv("CLEAVE_DATADIR");
    CLEANUP_FREE char *path =
        xasprintf("%s/models.yaml", datadir != NULL ? datadir : CLEAVE_DATADIR);
    return models_load(path, ret_models, err);
}

void models_done(struct open_models *models)
{
    for (vec_each(models, model)) {
        vec_done(&model->published);
    }
    vec_done(models);
}

int models_find(const struct open_models *models, const char *key,
                const struct open_model **ret_model, struct error *err)
{
    CLEANUP_STRBUF struct strbuf names = {0};
    for (vec_each(models, model)) {
        if (str_eq_case(model->key, key)) {
            *ret_model = model;
            return 0;
        }
        strbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", model->key);
    }
    error_set(err, REASON_NOT_FOUND, key, "there is no model \"%.40s\" in data/models.yaml", key);
    error_hint(err, "known are %s; give another one's size: `--model-params 8B`",
               strbuf_str(&names));
    return -REASON_NOT_FOUND;
}

/* How many times the larger is the smaller one. */
static double ratio(uint64_t a, uint64_t b)
{
    return a > b ? (double)a / (double)b : (double)b / (double)a;
}

const struct open_model *models_nearest(const struct open_models *models, uint64_t params)
{
    const struct open_model *nearest = NULL;
    for (vec_each(models, model)) {
        if (nearest == NULL ||
            ratio(model->shape.params, params) < ratio(nearest->shape.params, params)) {
            nearest = model;
        }
    }
    return nearest;
}
