/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/origin.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/parse.h"

#define MAX_PERIOD_S 86400
#define MAX_FILE (1024 * 1024)

enum kind { KIND_TEXT, KIND_NAMES, KIND_SECONDS, KIND_LEVEL, KIND_VENDORS };

struct setting {
    const char *key;    /* in the file */
    const char *option; /* on the command line */
    const char *operand;
    const char *fallback;
    const char *help;
    enum kind kind;
    size_t offset;
    size_t size; /* of a text */
};

#define TEXT(field)                                                                                \
    .kind = KIND_TEXT, .offset = offsetof(struct settings, field),                                 \
    .size = sizeof(((struct settings *)NULL)->field)

static const struct setting table[] = {
    {.key = "socket",
     .option = "--socket",
     .operand = "FILE",
     .fallback = "/run/cleave/cleaved.sock",
     .help = "Unix socket to serve, for its owner and group",
     TEXT(socket)},
    {.key = "socketGroup",
     .option = "--socket-group",
     .operand = "GROUP",
     .fallback = "",
     .help = "group that may use the socket",
     TEXT(socket_group)},
    {.key = "listen",
     .option = "--listen",
     .operand = "ADDR:PORT",
     .fallback = "",
     .help = "serve TCP on loopback too, without any authentication",
     TEXT(listen)},
    {.key = "allowedHosts",
     .option = "--allowed-hosts",
     .operand = "NAMES",
     .fallback = "",
     .help = "host names that TCP clients may use, besides localhost (a.lan,b.lan)",
     .kind = KIND_NAMES,
     .offset = offsetof(struct settings, allowed_hosts)},
    {.key = "stateDir",
     .option = "--state-dir",
     .operand = "DIR",
     .fallback = "/var/lib/cleave",
     .help = "where claims, plans and events are kept",
     TEXT(state_dir)},
    {.key = "libvirtUri",
     .option = "--libvirt-uri",
     .operand = "URI",
     .fallback = "qemu:///system",
     .help = "the hypervisor",
     TEXT(libvirt_uri)},
    {.key = "passthroughVendors",
     .option = "--passthrough-vendors",
     .operand = "IDS",
     .fallback = "",
     .help = "PCI vendors besides NVIDIA whose GPUs may be passed through (1002,8086)",
     .kind = KIND_VENDORS},
    {.key = "observePeriod",
     .option = "--observe-period",
     .operand = "SECONDS",
     .fallback = "30",
     .help = "how often to observe the host for changes; 0: only on request",
     .kind = KIND_SECONDS,
     .offset = offsetof(struct settings, observe_period_s)},
    {.key = "vmGrace",
     .option = "--vm-grace",
     .operand = "SECONDS",
     .fallback = "60",
     .help = "how long to wait before the claims of a VM that is gone are released",
     .kind = KIND_SECONDS,
     .offset = offsetof(struct settings, vm_grace_s)},
    {.key = "incomingPatience",
     .option = "--incoming-patience",
     .operand = "SECONDS",
     .fallback = "120",
     .help = "how long to keep devices for an incoming VM whose source is silent",
     .kind = KIND_SECONDS,
     .offset = offsetof(struct settings, incoming_patience_s)},
    {.key = "restoreTimeout",
     .option = "--restore-timeout",
     .operand = "SECONDS",
     .fallback = "120",
     .help = "how long to try to restore GPUs after a reboot; 0: only on request",
     .kind = KIND_SECONDS,
     .offset = offsetof(struct settings, restore_timeout_s)},
    {.key = "logLevel",
     .option = "--log-level",
     .operand = "LEVEL",
     .fallback = "info",
     .help = "error, warning, info or debug",
     .kind = KIND_LEVEL,
     .offset = offsetof(struct settings, log_level)},
};

static const char *const levels[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static int set(struct settings *settings, const struct setting *setting, const char *value,
               const char *subject, struct error *err)
{
    char *field = (char *)settings + setting->offset;
    uint32_t seconds = 0;
    switch (setting->kind) {
    case KIND_TEXT:
        if (!str_copy(field, setting->size, value)) {
            return error_set(err, REASON_INVALID, subject, "%s has more than %zu bytes", subject,
                             setting->size - 1);
        }
        return 0;
    case KIND_SECONDS:
        if (!parse_u32(value, &seconds) || seconds > MAX_PERIOD_S) {
            return error_set(err, REASON_INVALID, subject,
                             "%s must be a number of seconds up to %d, not \"%s\"", subject,
                             MAX_PERIOD_S, value);
        }
        memcpy(field, &seconds, sizeof(seconds));
        return 0;
    case KIND_NAMES:
        if (!origin_names_ok(value) || !STR_SET(settings->allowed_hosts, value)) {
            return error_set(err, REASON_INVALID, subject,
                             "%s must be a list of host names like a.lan,b.lan, not \"%s\"",
                             subject, value);
        }
        return 0;
    case KIND_VENDORS:
        if (!pci_vendors_parse(value, &settings->passthrough_vendors)) {
            return error_set(
                err, REASON_INVALID, subject,
                "%s must be a list of up to %d PCI vendor ids like 1002,8086, not \"%s\"", subject,
                PCI_VENDORS_MAX, value);
        }
        return 0;
    case KIND_LEVEL:
        for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
            if (str_eq(levels[i], value)) {
                settings->log_level = (enum log_level)i;
                return 0;
            }
        }
        return error_set(err, REASON_INVALID, subject,
                         "%s must be error, warning, info or debug, not \"%s\"", subject, value);
    }
    return 0;
}

static int read_key(struct reader *r, const struct setting *setting, struct settings *settings)
{
    char number[16];
    const char *value = NULL;
    if (!reader_has(r, setting->key)) {
        return 0;
    }
    if (setting->kind == KIND_SECONDS) {
        (void)snprintf(number, sizeof(number), "%d",
                       (int)reader_int(r, setting->key, 0, MAX_PERIOD_S));
        value = number;
    } else {
        value = reader_str(r, setting->key, SETTINGS_PATH_SIZE - 1);
    }
    return value == NULL ? 0 : set(settings, setting, value, setting->key, r->err);
}

/* The first key of the file that is none; NULL: all are known. */
static const char *unknown_key(const json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            known = known || str_eq(table[i].key, key);
        }
        if (!known) {
            return key;
        }
    }
    return NULL;
}

/* Puts the file, and the line of the key, before the message. */
static void add_place(const char *path, const char *key, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    size_t line = 0;
    size_t column = 0;
    bool found = key != NULL && fs_read_input(path, MAX_FILE, FS_INPUT_WAIT_MS, &text, &len) == 0 &&
                 yaml_locate(text, len, key, &line, &column);
    if (found) {
        error_wrap(err, "%s:%zu", path, line);
    } else {
        error_wrap(err, "%s", path);
    }
}

static int read_file(const char *path, struct settings *settings, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int result = json_read_file(path, &json, err);
    if (result != 0) {
        return result;
    }
    struct reader r;
    reader_init(&r, json, path, "", err);
    const char *key = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(table) && result == 0; i++) {
        key = table[i].key;
        result = read_key(&r, &table[i], settings);
        result = result != 0 ? result : r.result;
    }
    if (result == 0) {
        result = reader_end(&r);
        key = unknown_key(json);
    }
    if (result != 0) {
        add_place(path, key, err);
    }
    return result;
}

static const struct setting *find_option(const char *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (str_eq(table[i].option, option)) {
            return &table[i];
        }
    }
    return NULL;
}

static int unknown_option(const char *option, struct error *err)
{
    const char *known[ARRAY_SIZE(table) + 1] = {"--config"};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        known[i + 1] = table[i].option;
    }
    const char *nearest = str_nearest(option, known, ARRAY_SIZE(known));
    error_set(err, REASON_INVALID, option, "there is no option %s", option);
    if (nearest != NULL) {
        error_hint(err, "did you mean %s?", nearest);
    } else {
        error_hint(err, "`cleaved --help` lists all options");
    }
    return -REASON_INVALID;
}

/* Options that make documents, not in the help. */
static bool is_build_option(const char *option, enum settings_action *ret_action)
{
    static const struct {
        const char *option;
        enum settings_action action;
    } options[] = {{"--generate-man", SETTINGS_DAEMON_MAN},
                   {"--generate-file-man", SETTINGS_FILE_MAN},
                   {"--generate-example", SETTINGS_EXAMPLE}};
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (str_eq(options[i].option, option)) {
            *ret_action = options[i].action;
            return true;
        }
    }
    return false;
}

/* One pass over the options: either finds the file, or applies all else. */
static int read_options(int argc, char *const *argv, const char **ret_file,
                        struct settings *settings, enum settings_action *ret_action,
                        struct error *err)
{
    for (int i = 1; i < argc; i++) {
        if (str_eq(argv[i], "--help")) {
            *ret_action = SETTINGS_HELP;
            return 0;
        }
        if (str_eq(argv[i], "--version")) {
            *ret_action = SETTINGS_VERSION;
            return 0;
        }
        if (str_eq(argv[i], "--dump-states")) {
            *ret_action = SETTINGS_STATES;
            return 0;
        }
        if (is_build_option(argv[i], ret_action)) {
            return 0;
        }
        const struct setting *setting = find_option(argv[i]);
        bool is_file = str_eq(argv[i], "--config");
        if (setting == NULL && !is_file) {
            return unknown_option(argv[i], err);
        }
        if (i + 1 == argc) {
            return error_set(err, REASON_INVALID, argv[i], "%s needs a value", argv[i]);
        }
        const char *value = argv[++i];
        if (is_file) {
            *ret_file = value;
        } else if (settings != NULL) {
            int result = set(settings, setting, value, setting->option, err);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

int settings_read(int argc, char *const *argv, struct settings *ret_settings,
                  enum settings_action *ret_action, struct error *err)
{
    struct error local = {0};
    err = err == NULL ? &local : err;
    const char *file = NULL;
    struct settings settings = {0};
    *ret_action = SETTINGS_RUN;
    int result = read_options(argc, argv, &file, NULL, ret_action, err);
    if (result != 0 || *ret_action != SETTINGS_RUN) {
        return result;
    }
    for (size_t i = 0; i < ARRAY_SIZE(table) && result == 0; i++) {
        result = set(&settings, &table[i], table[i].fallback, table[i].key, err);
    }
    if (result == 0 && (file != NULL || fs_exists(SETTINGS_DEFAULT_FILE))) {
        result = read_file(file != NULL ? file : SETTINGS_DEFAULT_FILE, &settings, err);
    }
    if (result == 0) {
        result = read_options(argc, argv, &file, &settings, ret_action, err);
    }
    if (result == 0) {
        *ret_settings = settings;
    }
    return result;
}

bool settings_text(size_t number, struct setting_text *ret_text)
{
    if (number >= ARRAY_SIZE(table)) {
        return false;
    }
    const struct setting *setting = &table[number];
    *ret_text = (struct setting_text){.key = setting->key,
                                      .option = setting->option,
                                      .operand = setting->operand,
                                      .fallback = setting->fallback,
                                      .help = setting->help};
    return true;
}

#define HELP_INDENT 29
#define HELP_WIDTH 80

/* Adds words, and a line for each that has no room in the one before. */
static void add_wrapped(struct strbuf *out, size_t used, size_t indent, const char *text)
{
    for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (used + 1 + len > HELP_WIDTH) {
            strbuf_addf(out, "\n%*s", (int)indent, "");
            used = indent;
        } else if (at != text) {
            strbuf_add(out, " ");
            used++;
        }
        strbuf_addn(out, at, len);
        used += len;
        at += len;
    }
    strbuf_add(out, "\n");
}

static void add_help(struct strbuf *out, const char *left, const char *help, const char *fallback)
{
    CLEANUP_FREE char *text = xasprintf("%s%s%s%s", help, fallback[0] == '\0' ? "" : " [", fallback,
                                        fallback[0] == '\0' ? "" : "]");
    strbuf_addf(out, "  %-26s ", left);
    add_wrapped(out, HELP_INDENT, HELP_INDENT, text);
}

void settings_help(struct strbuf *out)
{
    strbuf_add(out, "Usage: cleaved [OPTION VALUE]…\n"
                    "Gives the virtual machines of this host a GPU or a part of one.\n\n");
    add_help(out, "--config FILE", "settings; one key per option below", SETTINGS_DEFAULT_FILE);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        char left[48];
        (void)snprintf(left, sizeof(left), "%s %s", table[i].option, table[i].operand);
        add_help(out, left, table[i].help, table[i].fallback);
    }
    strbuf_add(out, "  --dump-states              print the state machines for Graphviz\n"
                    "  --help, --version\n\nKeys in the file: ");
    CLEANUP_STRBUF struct strbuf keys = {0};
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        strbuf_addf(&keys, "%s%s", i == 0 ? "" : " ", table[i].key);
    }
    add_wrapped(out, strlen("Keys in the file: "), 0, strbuf_str(&keys));
}
