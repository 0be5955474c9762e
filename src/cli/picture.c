/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/compute_view.h"
#include "cli/text.h"
#include "cli/view.h"

#define INDENT "    "
#define INSTANCE_WIDTH 20
#define TYPE_WIDTH 14
/* A terminal has 80 columns; the indents and the frame take 12 of them. */
#define FRAME_WIDTH 12
#define CONTENT_MAX_WIDTH ((size_t)68)
/* As wide as the widest owner asks, between these; on narrow terminals below the first. */
#define OWNER_MIN_WIDTH ((size_t)24)
#define OWNER_LEAST_WIDTH ((size_t)12)
#define CONTENT_MIN_WIDTH (INSTANCE_WIDTH + TYPE_WIDTH + OWNER_LEAST_WIDTH)
/* A VM's name, and what is said of it. */
#define OWNER_SIZE 320
#define MEMORY_WIDTH 9
#define MAX_SLICES 64

struct glyphs {
    const char *line;
    const char *side;
    const char *top_left, *top_right;
    const char *middle_left, *middle_right;
    const char *bottom_left, *bottom_right;
    const char *full, *empty;
};

static const struct glyphs styles[] = {
    [PICTURE_UTF8] = {.line = "─",
                      .side = "│",
                      .top_left = "┌",
                      .top_right = "┐",
                      .middle_left = "├",
                      .middle_right = "┤",
                      .bottom_left = "└",
                      .bottom_right = "┘",
                      .full = "█",
                      .empty = "·"},
    [PICTURE_ASCII] = {.line = "-",
                       .side = "|",
                       .top_left = "+",
                       .top_right = "+",
                       .middle_left = "+",
                       .middle_right = "+",
                       .bottom_left = "+",
                       .bottom_right = "+",
                       .full = "#",
                       .empty = "."},
};

struct picture {
    const struct glyphs *glyphs;
    const json_t *gpu;
    const json_t *profiles;
    const json_t *claims;
    struct strbuf *out;
    size_t width;         /* of the terminal; 0: it has no end */
    size_t content_width; /* within the frame, at most */
    size_t owner_width;
};

enum edge { EDGE_TOP, EDGE_MIDDLE, EDGE_BOTTOM };

/* ---- lines ---- */

static void repeat(struct strbuf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        strbuf_add(out, text);
    }
}

/* Where the character after this one begins. */
static const char *next_character(const char *at)
{
    do {
        at++;
    } while (((unsigned char)*at & 0xc0) == 0x80);
    return at;
}

static size_t count_characters(const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at != '\0'; at = next_character(at)) {
        n++;
    }
    return n;
}

static const char *skip_characters(const char *at, size_t n)
{
    while (n-- > 0) {
        at = next_character(at);
    }
    return at;
}

/* Fills to `width` characters, however many bytes they have. Of a longer text both ends stay: names
 * often differ in their last letters. */
static void add_cell(struct strbuf *out, const char *text, size_t width)
{
    static const char gap[] = "...";
    size_t n = count_characters(text);
    if (n <= width) {
        strbuf_add(out, text);
        repeat(out, " ", width - n);
        return;
    }
    size_t gap_len = width > 2 * strlen(gap) ? strlen(gap) : 0;
    size_t tail = gap_len > 0 ? (width - gap_len) / 2 : 0;
    size_t head = width - gap_len - tail;
    strbuf_addn(out, text, (size_t)(skip_characters(text, head) - text));
    strbuf_addn(out, gap, gap_len);
    strbuf_add(out, skip_characters(text, n - tail));
}

static void add_edge(const struct picture *p, enum edge edge, size_t width)
{
    const struct glyphs *g = p->glyphs;
    const char *left[] = {g->top_left, g->middle_left, g->bottom_left};
    const char *right[] = {g->top_right, g->middle_right, g->bottom_right};
    strbuf_addf(p->out, INDENT "    %s", left[edge]);
    repeat(p->out, g->line, width + 2);
    strbuf_addf(p->out, "%s\n", right[edge]);
}

/* ---- what is known about types ---- */

static const json_t *find_type(const struct picture *p, const char *name)
{
    const json_t *types = view_at(p->profiles, "types");
    for (size_t i = 0; i < json_array_size(types); i++) {
        const json_t *type = json_array_get(types, i);
        if (str_eq(view_text(type, "name", ""), name)) {
            return type;
        }
    }
    return NULL;
}

/* 0: not known. */
static int64_t type_mib(const struct picture *p, const json_t *vgpu)
{
    const json_t *type = find_type(p, view_text(vgpu, "type", ""));
    return view_int(type, "framebufferMib", 0);
}

static int64_t total_mib(const struct picture *p)
{
    int64_t nominal = view_int(json_array_get(view_at(p->profiles, "models"), 0), "memoryMib", 0);
    return nominal > 0 ? nominal : view_int(p->gpu, "memory.totalBytes", 0) / (1024 * 1024);
}

/* "RTX Pro 6000 Blackwell DC-1-8C" → "DC-1-8C": the rest is the GPU's name. */
static const char *short_type(const json_t *vgpu)
{
    return view_last_word(view_text(vgpu, "type", "?"));
}

/* ---- whose it is ---- */

static bool is_bound_here(const struct picture *p, const json_t *claim)
{
    return str_eq(view_text(claim, "state", ""), "bound") &&
           str_eq(view_text(claim, "assigned.gpu", ""), view_text(p->gpu, "address", "?"));
}

/* The claim that holds a vGPU; NULL if none does. */
static const json_t *claim_of_vgpu(const struct picture *p, const json_t *vgpu)
{
    const char *mdev = view_text(vgpu, "mdevUuid", NULL);
    const char *key = mdev == NULL ? "assigned.device" : "assigned.mdevUuid";
    const char *device = mdev == NULL ? view_text(vgpu, "device", "?") : mdev;
    const json_t *claims = view_at(p->claims, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        if (is_bound_here(p, claim) && str_eq(view_text(claim, key, ""), device)) {
            return claim;
        }
    }
    return NULL;
}

/* The claim that has the GPU, or the bare instance at `start` of it. */
static const json_t *claim_of_mode(const struct picture *p, const char *mode, int64_t start)
{
    const json_t *claims = view_at(p->claims, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        if (is_bound_here(p, claim) && str_eq(view_text(claim, "mode", ""), mode) &&
            view_int(claim, "assigned.start", -1) == start) {
            return claim;
        }
    }
    return NULL;
}

/* "web1" runs with it, "web1, off" will; "claim db1" when the claim names no VM. */
static const char *owner_text(const struct picture *p, const char *running, const json_t *claim,
                              char out[OWNER_SIZE])
{
    const char *vm = view_text(claim, "vm", NULL);
    if (running != NULL) {
        return running;
    }
    if (vm != NULL) {
        str_print(out, OWNER_SIZE, "%s, off", vm);
    } else if (claim != NULL) {
        str_print(out, OWNER_SIZE, "claim %s", view_text(claim, "name", "?"));
    } else {
        str_copy(out, OWNER_SIZE, p->claims == NULL ? "no VM" : "no claim");
    }
    return out;
}

static const char *vgpu_owner(const struct picture *p, const json_t *vgpu, char out[OWNER_SIZE])
{
    return owner_text(p, view_text(vgpu, "vm", NULL), claim_of_vgpu(p, vgpu), out);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t owner_width(const struct picture *p)
{
    size_t most = p->content_width - INSTANCE_WIDTH - TYPE_WIDTH;
    size_t width = smaller(OWNER_MIN_WIDTH, most);
    const json_t *vgpus = view_at(p->gpu, "vgpus");
    for (size_t i = 0; i < json_array_size(vgpus); i++) {
        char text[OWNER_SIZE];
        size_t len = count_characters(vgpu_owner(p, json_array_get(vgpus, i), text));
        width = len > width ? len : width;
    }
    return smaller(width, most);
}

/* ---- MIG: one line per memory slice, more where an instance carries more vGPUs ---- */

static size_t slices_width(const struct picture *p)
{
    return INSTANCE_WIDTH + TYPE_WIDTH + p->owner_width;
}

static int64_t slice_count(const struct picture *p)
{
    const json_t *model = json_array_get(view_at(p->profiles, "models"), 0);
    int64_t n = view_int(model, "memorySlices", 0);
    const json_t *instances = view_at(p->gpu, "gpuInstances");
    for (size_t i = 0; i < json_array_size(instances); i++) {
        const json_t *gi = json_array_get(instances, i);
        int64_t end = view_int(gi, "start", 0) + view_int(gi, "size", 1);
        n = end > n ? end : n;
    }
    return n > MAX_SLICES ? MAX_SLICES : n;
}

/* The instance that begins at a slice, or (NULL) the end of the free slices there. */
static const json_t *instance_at(const struct picture *p, int64_t slice, int64_t *ret_free_end)
{
    const json_t *instances = view_at(p->gpu, "gpuInstances");
    *ret_free_end = slice_count(p);
    for (size_t i = 0; i < json_array_size(instances); i++) {
        const json_t *gi = json_array_get(instances, i);
        int64_t start = view_int(gi, "start", 0);
        if (start == slice) {
            return gi;
        }
        if (start > slice && start < *ret_free_end) {
            *ret_free_end = start;
        }
    }
    return NULL;
}

/* mdev does not tell the instance of a vGPU; the claim that holds it does. */
static int64_t vgpu_instance(const struct picture *p, const json_t *vgpu)
{
    int64_t instance = view_int(vgpu, "gpuInstance", -1);
    return instance >= 0 ? instance : view_int(claim_of_vgpu(p, vgpu), "assigned.gpuInstance", -1);
}

/* The n-th vGPU on an instance; NULL if there are fewer. */
static const json_t *vgpu_on(const struct picture *p, int64_t instance, size_t n)
{
    const json_t *vgpus = view_at(p->gpu, "vgpus");
    for (size_t i = 0; i < json_array_size(vgpus); i++) {
        const json_t *vgpu = json_array_get(vgpus, i);
        if (vgpu_instance(p, vgpu) == instance && n-- == 0) {
            return vgpu;
        }
    }
    return NULL;
}

/* `slice` < 0: a further line of the same slice. */
static void add_slice_line(const struct picture *p, int64_t slice, const char *instance,
                           const char *type, const char *owner)
{
    if (slice >= 0) {
        strbuf_addf(p->out, INDENT "%3" PRId64 " %s ", slice, p->glyphs->side);
    } else {
        strbuf_addf(p->out, INDENT "    %s ", p->glyphs->side);
    }
    add_cell(p->out, instance, INSTANCE_WIDTH);
    add_cell(p->out, type, TYPE_WIDTH);
    add_cell(p->out, owner, p->owner_width);
    strbuf_addf(p->out, " %s\n", p->glyphs->side);
}

static int64_t add_free(const struct picture *p, int64_t start, int64_t end)
{
    for (int64_t slice = start; slice < end; slice++) {
        add_slice_line(p, slice, slice == start ? "free" : p->glyphs->empty, "", "");
    }
    return end;
}

/* "room for 2 more", when more vGPUs of the kind of `first` may share its instance: not that of a
 * claim that has it to itself. */
static void room_text(const struct picture *p, const json_t *first, size_t n, char out[VIEW_SIZE])
{
    const json_t *type = first == NULL ? NULL : find_type(p, view_text(first, "type", ""));
    int64_t max = view_int(type, "maxPerInstance", 0);
    const json_t *claim = first == NULL ? NULL : claim_of_vgpu(p, first);
    bool exclusive = str_eq(view_text(claim, "mode", ""), "mig-backed");
    out[0] = '\0';
    if (max > (int64_t)n && !exclusive) {
        snprintf(out, VIEW_SIZE, "room for %" PRId64 " more", max - (int64_t)n);
    }
}

static size_t count_vgpus(const struct picture *p, int64_t instance)
{
    size_t n = 0;
    while (vgpu_on(p, instance, n) != NULL) {
        n++;
    }
    return n;
}

static int64_t add_instance(const struct picture *p, const json_t *gi)
{
    int64_t start = view_int(gi, "start", 0);
    int64_t size = view_int(gi, "size", 1);
    int64_t id = view_int(gi, "id", -1);
    char name[VIEW_SIZE];
    snprintf(name, sizeof(name), "%.40s #%" PRId64, view_text(gi, "profile", "?"), id);
    size_t n = count_vgpus(p, id);
    char room[VIEW_SIZE];
    room_text(p, vgpu_on(p, id, 0), n, room);
    size_t computes = n > 0 ? 0 : compute_view_lines(gi);
    size_t lines = n > 0 ? n + (room[0] != '\0' ? 1 : 0) : computes;
    lines = (int64_t)lines < size ? (size_t)size : lines;
    const json_t *bare = n > 0 ? NULL : claim_of_mode(p, "gpu-instance", start);
    char empty[VIEW_SIZE];
    compute_view_summary(gi, empty);
    for (size_t line = 0; line < lines; line++) {
        const json_t *vgpu = vgpu_on(p, id, line);
        int64_t slice = (int64_t)line < size ? start + (int64_t)line : -1;
        const char *type = n == 0 && computes == 0 && line == 0 ? empty : "";
        const char *owner = line == n ? room : "";
        char text[OWNER_SIZE];
        if (vgpu != NULL) {
            type = short_type(vgpu);
            owner = vgpu_owner(p, vgpu, text);
        } else if (line == 0 && bare != NULL) {
            owner = owner_text(p, NULL, bare, text);
        }
        if (line < computes) {
            type = compute_view_text(gi, line, empty);
        }
        add_slice_line(p, slice, line == 0 ? name : "", type, owner);
    }
    return start + size;
}

static void draw_slices(const struct picture *p)
{
    int64_t n = slice_count(p);
    if (n == 0) {
        strbuf_add(p->out, INDENT "No GPU instances\n");
        return;
    }
    strbuf_addf(p->out, INDENT "%" PRId64 " memory slice%s\n", n, n == 1 ? "" : "s");
    add_edge(p, EDGE_TOP, slices_width(p));
    int64_t slice = 0;
    while (slice < n) {
        int64_t free_end = n;
        const json_t *gi = instance_at(p, slice, &free_end);
        slice = gi != NULL ? add_instance(p, gi) : add_free(p, slice, free_end);
        add_edge(p, slice < n ? EDGE_MIDDLE : EDGE_BOTTOM, slices_width(p));
    }
}

/* ---- no MIG: one line per vGPU, a bar for its share of the framebuffer ---- */

/* What a long owner leaves. */
static size_t bar_width(const struct picture *p)
{
    return p->content_width - TYPE_WIDTH - MEMORY_WIDTH - 2 - p->owner_width;
}

static size_t shares_width(const struct picture *p)
{
    return TYPE_WIDTH + p->owner_width + MEMORY_WIDTH + 2 + bar_width(p);
}

static void add_share(const struct picture *p, const char *what, const char *owner, int64_t mib,
                      const char *bar)
{
    char size[VIEW_SIZE] = "?";
    if (mib > 0) {
        view_mib(mib, size);
    }
    int64_t total = total_mib(p);
    size_t width = bar_width(p);
    size_t len = total > 0 ? (size_t)((mib * (int64_t)width + total / 2) / total) : 0;
    len = len > width ? width : len;
    strbuf_addf(p->out, INDENT "    %s ", p->glyphs->side);
    add_cell(p->out, what, TYPE_WIDTH);
    add_cell(p->out, owner, p->owner_width);
    strbuf_addf(p->out, "%*s  ", MEMORY_WIDTH, size);
    repeat(p->out, bar, len);
    repeat(p->out, " ", width - len);
    strbuf_addf(p->out, " %s\n", p->glyphs->side);
}

static void draw_shares(const struct picture *p)
{
    char text[VIEW_SIZE];
    int64_t total = total_mib(p);
    int64_t used = 0;
    bool all_known = true;
    strbuf_addf(p->out, INDENT "Framebuffer%s%s\n", total > 0 ? ", " : "",
                total > 0 ? view_mib(total, text) : "");
    add_edge(p, EDGE_TOP, shares_width(p));
    const json_t *vgpus = view_at(p->gpu, "vgpus");
    for (size_t i = 0; i < json_array_size(vgpus); i++) {
        const json_t *vgpu = json_array_get(vgpus, i);
        int64_t mib = type_mib(p, vgpu);
        used += mib;
        all_known = all_known && mib > 0;
        char owner[OWNER_SIZE];
        add_share(p, short_type(vgpu), vgpu_owner(p, vgpu, owner), mib, p->glyphs->full);
    }
    if (all_known && used < total) {
        add_share(p, "free", "", total - used, p->glyphs->empty);
    }
    add_edge(p, EDGE_BOTTOM, shares_width(p));
}

static void draw_whole(const struct picture *p)
{
    char text[OWNER_SIZE];
    const json_t *claim = claim_of_mode(p, "passthrough", -1);
    const char *running = view_text(p->gpu, "vm", NULL);
    const char *owner = owner_text(p, running, claim, text);
    bool is_vm = running != NULL || view_text(claim, "vm", NULL) != NULL;
    strbuf_addf(p->out, INDENT "The whole GPU: %s%s\n", is_vm ? "VM " : "", owner);
}

/* ---- in words ---- */

static void add_line(const struct picture *p, const char *text)
{
    CLEANUP_STRBUF struct strbuf lines = {0};
    size_t room = p->width > 2 * strlen(INDENT) ? p->width - 2 * strlen(INDENT) : 1;
    text_wrap(text, room, "\n" INDENT INDENT, &lines);
    strbuf_addf(p->out, INDENT "%s\n", strbuf_str(&lines));
}

/* "slices 0-2: 1g.24gb+gfx #3: DC-1-8C web1, DC-1-8C web2; room for 1 more" */
static void say_instance(const struct picture *p, const json_t *gi)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    int64_t start = view_int(gi, "start", 0);
    int64_t id = view_int(gi, "id", -1);
    size_t n = count_vgpus(p, id);
    const json_t *bare = n > 0 ? NULL : claim_of_mode(p, "gpu-instance", start);
    char owner[OWNER_SIZE];
    char part[VIEW_SIZE];
    strbuf_addf(&text, "slices %" PRId64 "-%" PRId64 ": %s #%" PRId64 ": ", start,
                start + view_int(gi, "size", 1) - 1, view_text(gi, "profile", "?"), id);
    for (size_t i = 0; i < n; i++) {
        const json_t *vgpu = vgpu_on(p, id, i);
        strbuf_addf(&text, "%s%s %s", i == 0 ? "" : "; ", short_type(vgpu),
                    vgpu_owner(p, vgpu, owner));
    }
    size_t computes = n > 0 ? 0 : compute_view_lines(gi);
    for (size_t i = 0; i < computes; i++) {
        strbuf_addf(&text, "%s%s", i == 0 ? "" : ", ", compute_view_text(gi, i, part));
    }
    if (n == 0) {
        str_copy(part, sizeof(part), "");
        if (computes == 0) {
            compute_view_summary(gi, part);
        }
        strbuf_addf(&text, "%s%s%s", part, bare == NULL ? "" : " ",
                    bare == NULL ? "" : owner_text(p, NULL, bare, owner));
    }
    room_text(p, vgpu_on(p, id, 0), n, part);
    strbuf_addf(&text, "%s%s", part[0] == '\0' ? "" : "; ", part);
    add_line(p, strbuf_str(&text));
}

static void say_slices(const struct picture *p)
{
    int64_t n = slice_count(p);
    int64_t slice = 0;
    while (slice < n) {
        int64_t free_end = n;
        char text[VIEW_SIZE];
        const json_t *gi = instance_at(p, slice, &free_end);
        if (gi != NULL) {
            say_instance(p, gi);
            slice += view_int(gi, "size", 1);
        } else {
            snprintf(text, sizeof(text), "slices %" PRId64 "-%" PRId64 ": free", slice,
                     free_end - 1);
            add_line(p, text);
            slice = free_end;
        }
    }
}

static void say_shares(const struct picture *p)
{
    int64_t used = 0;
    bool all_known = total_mib(p) > 0;
    const json_t *vgpus = view_at(p->gpu, "vgpus");
    for (size_t i = 0; i < json_array_size(vgpus); i++) {
        CLEANUP_STRBUF struct strbuf text = {0};
        const json_t *vgpu = json_array_get(vgpus, i);
        int64_t mib = type_mib(p, vgpu);
        char owner[OWNER_SIZE];
        char size[VIEW_SIZE] = "?";
        used += mib;
        all_known = all_known && mib > 0;
        strbuf_addf(&text, "%s %s: %s", short_type(vgpu), vgpu_owner(p, vgpu, owner),
                    mib > 0 ? view_mib(mib, size) : size);
        add_line(p, strbuf_str(&text));
    }
    if (all_known && used < total_mib(p)) {
        char size[VIEW_SIZE];
        CLEANUP_FREE char *text = xasprintf("free: %s", view_mib(total_mib(p) - used, size));
        add_line(p, text);
    }
}

/* Null in the API is not none. */
static bool is_seen(const json_t *gpu)
{
    const char *mode = view_text(gpu, "mode", "");
    const char *needed = str_eq(mode, "mig") ? "gpuInstances" : "vgpus";
    return str_eq(mode, "passthrough") || (mode[0] != '\0' && json_is_array(view_at(gpu, needed)));
}

void picture_draw(const json_t *gpu, const json_t *profiles, const json_t *claims,
                  enum picture_style style, size_t width, struct strbuf *out)
{
    struct picture p = {.glyphs = &styles[style],
                        .gpu = gpu,
                        .profiles = profiles,
                        .claims = claims,
                        .out = out,
                        .width = width,
                        .content_width = CONTENT_MAX_WIDTH};
    bool narrow = width > 0 && width < CONTENT_MIN_WIDTH + FRAME_WIDTH;
    if (width > 0 && !narrow) {
        p.content_width = smaller(width - FRAME_WIDTH, CONTENT_MAX_WIDTH);
    }
    p.owner_width = owner_width(&p);
    if (!is_seen(gpu)) {
        strbuf_add(out, INDENT "What is on the GPU is unknown\n");
    } else if (str_eq(view_text(gpu, "mode", ""), "passthrough")) {
        draw_whole(&p);
    } else if (str_eq(view_text(gpu, "mode", ""), "mig")) {
        (narrow && slice_count(&p) > 0 ? say_slices : draw_slices)(&p);
    } else {
        (narrow ? say_shares : draw_shares)(&p);
    }
}
