/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/device_arg.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* What a stand-in keeps of the device it stands in for; the rest (rombar, display, …) means nothing
 * to it. */
static const char *const kept[] = {"acpi-index", "addr", "bus", "id", "multifunction"};

/* ---- keys and values ---- */

/* Takes one value: up to a single comma. Returns where the next key starts, NULL at the end. */
static const char *take_value(const char *text, struct strbuf *out)
{
    for (const char *at = text;; at++) {
        if (*at == '\0') {
            return NULL;
        }
        if (*at == ',' && at[1] != ',') {
            return at + 1;
        }
        at += *at == ',' ? 1 : 0;
        strbuf_addn(out, at, 1);
    }
}

static json_t *parse_pairs(const char *text)
{
    json_t *pairs = json_object();
    const char *next = text;
    for (bool first = true; next != NULL; first = false) {
        CLEANUP_STRBUF struct strbuf key = {0};
        CLEANUP_STRBUF struct strbuf value = {0};
        size_t key_len = strcspn(next, "=,");
        bool implied = next[key_len] != '=';
        if (implied && !first) {
            strbuf_add(&value, "on"); /* a bare word is a switch */
            strbuf_addn(&key, next, key_len);
            next = next[key_len] == ',' ? next + key_len + 1 : NULL;
        } else {
            strbuf_addn(&key, implied ? "driver" : next, implied ? 6 : key_len);
            next = take_value(implied ? next : next + key_len + 1, &value);
        }
        json_object_set_new(pairs, strbuf_str(&key), json_string(strbuf_str(&value)));
    }
    return pairs;
}

static void add_pair(struct strbuf *out, const char *key, const char *value)
{
    strbuf_addf(out, "%s%s=", out->len > 0 ? "," : "", key);
    for (const char *at = value; *at != '\0'; at++) {
        strbuf_addn(out, at, 1);
        if (*at == ',') {
            strbuf_add(out, ",");
        }
    }
}

/* `first` is the key whose name is left out: "driver" or "qom-type". */
static char *pairs_text(const json_t *pairs, const char *first)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    const char *key = NULL;
    json_t *value = NULL;
    strbuf_add(&out, json_string_value(json_object_get(pairs, first)));
    json_object_foreach((json_t *)pairs, key, value)
    {
        if (strcmp(key, first) == 0) {
            continue;
        }
        CLEANUP_FREE char *number = NULL;
        const char *text = json_string_value(value);
        if (text == NULL) {
            number = json_is_boolean(value) ? xstrdup(json_is_true(value) ? "on" : "off")
                                            : xasprintf("%lld", json_integer_value(value));
            text = number;
        }
        add_pair(&out, key, text);
    }
    return strbuf_take(&out);
}

/* ---- the device ---- */

/* QEMU's parser of "host" ends at a domain of 16 bits: such an argument is left for it to refuse
 * (hw/core/qdev-properties-system.c, set_pci_host_devaddr()). */
static bool too_wide(const char *host)
{
    const char *colon = strchr(host, ':');
    return colon != NULL && strchr(colon + 1, ':') != NULL && colon - host > 4;
}

/* "host", or the last part of "sysfsdev". */
static bool find_device(struct device_arg *arg)
{
    const char *host = json_string_value(json_object_get(arg->properties, "host"));
    const char *path = json_string_value(json_object_get(arg->properties, "sysfsdev"));
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash != NULL) {
        host = slash + 1;
    }
    return host != NULL && host[0] != '\0' && (slash != NULL || !too_wide(host)) &&
           STR_SET(arg->device, host) && str_is_clean(arg->device);
}

bool device_arg_parse(const char *text, struct device_arg *ret_arg)
{
    struct device_arg arg = {.is_json = text[0] == '{'};
    size_t len = strlen(text);
    if (len > DEVICE_ARG_MAX) {
        return false;
    }
    if (!arg.is_json) {
        arg.properties = parse_pairs(text);
    } else if (json_read(text, len, "-device", &arg.properties, NULL) < 0) {
        return false;
    }
    const char *driver = json_string_value(json_object_get(arg.properties, "driver"));
    bool assigns = str_eq(driver, "vfio-pci") || str_eq(driver, "vfio-pci-nohotplug");
    if (!assigns || !find_device(&arg)) {
        device_arg_done(&arg);
        return false;
    }
    *ret_arg = arg;
    return true;
}

void device_arg_done(struct device_arg *arg)
{
    json_decref(arg->properties);
    arg->properties = NULL;
}

static char *print(const struct device_arg *arg, const json_t *properties, const char *first)
{
    return arg->is_json ? json_text(properties) : pairs_text(properties, first);
}

static json_t *memory_id(unsigned index)
{
    CLEANUP_FREE char *id = xasprintf("cleave-gpu%u", index);
    return json_string(id);
}

char *device_arg_object(const struct device_arg *arg, const struct device_memory *memory,
                        unsigned index)
{
    CLEANUP_JSON json_t *object = json_object();
    json_object_set_new(object, "qom-type", json_string("memory-backend-file"));
    json_object_set_new(object, "id", memory_id(index));
    json_object_set_new(object, "mem-path", json_string(memory->path));
    json_object_set_new(object, "size", json_integer((json_int_t)memory->bytes));
    json_object_set_new(object, "share", json_true());
    return print(arg, object, "qom-type");
}

static void keep_place(const struct device_arg *arg, json_t *object)
{
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        json_t *value = json_object_get(arg->properties, kept[i]);
        if (value != NULL) {
            json_object_set(object, kept[i], value);
        }
    }
}

/* QEMU's own device for its tests: a few registers, no memory, no interrupt. */
char *device_arg_placeholder(const struct device_arg *arg)
{
    CLEANUP_JSON json_t *object = json_object();
    json_object_set_new(object, "driver", json_string("pci-testdev"));
    keep_place(arg, object);
    return print(arg, object, "driver");
}

char *device_arg_stand_in(const struct device_arg *arg, const struct device_memory *memory,
                          unsigned index)
{
    CLEANUP_JSON json_t *object = json_object();
    json_object_set_new(object, "driver", json_string("ivshmem-plain"));
    json_object_set_new(object, "memdev", memory_id(index));
    /* A string in QEMU's schema ("on", "off" or "auto"); only a master can migrate. */
    json_object_set_new(object, "master", json_string(memory->movable ? "on" : "off"));
    keep_place(arg, object);
    return print(arg, object, "driver");
}
