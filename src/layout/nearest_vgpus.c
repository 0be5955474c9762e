/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/nearest_vgpus.h"

#include "layout/line.h"

/* How many sets of vGPUs are tried. */
#define NEAREST_MAX_TRIES 4000

/* Equal vGPUs, of which some are kept. */
struct group {
    struct layout_vgpu vgpu;
    uint32_t n;
    uint32_t kept;
};

struct nearest_vgpus {
    const struct gpu_model *model;
    const struct layout_request *request;
    fit_fn *fit;
    uint32_t n;
    struct group groups[LAYOUT_MAX_VGPUS]; /* largest framebuffer first */
    uint32_t tries;
    bool found;
    uint64_t best_mib;
    uint32_t best[LAYOUT_MAX_VGPUS]; /* kept, per group */
};

static uint32_t size_of(const struct group *group)
{
    uint32_t mib = group->vgpu.type->framebuffer_mib;
    return mib == CAT_UNKNOWN ? 0 : mib;
}

static void add(struct nearest_vgpus *nearest, const struct layout_vgpu *vgpu)
{
    for (uint32_t i = 0; i < nearest->n; i++) {
        struct group *group = &nearest->groups[i];
        if (group->vgpu.type == vgpu->type && group->vgpu.gi == vgpu->gi &&
            group->vgpu.placement_id == vgpu->placement_id) {
            group->n++;
            return;
        }
    }
    struct group group = {.vgpu = *vgpu, .n = 1};
    uint32_t at = nearest->n++;
    while (at > 0 && size_of(&nearest->groups[at - 1]) < size_of(&group)) {
        nearest->groups[at] = nearest->groups[at - 1];
        at--;
    }
    nearest->groups[at] = group;
}

static uint64_t kept_mib(const struct nearest_vgpus *nearest)
{
    uint64_t mib = 0;
    for (uint32_t i = 0; i < nearest->n; i++) {
        mib += (uint64_t)nearest->groups[i].kept * size_of(&nearest->groups[i]);
    }
    return mib;
}

static void try_kept(struct nearest_vgpus *nearest)
{
    uint64_t mib = kept_mib(nearest);
    if (nearest->tries == NEAREST_MAX_TRIES || (nearest->found && mib <= nearest->best_mib)) {
        return;
    }
    nearest->tries++;
    struct layout_request request = *nearest->request;
    request.vgpus.n = 0;
    for (uint32_t i = 0; i < nearest->n; i++) {
        for (uint32_t k = 0; k < nearest->groups[i].kept; k++) {
            request.vgpus.items[request.vgpus.n++] = nearest->groups[i].vgpu;
        }
    }
    if (nearest->fit(nearest->model, &request, NULL) != 0) {
        return;
    }
    nearest->found = true;
    nearest->best_mib = mib;
    for (uint32_t i = 0; i < nearest->n; i++) {
        nearest->best[i] = nearest->groups[i].kept;
    }
}

/* All ways to drop so many of the groups from `at` on. */
static void drop(struct nearest_vgpus *nearest, uint32_t at, uint32_t dropped)
{
    if (at == nearest->n) {
        if (dropped == 0) {
            try_kept(nearest);
        }
        return;
    }
    struct group *group = &nearest->groups[at];
    for (uint32_t here = 0; here <= dropped && here <= group->n; here++) {
        group->kept = group->n - here;
        drop(nearest, at + 1, dropped - here);
    }
}

static void describe_nearest(const struct nearest_vgpus *nearest, struct error *err)
{
    char text[sizeof(err->hint)];
    struct line line;
    uint32_t n = 0;
    uint32_t reported = 0;
    for (uint32_t i = 0; i < nearest->n; i++) {
        n += nearest->best[i] > 0;
    }
    line_init(&line, text, sizeof(text));
    for (uint32_t i = 0; i < nearest->n; i++) {
        if (nearest->best[i] > 0) {
            line_add(&line, "%s%u × %s", line_comma(reported++, n), nearest->best[i],
                     nearest->groups[i].vgpu.type->name);
        }
    }
    error_hint(err, "nearest that fits: %s", text);
}

void nearest_vgpus_hint(const struct gpu_model *model, const struct layout_request *request,
                        fit_fn *fit, struct error *err)
{
    if (err == NULL) {
        return;
    }
    struct nearest_vgpus nearest = {.model = model, .request = request, .fit = fit};
    for (uint32_t i = 0; i < request->vgpus.n; i++) {
        add(&nearest, &request->vgpus.items[i]);
    }
    for (uint32_t dropped = 1;
         dropped < request->vgpus.n && !nearest.found && nearest.tries < NEAREST_MAX_TRIES;
         dropped++) {
        drop(&nearest, 0, dropped);
    }
    if (nearest.found) {
        describe_nearest(&nearest, err);
    } else if (nearest.tries < NEAREST_MAX_TRIES) {
        error_hint(err, "none of them fits next to what is there");
    }
}
