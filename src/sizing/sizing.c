/* SPDX-License-Identifier: Apache-2.0 */
#include "sizing/sizing.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

WORDS_DEFINE(precision_words, "precision", PRECISION_COUNT, WORD(PRECISION_FP32, "fp32"),
             WORD(PRECISION_FP16, "fp16"), WORD(PRECISION_BF16, "bf16"), WORD(PRECISION_FP8, "fp8"),
             WORD(PRECISION_INT8, "int8"), WORD(PRECISION_Q8_0, "q8-0"), WORD(PRECISION_FP4, "fp4"),
             WORD(PRECISION_INT4, "int4"), WORD(PRECISION_Q4_0, "q4-0"))

/* Sixteenths of a byte, so that all are whole numbers. */
static const struct {
    uint8_t sixteenths;
    const char *text;
} sizes[PRECISION_COUNT] = {
    [PRECISION_FP32] = {64, "4 bytes"},     [PRECISION_FP16] = {32, "2 bytes"},
    [PRECISION_BF16] = {32, "2 bytes"},     [PRECISION_FP8] = {16, "1 byte"},
    [PRECISION_INT8] = {16, "1 byte"},      [PRECISION_Q8_0] = {17, "1.0625 bytes"},
    [PRECISION_FP4] = {8, "half a byte"},   [PRECISION_INT4] = {8, "half a byte"},
    [PRECISION_Q4_0] = {9, "0.5625 bytes"},
};

/* What blocks of quantized weights carry besides. AWQ and GPTQ: for each 128 a scale of 16 bits and
 * a zero of 4 (AutoAWQ and AutoGPTQ, group_size 128); NVFP4: for each 16 a scale of 8 bits (NVIDIA,
 * "Introducing NVFP4"). Both leave embedding and head at 16 bits (RedHatAI's cards of
 * Llama 3.1 8B w4a16: only linear operators within transformer blocks are quantized). */
static const struct {
    uint32_t block;
    uint32_t half_bytes; /* for each block */
    const char *text;
    bool keeps; /* embedding and head stay at 16 bits */
} quantized[PRECISION_COUNT] = {
    [PRECISION_INT4] = {128, 5, "2.5 bytes for each 128", true},
    [PRECISION_FP4] = {16, 2, "1 byte for each 16", true},
    [PRECISION_FP8] = {.keeps = true},
    [PRECISION_INT8] = {.keeps = true},
};

/* vLLM gives itself nine tenths of what the GPU has, by default (docs.vllm.ai, engine
 * arguments, gpu_memory_utilization 0.9 when these figures were taken); the rest is for CUDA's
 * context, graphs and activations at their peak. */
#define RUNTIME_SHARE 10

const char *sizing_part_name(enum sizing_part part)
{
    static const char *const names[SIZING_PARTS] = {[SIZING_WEIGHTS] = "weights",
                                                    [SIZING_SCALES] = "scales",
                                                    [SIZING_KEPT] = "16 bits",
                                                    [SIZING_CACHE] = "KV cache",
                                                    [SIZING_RUNTIME] = "runtime"};
    return names[part];
}

static uint64_t bytes_of(uint64_t values, enum precision precision)
{
    return values / 16 * sizes[precision].sixteenths +
           (values % 16 * sizes[precision].sixteenths + 15) / 16;
}

static int check(const char *name, uint64_t value, uint64_t max, struct error *err)
{
    if (value >= 1 && value <= max) {
        return 0;
    }
    return error_set(err, REASON_INVALID, name, "%s is %" PRIu64 ", and must be 1 to %" PRIu64,
                     name, value, max);
}

static int check_question(const struct sizing_question *question, struct error *err)
{
    const struct model_shape *shape = &question->shape;
    const struct {
        const char *name;
        uint64_t value, max;
    } rows[] = {
        {"--model-params", shape->params, SIZING_PARAMS_MAX},
        {"--layers", shape->layers, SIZING_LAYERS_MAX},
        {"--kv-heads", shape->latent > 0 ? 1 : shape->kv_heads, SIZING_HEADS_MAX},
        {"--head-dim", shape->latent > 0 ? shape->latent : shape->head_dim, SIZING_HEADS_MAX},
        {"--context", question->context, SIZING_CONTEXT_MAX},
        {"--concurrency", question->concurrency, SIZING_CONCURRENCY_MAX},
        {"--gpus", question->gpus > 1 ? question->gpus : 1, SIZING_GPUS_MAX},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++) {
        r = check(rows[i].name, rows[i].value, rows[i].max, err);
    }
    return r;
}

/* "8.03 billion"; "500 million". */
static const char *params_text(uint64_t params, char *out, size_t size)
{
    if (params >= 1000000000) {
        snprintf(out, size, "%.4g billion", (double)params / 1e9);
    } else {
        snprintf(out, size, "%.4g million", (double)params / 1e6);
    }
    return out;
}

static uint64_t part_of(uint64_t bytes, uint32_t gpus)
{
    return bytes / gpus + (bytes % gpus > 0 ? 1 : 0);
}

/* " ÷ 2 GPUs". */
static const char *split_text(uint32_t gpus, char *out, size_t size)
{
    out[0] = '\0';
    if (gpus > 1) {
        snprintf(out, size, " ÷ %u GPUs", gpus);
    }
    return out;
}

static void estimate_weights(const struct sizing_question *question, uint32_t gpus,
                             struct sizing_term terms[SIZING_PARTS])
{
    char params[32];
    char split[24];
    uint64_t count = question->shape.params;
    uint64_t kept = question->shape.embedding;
    uint32_t block = quantized[question->weights].block;
    struct sizing_term *term = &terms[SIZING_WEIGHTS];
    split_text(gpus, split, sizeof(split));
    term->bytes = part_of(bytes_of(count, question->weights), gpus);
    snprintf(term->formula, sizeof(term->formula), "%s weights × %s%s",
             params_text(count, params, sizeof(params)), sizes[question->weights].text, split);
    if (block > 0) {
        term = &terms[SIZING_SCALES];
        term->bytes =
            part_of((count / block + 1) * quantized[question->weights].half_bytes / 2, gpus);
        snprintf(term->formula, sizeof(term->formula), "%s weights × %s%s", params,
                 quantized[question->weights].text, split);
    }
    if (quantized[question->weights].keeps && kept > 0 && kept <= count) {
        term = &terms[SIZING_KEPT];
        term->bytes =
            part_of(bytes_of(kept, PRECISION_FP16) - bytes_of(kept, question->weights), gpus);
        snprintf(term->formula, sizeof(term->formula),
                 "%s weights of embedding and head × 2 bytes instead of %s%s",
                 params_text(kept, params, sizeof(params)), sizes[question->weights].text, split);
    }
}

/* At most 2 × 10^4 layers × 10^4 heads × 10^4 × 2^26 tokens × 10^5: a product beyond 64 bits is
 * taken for the largest number. */
static void estimate_cache(const struct sizing_question *question, uint32_t gpus,
                           struct sizing_term *term)
{
    const struct model_shape *shape = &question->shape;
    /* Each GPU has some of the heads, and at least one; one latent vector is on all of them (vLLM,
     * ModelConfig.get_num_kv_heads(), and its attention backends for MLA). */
    uint32_t heads = (shape->kv_heads + gpus - 1) / gpus;
    uint64_t a_token = shape->latent > 0 ? (uint64_t)shape->layers * shape->latent
                                         : 2 * (uint64_t)shape->layers * heads * shape->head_dim;
    uint64_t tokens = (uint64_t)question->context * question->concurrency;
    uint64_t bytes_a_token = bytes_of(a_token, question->cache);
    if (__builtin_mul_overflow(bytes_a_token, tokens, &term->bytes) ||
        term->bytes > UINT64_MAX / 16) {
        term->bytes = UINT64_MAX / 16;
    }
    const char *requests = question->concurrency == 1 ? "request" : "requests";
    if (shape->latent > 0) {
        snprintf(term->formula, sizeof(term->formula),
                 "%u layers × %u values × %s × %u tokens × %u %s%s", shape->layers, shape->latent,
                 sizes[question->cache].text, question->context, question->concurrency, requests,
                 gpus > 1 ? ", on each GPU" : "");
    } else {
        snprintf(term->formula, sizeof(term->formula),
                 "2 × %u layers × %u KV heads%s × %u × %s × %u tokens × %u %s", shape->layers,
                 heads, gpus > 1 ? " of each GPU" : "", shape->head_dim,
                 sizes[question->cache].text, question->context, question->concurrency, requests);
    }
}

int sizing_estimate(const struct sizing_question *question, struct sizing *ret_sizing,
                    struct error *err)
{
    int r = check_question(question, err);
    if (r != 0) {
        return r;
    }
    struct sizing sizing = {0};
    uint32_t gpus = question->gpus > 1 ? question->gpus : 1;
    estimate_weights(question, gpus, sizing.terms);
    estimate_cache(question, gpus, &sizing.terms[SIZING_CACHE]);
    uint64_t both = 0;
    for (uint32_t i = 0; i < SIZING_RUNTIME; i++) {
        both += sizing.terms[i].bytes;
    }
    struct sizing_term *runtime = &sizing.terms[SIZING_RUNTIME];
    runtime->bytes = (both + RUNTIME_SHARE - 2) / (RUNTIME_SHARE - 1);
    STR_SET(runtime->formula, "a tenth of all, which vLLM leaves free by default");
    sizing.bytes = both + runtime->bytes;
    *ret_sizing = sizing;
    return 0;
}

uint64_t sizing_mib(const struct sizing *sizing)
{
    const uint64_t mib = 1024 * 1024;
    return sizing->bytes / mib + (sizing->bytes % mib > 0 ? 1 : 0);
}

/* ---- numbers as people write them ---- */

struct suffix {
    const char *text;
    uint64_t factor;
};

/* "70.6B": digits, a point with up to three more, and one of the suffixes. */
static bool read_number(const char *text, const struct suffix *suffixes, size_t n,
                        uint64_t *ret_value)
{
    char digits[16];
    uint64_t whole = 0;
    size_t len = strspn(text, "0123456789");
    snprintf(digits, sizeof(digits), "%.*s", (int)(len < sizeof(digits) ? len : 0), text);
    if (!parse_u64(digits, &whole)) {
        return false;
    }
    const char *at = text + len;
    uint64_t thousandths = 0;
    if (*at == '.') {
        size_t more = strspn(at + 1, "0123456789");
        if (more < 1 || more > 3) {
            return false;
        }
        for (size_t i = 0; i < 3; i++) {
            thousandths = thousandths * 10 + (i < more ? (uint64_t)(at[1 + i] - '0') : 0);
        }
        at += 1 + more;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t scaled = 0;
        if (!str_eq_case(at, suffixes[i].text)) {
            continue;
        }
        return !__builtin_mul_overflow(whole, suffixes[i].factor, &scaled) &&
               !__builtin_add_overflow(scaled, suffixes[i].factor * thousandths / 1000,
                                       ret_value) &&
               (thousandths == 0 || suffixes[i].factor >= 1000);
    }
    return false;
}

int sizing_read_params(const char *text, uint64_t *ret_params, struct error *err)
{
    static const struct suffix suffixes[] = {
        {"", 1}, {"M", 1000000}, {"B", 1000000000}, {"T", UINT64_C(1000000000000)}};
    uint64_t value = 0;
    if (read_number(text, suffixes, ARRAY_SIZE(suffixes), &value) && value >= 1000000 &&
        value <= SIZING_PARAMS_MAX) {
        *ret_params = value;
        return 0;
    }
    error_set(err, REASON_INVALID, "--model-params", "\"%.40s\" is no number of parameters", text);
    error_hint(err, "such as 8B, 70.6B or 500M");
    return -REASON_INVALID;
}

int sizing_read_context(const char *text, uint32_t *ret_tokens, struct error *err)
{
    static const struct suffix suffixes[] = {{"", 1}, {"k", 1024}, {"M", UINT64_C(1024) * 1024}};
    uint64_t value = 0;
    if (read_number(text, suffixes, ARRAY_SIZE(suffixes), &value) && value >= 1 &&
        value <= SIZING_CONTEXT_MAX) {
        *ret_tokens = (uint32_t)value;
        return 0;
    }
    error_set(err, REASON_INVALID, "--context", "\"%.40s\" is no number of tokens", text);
    error_hint(err, "such as 8192, or 8k (8 × 1024)");
    return -REASON_INVALID;
}
