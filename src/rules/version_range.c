/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/version_range.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/facts.h"
#include "rules/vgpu_release.h"

static const struct {
    const char *key, *word, *fact, *side;
} kinds[] = {
#define VERSION_KIND_ROW(sym, key, word, fact, side) [VERSION_##sym] = {key, word, fact, side},
    VERSION_KIND_MAP(VERSION_KIND_ROW)
#undef VERSION_KIND_ROW
};

/* ---- reading ---- */

/* The fact of a host, or of one side; -1: it is none of a migration. */
static int fact_of(size_t kind, const char *side)
{
    char name[64];
    if (side == NULL) {
        return fact_find(kinds[kind].fact);
    }
    snprintf(name, sizeof(name), "%s.%s", side, kinds[kind].side);
    return fact_find(name);
}

static void read_version(struct reader *r, size_t kind, char out[VERSION_SIZE])
{
    const char *key = kinds[kind].key;
    const json_t *value = json_object_get(r->object, key);
    char number[VERSION_SIZE] = "";
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
    }
    const char *text = number[0] != '\0' ? number : reader_str(r, key, VERSION_SIZE - 1);
    if (text == NULL) {
        return;
    }
    if (!version_is_plain(text)) {
        reader_fail(r, key, "\"%s\" is no version: write numbers with dots between them", text);
    } else if (kind == VERSION_VGPU && vgpu_release_driver(text) == NULL) {
        reader_fail(r, key, "no driver is known of vGPU %s (known are %s): write `driver` instead",
                    text, vgpu_releases());
    } else {
        (void)str_copy(out, VERSION_SIZE, text);
    }
}

static void read_bounds(struct reader *r, const char *key, bool migrated,
                        char out[VERSION_KIND_COUNT][VERSION_SIZE])
{
    json_t *object = reader_object_or_null(r, key);
    if (object == NULL) {
        return;
    }
    char path[160];
    struct reader item;
    reader_init(&item, object, r->origin, reader_path(r, key, -1, path, sizeof(path)), r->err);
    for (size_t kind = 0; kind < VERSION_KIND_COUNT; kind++) {
        if (!reader_has(&item, kinds[kind].key)) {
            continue;
        }
        if (fact_of(kind, migrated ? "source" : NULL) < 0) {
            reader_fail(&item, kinds[kind].key, "it is not known of the hosts of a migration");
        }
        read_version(&item, kind, out[kind]);
    }
    if (item.n_found == 0) {
        reader_fail(&item, NULL, "names no version");
    }
    int result = reader_end(&item);
    r->result = r->result != 0 ? r->result : result;
}

/* The driver that a release of vGPU software begins with; another kind's version as it is. */
static const char *comparable(size_t kind, const char *version)
{
    return kind == VERSION_VGPU ? vgpu_release_driver(version) : version;
}

void version_range_read(struct reader *r, bool migrated, struct version_range *range)
{
    read_bounds(r, "from", migrated, range->from);
    read_bounds(r, "to", migrated, range->to);
    for (size_t kind = 0; r->result == 0 && kind < VERSION_KIND_COUNT; kind++) {
        if (range->from[kind][0] != '\0' && range->to[kind][0] != '\0' &&
            !version_older(comparable(kind, range->from[kind]),
                           comparable(kind, range->to[kind]))) {
            reader_fail(r, "to", "%s %s is not later than %s, from which the rule holds",
                        kinds[kind].key, range->to[kind], range->from[kind]);
        }
    }
}

/* ---- asking ---- */

bool version_range_is_open(const struct version_range *range)
{
    for (size_t kind = 0; kind < VERSION_KIND_COUNT; kind++) {
        if (range->from[kind][0] != '\0' || range->to[kind][0] != '\0') {
            return false;
        }
    }
    return true;
}

static enum tristate kind_holds(const struct version_range *range, size_t kind, const char *side,
                                const struct rule_facts *facts)
{
    const char *from = range->from[kind];
    const char *to = range->to[kind];
    char value[FACT_SIZE];
    if (from[0] == '\0' && to[0] == '\0') {
        return TRI_YES;
    }
    int fact = fact_of(kind, side);
    if (fact < 0 || !fact_value((size_t)fact, facts, value)) {
        return TRI_UNKNOWN;
    }
    bool before = from[0] != '\0' && version_older(value, comparable(kind, from));
    bool after = to[0] != '\0' && !version_older(value, comparable(kind, to));
    return before || after ? TRI_NO : TRI_YES;
}

static enum tristate side_holds(const struct version_range *range, const char *side,
                                const struct rule_facts *facts)
{
    enum tristate all = TRI_YES;
    for (size_t kind = 0; kind < VERSION_KIND_COUNT; kind++) {
        enum tristate one = kind_holds(range, kind, side, facts);
        if (one == TRI_NO) {
            return TRI_NO;
        }
        all = one == TRI_UNKNOWN ? TRI_UNKNOWN : all;
    }
    return all;
}

enum tristate version_range_holds(const struct version_range *range, bool migrated,
                                  const struct rule_facts *facts)
{
    if (!migrated) {
        return side_holds(range, NULL, facts);
    }
    enum tristate source = side_holds(range, "source", facts);
    enum tristate target = side_holds(range, "target", facts);
    if (source == TRI_YES || target == TRI_YES) {
        return TRI_YES;
    }
    return source == TRI_NO && target == TRI_NO ? TRI_NO : TRI_UNKNOWN;
}

static void add_change(char out[VERSION_RANGE_TEXT_SIZE], const char *what, size_t kind,
                       const char *version)
{
    size_t len = strlen(out);
    (void)str_print(out + len, VERSION_RANGE_TEXT_SIZE - len, "%s%s with %s %s",
                    len > 0 ? ", " : "", what, kinds[kind].word, version);
}

bool version_range_changes_since(const struct version_range *range, enum version_kind kind,
                                 const char *version, char ret_change[VERSION_RANGE_TEXT_SIZE])
{
    const char *since = comparable(kind, version);
    ret_change[0] = '\0';
    for (size_t i = 0; since != NULL && i < VERSION_KIND_COUNT; i++) {
        const char *from = range->from[i];
        const char *to = range->to[i];
        if (!str_eq(kinds[i].fact, kinds[kind].fact)) {
            continue;
        }
        if (from[0] != '\0' && !version_older(comparable(i, from), since)) {
            add_change(ret_change, "begins", i, from);
        }
        if (to[0] != '\0' && !version_older(comparable(i, to), since)) {
            add_change(ret_change, "ends", i, to);
        }
    }
    return ret_change[0] != '\0';
}

/* "v19.1" and "R580" are how people write releases and branches. */
static const char *skip_letter(const char *text)
{
    bool has_letter = text[0] != '\0' && strchr("vVrR", text[0]) != NULL;
    return has_letter && text[1] >= '0' && text[1] <= '9' ? text + 1 : text;
}

/* Releases of vGPU software have two digits, and branches of the driver have had three since 2008:
 * "19.1", "580", "580.82.07". */
static enum version_kind kind_of_plain(const char *version)
{
    return strspn(version, "0123456789") < 3 ? VERSION_VGPU : VERSION_DRIVER;
}

static enum version_kind find_kind(const char *key, size_t len)
{
    for (size_t i = 0; i < VERSION_KIND_COUNT; i++) {
        if (strlen(kinds[i].key) == len && strncmp(kinds[i].key, key, len) == 0) {
            return (enum version_kind)i;
        }
    }
    return VERSION_KIND_COUNT;
}

bool version_range_parse_since(const char *text, enum version_kind *ret_kind,
                               char ret_version[VERSION_SIZE], struct error *err)
{
    const char *equals = strchr(text, '=');
    const char *version = skip_letter(equals == NULL ? text : equals + 1);
    enum version_kind kind =
        equals == NULL ? kind_of_plain(version) : find_kind(text, (size_t)(equals - text));
    if (kind == VERSION_KIND_COUNT || !version_is_plain(version) ||
        (kind == VERSION_VGPU && vgpu_release_driver(version) == NULL)) {
        error_set(err, REASON_INVALID, NULL, "\"%s\" is no release", text);
        error_hint(err,
                   "write a release of NVIDIA's vGPU software (%s), a branch or version of its "
                   "driver (580, 580.82.07), or what it is a version of: libvirt=9.7, qemu=9.0, "
                   "kernel=6.8, guest-driver=580",
                   vgpu_releases());
        return false;
    }
    *ret_kind = kind;
    (void)str_copy(ret_version, VERSION_SIZE, version);
    return true;
}

/* ---- showing ---- */

const char *version_range_text(const struct version_range *range, char out[VERSION_RANGE_TEXT_SIZE])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t kind = 0; kind < VERSION_KIND_COUNT; kind++) {
        const char *from = range->from[kind];
        const char *to = range->to[kind];
        if (from[0] == '\0' && to[0] == '\0') {
            continue;
        }
        char one[128];
        if (to[0] == '\0') {
            snprintf(one, sizeof(one), "%s %s and later", kinds[kind].word, from);
        } else if (from[0] == '\0') {
            snprintf(one, sizeof(one), "before %s %s", kinds[kind].word, to);
        } else {
            snprintf(one, sizeof(one), "%s %s to before %s", kinds[kind].word, from, to);
        }
        snprintf(out + len, VERSION_RANGE_TEXT_SIZE - len, "%s%s", len > 0 ? ", " : "", one);
        len = strlen(out);
    }
    return out;
}

json_t *version_range_bound(const char bounds[VERSION_KIND_COUNT][VERSION_SIZE])
{
    json_t *object = NULL;
    for (size_t kind = 0; kind < VERSION_KIND_COUNT; kind++) {
        if (bounds[kind][0] != '\0') {
            object = object != NULL ? object : json_object();
            json_object_set_new(object, kinds[kind].key, json_string(bounds[kind]));
        }
    }
    return object != NULL ? object : json_null();
}
