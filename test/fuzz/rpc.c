/* SPDX-License-Identifier: Apache-2.0 */
/* NVML requests to the simulated host, one after the other: whatever they hold, the answer is
 * well-formed, a refused change changes nothing, and boards stay possible. The first byte picks how
 * the rest is read: raw requests, or ten bytes each (call, is it root, eight arguments; 255 is
 * RPC_NONE). */
#include <string.h>

#include "fuzz.h"
#include "nvml/abi.h"
#include "sim/rpc/answer.h"
#include "sim/state/fixture.h"

#define MAX_REQUESTS 64
#define SHORT_REQUEST (2 + RPC_MAX_ARGS)

static size_t next_request(int raw, const uint8_t *data, size_t size, struct rpc_request *ret)
{
    *ret = (struct rpc_request){.magic = RPC_MAGIC};
    if (raw) {
        size_t n = size < sizeof(*ret) ? size : sizeof(*ret);
        memcpy(ret, data, n);
        return n;
    }
    if (size < SHORT_REQUEST) {
        return size;
    }
    ret->call = data[0];
    for (size_t i = 0; i < RPC_MAX_ARGS; i++) {
        ret->args[i] = data[2 + i] == 255 ? RPC_NONE : data[2 + i];
    }
    return SHORT_REQUEST;
}

static void check_reply(const struct rpc_answer *answer)
{
    int code = answer->reply.code;
    fuzz_assert(answer->reply.size <= RPC_MAX_PAYLOAD, "a reply fits its message");
    fuzz_assert(code == NVML_SUCCESS || answer->reply.size == 0, "a refusal has no payload");
    fuzz_assert((code >= 0 && code <= NVML_ERROR_RESET_TYPE_NOT_SUPPORTED) ||
                    code == NVML_ERROR_UNKNOWN,
                "a code is one of NVML's");
}

/* No two instances share a slice, and each has room for what is in it. */
static void check_board(const struct sim_gpu *gpu)
{
    uint64_t taken = 0;
    fuzz_assert(gpu->n_gis <= SIM_MAX_GIS, "instances fit their list");
    fuzz_assert(gpu->mig_current || gpu->n_gis == 0, "no instance without MIG mode");
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        const struct sim_gi *gi = &gpu->gis[i];
        uint64_t mine = ((1ull << gi->profile->placements[0].size) - 1) << gi->start;
        fuzz_assert((taken & mine) == 0, "instances do not overlap");
        taken |= mine;
        uint32_t inside = 0;
        for (uint32_t c = 0; c < gi->n_cis; c++) {
            uint32_t slices = ((1u << gi->cis[c].size) - 1) << gi->cis[c].start;
            fuzz_assert((inside & slices) == 0, "compute instances do not overlap");
            fuzz_assert(gi->cis[c].start + gi->cis[c].size <= gi->profile->compute_slices,
                        "a compute instance is inside its GPU instance");
            inside |= slices;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    struct rpc_answer *answer = xcalloc(1, sizeof(*answer));
    size_t at = 1;
    for (int n = 0; n < MAX_REQUESTS && at < size; n++) {
        struct rpc_request request;
        bool root = at + 1 < size && (data[at + 1] & 1) != 0;
        at += next_request(data[0] & 1, data + at, size - at, &request);
        uint64_t changes = fix->host->changes;
        rpc_answer(fix->host, &request, root, answer);
        check_reply(answer);
        fuzz_assert(answer->reply.code == NVML_SUCCESS || fix->host->changes == changes,
                    "a refused request changes nothing");
        for (uint32_t g = 0; g < FIX_GPUS; g++) {
            check_board(fix->gpus[g]);
        }
    }
    free(answer);
    fixture_free(fix);
    return 0;
}
