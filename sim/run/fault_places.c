/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/fault_places.h"

#include <fnmatch.h>
#include <string.h>

#include "base/str.h"
#include "sim/fuse/nodes.h"

#define MAX_PART 128

static const char *const functions[] = {
#define X(name, ...) #name,
#include "nvml/functions.def"
#undef X
};

static bool is_function(const char *at)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        if (fnmatch(at, functions[i], 0) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the last part of a path that ends at *end off it; false: there is none. */
static bool take_part(const char *path, size_t *end, char out[MAX_PART])
{
    size_t from = *end;
    while (from > 0 && path[from - 1] != '/') {
        from--;
    }
    size_t len = *end - from;
    if (len == 0 || len >= MAX_PART) {
        return false;
    }
    memcpy(out, path + from, len);
    out[len] = '\0';
    *end = from > 0 ? from - 1 : 0;
    return true;
}

/* A slot stands for names of objects, which come and go; BARs are called alike. */
static bool fits_part(const char *wanted, const char *part)
{
    return str_eq(part, "{bar}")
               ? fnmatch(wanted, "resource0", 0) == 0 || str_starts(wanted, "resource")
               : part[0] == '{' || fnmatch(wanted, part, 0) == 0;
}

/* From the last part on, as far as both go: a wildcard of the place may stand for several parts. */
static bool is_file_of(const char *at, const char *pattern)
{
    size_t at_end = strlen(at);
    size_t end = strlen(pattern);
    char wanted[MAX_PART];
    char part[MAX_PART];
    while (take_part(at, &at_end, wanted) && take_part(pattern, &end, part)) {
        if (!fits_part(wanted, part)) {
            return false;
        }
        if (strpbrk(wanted, "*?[") != NULL) {
            return true;
        }
    }
    return true;
}

static bool is_file(const char *at)
{
    const char *below = str_starts(at, "/sys/") ? at + strlen("/sys/") : at;
    for (size_t i = 0; i < n_nodes; i++) {
        const char *pattern = nodes[i].pattern;
        const char *last = strrchr(pattern, '/');
        bool is_object = last != NULL && last[1] == '{' && !str_ends(pattern, "/{bar}");
        if (nodes[i].kind == NODE_FILE && !is_object && is_file_of(below, pattern)) {
            return true;
        }
    }
    return false;
}

bool fault_places_have(const char *at)
{
    return is_function(at) || is_file(at);
}
