/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory a language model needs while it serves requests: its weights, the keys and values
 * that it caches of each token, and what the runtime leaves free. Each term comes with its formula.
 * Pure. An estimate: what a server measures when it starts is right.
 */
#ifndef SIZING_SIZING_H
#define SIZING_SIZING_H

#include <stdint.h>

#include "base/error.h"
#include "base/words.h"

/* Of a weight, or of a cached value; names are part of the API. Blocks of llama.cpp have a scale of
 * 16 bits for each 32 weights: q8-0 takes 8.5 bits, q4-0 4.5 (ggml-org/llama.cpp, ggml-common.h).
 */
enum precision {
    PRECISION_FP32, /* "fp32" */
    PRECISION_FP16, /* "fp16" */
    PRECISION_BF16, /* "bf16" */
    PRECISION_FP8,  /* "fp8" */
    PRECISION_INT8, /* "int8" */
    PRECISION_Q8_0, /* "q8-0" */
    PRECISION_FP4,  /* "fp4" */
    PRECISION_INT4, /* "int4" */
    PRECISION_Q4_0, /* "q4-0" */
    PRECISION_COUNT
};
WORDS_DECLARE(precision, precision_words)

/* What of a model decides its size. */
struct model_shape {
    uint64_t params;    /* weights, of all experts */
    uint64_t embedding; /* of these, of token embedding and output head; 0: not known */
    uint32_t layers;    /* that cache */
    uint32_t kv_heads;  /* heads of keys and values */
    uint32_t head_dim;
    uint32_t latent; /* values per token and layer of a model that caches these alone; 0: none */
};

struct sizing_question {
    struct model_shape shape;
    enum precision weights;
    enum precision cache;
    uint32_t context;     /* tokens of one request, prompt and answer */
    uint32_t concurrency; /* requests at once */
    uint32_t gpus;        /* over which the model is split by tensor parallelism; 0: 1 */
};

enum sizing_part {
    SIZING_WEIGHTS,
    SIZING_SCALES, /* of blocks of quantized weights */
    SIZING_KEPT,   /* what embedding and head take beyond that, as they stay at 16 bits */
    SIZING_CACHE,
    SIZING_RUNTIME,
    SIZING_PARTS
};
struct sizing_term {
    uint64_t bytes;    /* on one GPU; 0: there is none, and no formula */
    char formula[192]; /* with the numbers filled in */
};
struct sizing {
    struct sizing_term terms[SIZING_PARTS];
    uint64_t bytes; /* all of them: what one GPU needs */
};
const char *sizing_part_name(enum sizing_part part);

/* The limits of a question; what is beyond them is no model of today, and would overflow. */
#define SIZING_PARAMS_MAX UINT64_C(100000000000000)
#define SIZING_LAYERS_MAX 10000
#define SIZING_HEADS_MAX 10000
#define SIZING_CONTEXT_MAX (64 * 1024 * 1024)
#define SIZING_CONCURRENCY_MAX 100000
#define SIZING_GPUS_MAX 16

/* -INVALID where a number is 0 or beyond its limit. */
int sizing_estimate(const struct sizing_question *question, struct sizing *ret_sizing,
                    struct error *err);
/* Rounded up. */
uint64_t sizing_mib(const struct sizing *sizing);

/* "8B", "70.6B", "1.5T", "500M": a number of weights. -INVALID. */
int sizing_read_params(const char *text, uint64_t *ret_params, struct error *err);
/* "8k" (8 × 1024), "8192", "1M": a number of tokens. -INVALID. */
int sizing_read_context(const char *text, uint32_t *ret_tokens, struct error *err);

#endif
