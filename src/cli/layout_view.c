/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layout_view.h"

#include <stdio.h>
#include <string.h>

#include "cli/fields.h"
#include "cli/table.h"

#define MAP_SIZE 1024

static json_t *number_or_null(uint32_t number)
{
    return number != LAYOUT_ANYWHERE ? json_integer(number) : json_null();
}

json_t *layout_view_model(const struct gpu_model *model)
{
    return json_pack("{s:s, s:s}", "model", model->key, "name", model->name);
}

/* ["2c.3g.20gb", "1c.3g.20gb"] */
static json_t *compute_json(const struct layout_gi *gi, const struct layout_compute *compute)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < compute->n; i++) {
        CLEANUP_FREE char *name = xasprintf("%uc.%s", compute->slices[i], gi->profile->name);
        json_array_append_new(list, json_string(name));
    }
    return list;
}

static void append_instances(json_t *instances, const struct layout_gis *gis,
                             const struct layout_compute *compute, bool existing)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        const struct layout_gi *gi = &gis->items[i];
        json_t *json = json_pack("{s:s, s:o, s:I, s:b}", "profile", gi->profile->name, "start",
                                 number_or_null(gi->start), "size",
                                 (json_int_t)gi->profile->memory_slices, "existing", existing);
        if (compute[i].n > 0) {
            json_object_set_new(json, "computeInstances", compute_json(gi, &compute[i]));
        }
        json_array_append_new(instances, json);
    }
}

json_t *layout_view_request(const struct layout_request *request)
{
    json_t *instances = json_array();
    append_instances(instances, &request->existing, request->existing_compute, true);
    append_instances(instances, &request->gis, request->compute, false);
    json_t *vgpus = json_array();
    for (uint32_t i = 0; i < request->vgpus.n; i++) {
        const struct layout_vgpu *vgpu = &request->vgpus.items[i];
        json_array_append_new(vgpus, json_pack("{s:s, s:o, s:o}", "type", vgpu->type->name,
                                               "instance", number_or_null(vgpu->gi), "placementId",
                                               number_or_null(vgpu->placement_id)));
    }
    return json_pack("{s:o, s:o}", "instances", instances, "vgpus", vgpus);
}

json_t *layout_view_error(const struct error *err)
{
    json_t *json =
        json_pack("{s:s, s:s}", "reason", reason_name(err->reason), "message", err->message);
    if (err->hint[0] != '\0') {
        json_object_set_new(json, "hint", json_string(err->hint));
    }
    return json;
}

/* ---- for people ---- */

/* "RTX Pro 6000 Blackwell DC-1-8C" is "DC-1-8C" to people. */
static const char *short_name(const struct cat_vgpu_type *type)
{
    const char *blank = strrchr(type->name, ' ');
    return blank != NULL ? blank + 1 : type->name;
}

/* "3 x DC-1-8C, DC-1-8Q": the types on one instance, or all of them (gi LAYOUT_ANYWHERE). */
static void add_types(struct strbuf *out, const struct layout_vgpus *vgpus, uint32_t gi)
{
    bool first = true;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct layout_vgpu *vgpu = &vgpus->items[i];
        uint32_t count = 0;
        bool seen = false;
        for (uint32_t k = 0; k < vgpus->n; k++) {
            bool same = vgpus->items[k].type == vgpu->type && vgpus->items[k].gi == gi;
            count += same;
            seen = seen || (same && k < i);
        }
        if (vgpu->gi != gi || seen) {
            continue;
        }
        strbuf_add(out, first ? "" : ", ");
        if (count > 1) {
            strbuf_addf(out, "%u x ", count);
        }
        strbuf_add(out, short_name(vgpu->type));
        first = false;
    }
}

/* Existing and wanted instances in one list. */
struct all_gis {
    struct layout_gis gis;
    struct layout_compute compute[LAYOUT_MAX_GIS];
};

static void all_init(struct all_gis *all, const struct layout_request *request)
{
    all->gis = request->existing;
    memcpy(all->compute, request->existing_compute, sizeof(all->compute));
    for (uint32_t i = 0; i < request->gis.n && all->gis.n < LAYOUT_MAX_GIS; i++) {
        all->compute[all->gis.n] = request->compute[i];
        all->gis.items[all->gis.n++] = request->gis.items[i];
    }
}

/* "3g.20gb@4 (2c, 1c)" */
static void add_instance(const struct all_gis *all, uint32_t i, bool start, struct strbuf *out)
{
    const struct layout_gi *gi = &all->gis.items[i];
    char compute[64];
    strbuf_add(out, gi->profile->name);
    if (start && gi->start != LAYOUT_ANYWHERE) {
        strbuf_addf(out, "@%u", gi->start);
    }
    if (layout_compute_text(&all->compute[i], compute, sizeof(compute))[0] != '\0') {
        strbuf_addf(out, " (%s)", compute);
    }
}

static void print_head(const struct gpu_model *model, const struct layout_gis *gis,
                       const struct layout_compute *compute, size_t width)
{
    char map[MAP_SIZE];
    CLEANUP_FREE char *gpu = xasprintf("%s (%s)", model->name, model->key);
    layout_draw(model, gis, compute, map, sizeof(map));
    struct field_row fields[] = {{"GPU", gpu}, {"Slices", map}};
    fields_print(fields, model->profiles.n > 0 ? 2 : 1, width);
}

void layout_view_print_existing(const struct gpu_model *model, const struct layout_request *request,
                                size_t width)
{
    print_head(model, &request->existing, request->existing_compute, width);
}

static const char *number_text(uint32_t number, char out[16])
{
    if (number == LAYOUT_ANYWHERE) {
        return "-";
    }
    (void)snprintf(out, 16, "%u", number);
    return out;
}

static void print_instances(const struct layout_request *request, const struct all_gis *all,
                            size_t width)
{
    static const struct table_column columns[] = {{"INSTANCE", TABLE_LEFT, 0},
                                                  {"START", TABLE_RIGHT, 0},
                                                  {"SIZE", TABLE_RIGHT, 0},
                                                  {"STATE", TABLE_LEFT, 0},
                                                  {"VGPUS", TABLE_LIST, 0}};
    CLEANUP(table_freep) struct table *table = table_new(columns, ARRAY_SIZE(columns), width);
    for (uint32_t i = 0; i < all->gis.n; i++) {
        CLEANUP_STRBUF struct strbuf types = {0};
        CLEANUP_STRBUF struct strbuf instance = {0};
        char start[16];
        char size[16];
        add_types(&types, &request->vgpus, i);
        add_instance(all, i, false, &instance);
        const char *const cells[] = {
            strbuf_str(&instance),
            number_text(all->gis.items[i].start, start),
            number_text(all->gis.items[i].profile->memory_slices, size),
            i < request->existing.n ? "existing" : "new",
            strbuf_str(&types)[0] != '\0' ? strbuf_str(&types) : "-",
        };
        table_row(table, cells);
    }
    table_print(table);
}

static void print_vgpus(const struct layout_vgpus *vgpus, size_t width)
{
    static const struct table_column columns[] = {
        {"VGPU", TABLE_LEFT, 0}, {"FRAMEBUFFER", TABLE_RIGHT, 0}, {"PLACEMENT", TABLE_RIGHT, 0}};
    CLEANUP(table_freep) struct table *table = table_new(columns, ARRAY_SIZE(columns), width);
    for (uint32_t i = 0; i < vgpus->n; i++) {
        char framebuffer[32];
        char placement[16];
        (void)snprintf(framebuffer, sizeof(framebuffer), "%u MiB",
                       vgpus->items[i].type->framebuffer_mib);
        const char *const cells[] = {
            short_name(vgpus->items[i].type),
            vgpus->items[i].type->framebuffer_mib != CAT_UNKNOWN ? framebuffer : "-",
            number_text(vgpus->items[i].placement_id, placement),
        };
        table_row(table, cells);
    }
    table_print(table);
}

void layout_view_print(const struct gpu_model *model, const struct layout_request *request,
                       size_t width)
{
    struct all_gis all;
    all_init(&all, request);
    print_head(model, &all.gis, all.compute, width);
    putchar('\n');
    if (all.gis.n > 0) {
        print_instances(request, &all, width);
    } else {
        print_vgpus(&request->vgpus, width);
    }
}

void layout_view_summary(const struct layout_request *request, struct strbuf *out)
{
    struct all_gis all;
    all_init(&all, request);
    if (all.gis.n == 0) {
        add_types(out, &request->vgpus, LAYOUT_ANYWHERE);
        return;
    }
    for (uint32_t i = 0; i < all.gis.n; i++) {
        CLEANUP_STRBUF struct strbuf types = {0};
        strbuf_add(out, i > 0 ? ", " : "");
        add_instance(&all, i, true, out);
        add_types(&types, &request->vgpus, i);
        if (strbuf_str(&types)[0] != '\0') {
            strbuf_addf(out, " (%s)", strbuf_str(&types));
        }
    }
}
