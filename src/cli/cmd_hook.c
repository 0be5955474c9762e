/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's qemu hook. libvirtd waits for it and holds the VM's lock: it asks cleaved, never
 * libvirt, and never longer than a bounded while. What it writes to standard error is what the user
 * of libvirt reads; nothing goes to standard output, which would be taken for a changed definition.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/stopping.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/exit_statuses.h"

#define DEFAULT_CONFIG "/etc/cleave/hook.yaml"
#define MAX_PATH_LEN 107 /* sun_path */
#define TIMEOUT_S 90     /* longer than cleaved's own deadline, so that its answer gets here */
#define RELEASE_TIMEOUT_S 5
#define NOTE_TIMEOUT_S 3
#define MAX_XML (16 * 1024 * 1024) /* libvirt's own limit is 4 MiB: REMOTE_STRING_MAX */
#define MAX_ASKED_XML (512 * 1024) /* cleaved takes no more */
#define MAX_ASKED_BODY (1024 * 1024)
#define ALIAS "ua-cleave-"

struct hook {
    const char *domain, *operation, *sub_operation, *extra;
    char *xml;
    size_t len;
    bool ours;        /* the definition has a device of cleave */
    bool has_devices; /* it may give the VM a device of the host */
    char socket[MAX_PATH_LEN + 1];
    bool allow_without;
    bool found_none; /* no process serves the socket */
};

static const char help[] =
    "Usage: cleave hook qemu DOMAIN OPERATION SUBOPERATION EXTRA < domain.xml\n"
    "\n"
    "libvirt's qemu hook, for /etc/libvirt/hooks/qemu.d: asks cleaved to make the\n"
    "VM's devices before it starts, and tells it when the VM is off. Settings:\n" DEFAULT_CONFIG
    ", or the file that $CLEAVE_HOOK_CONFIG names: socket,\n"
    "withoutCleaved (refuse or allow). With another exit status than 0 the VM may not\n"
    "start, and standard error says why.\n";

static const struct command_status statuses[] = {
    {EXIT_STATUS_DONE, "the VM may start"},
    {0},
};

WORDS_LOCAL(without_words, "answer", 2, WORD(0, "refuse"), WORD(1, "allow"))

static int read_config(struct hook *hook, struct error *err)
{
    const char *named = getenv("CLEAVE_HOOK_CONFIG");
    const char *path = named != NULL ? named : DEFAULT_CONFIG;
    STR_SET(hook->socket, CLIENT_DEFAULT_SOCKET);
    if (named == NULL && !fs_exists(path)) {
        return 0;
    }
    CLEANUP_JSON json_t *json = NULL;
    int r = json_read_file(path, &json, err);
    if (r != 0) {
        return r;
    }
    struct reader reader;
    reader_init(&reader, json, path, "", err);
    STR_SET(hook->socket, reader_str_or(&reader, "socket", MAX_PATH_LEN, CLIENT_DEFAULT_SOCKET));
    hook->allow_without = reader_word_or(&reader, "withoutCleaved", &without_words, 0) == 1;
    return reader_end(&reader);
}

static int ask(struct hook *hook, long timeout_s, struct error *err)
{
    CLEANUP(client_freep) struct client *client = client_new(hook->socket);
    CLEANUP_JSON json_t *json = NULL;
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "domain", hook->domain, "operation", hook->operation,
                  "subOperation", hook->sub_operation, "extra", hook->extra, "xml", hook->xml);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the definition of VM \"%s\" is not UTF-8 text",
                         hook->domain);
    }
    if (hook->len > MAX_ASKED_XML || json_dumpb(body, NULL, 0, 0) > MAX_ASKED_BODY) {
        error_set(err, REASON_INVALID, SUBJECT("vm", hook->domain),
                  "VM \"%s\" can't start: its definition names devices of the host, but is too "
                  "long for cleaved (%zu bytes; at most %d)",
                  hook->domain, hook->len, MAX_ASKED_XML);
        error_hint(err,
                   "make the definition shorter. Often <metadata> is too long; `virsh metadata %s` "
                   "shows it",
                   SHELL_WORD(hook->domain));
        return -REASON_INVALID;
    }
    client_set_timeout(client, timeout_s);
    int r = client_call(client, "POST", "/v1/hooks/qemu", body, &json, err);
    hook->found_none = r != 0 && client_found_none(client);
    return r;
}

/* The socket leads nowhere; or cleaved is just stopping. Not a cleaved that is too busy or hangs:
 * clients may have made it so, and whose a device is only it can tell. */
static bool is_without_cleaved(const struct hook *hook, const struct error *err)
{
    return hook->found_none || str_eq(err->subject, STOPPING_SUBJECT);
}

static bool is_unanswered(const struct hook *hook, const struct error *err)
{
    return str_eq(err->subject, hook->socket) || str_eq(err->subject, "cleaved");
}

/* Does the text have one of the words without which no definition assigns a device of the host?
 * Searched as bytes: the question is put where nothing else could read the definition. */
static bool may_have_devices(const char *xml, size_t len)
{
    static const char *const words[] = {"hostdev", "vfio", ALIAS, "qemu:", "schemas/domain/qemu"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (memmem(xml, len, words[i], strlen(words[i])) != NULL) {
            return true;
        }
    }
    return false;
}

/* A definition that was not understood says no where it may have a device: whose that is is what
 * was to be found out. */
static bool may_start_anyway(const struct hook *hook, const struct error *err)
{
    if (is_without_cleaved(hook, err)) {
        return !hook->ours || hook->allow_without;
    }
    return !hook->has_devices && (is_unanswered(hook, err) || err->reason == REASON_INVALID ||
                                  err->reason == REASON_INTERNAL);
}

static void explain(const struct hook *hook, struct error *err)
{
    bool without = is_without_cleaved(hook, err);
    if (without || is_unanswered(hook, err)) {
        error_wrap(err, "VM \"%s\" has devices of %s", hook->domain,
                   hook->ours ? "cleave"
                              : "the host, and cleaved can't say which claims have them");
    }
    if (without && (hook->found_none || err->hint[0] == '\0')) { /* else it runs, and knows */
        error_hint(err,
                   "start cleaved (systemctl start cleaved), or set withoutCleaved: allow in %s",
                   DEFAULT_CONFIG);
    }
}

/* One line: libvirt puts it behind its own words. */
static int refuse(const struct error *err)
{
    fprintf(stderr, "cleave: %s%s%s\n", err->message, err->hint[0] != '\0' ? "; " : "", err->hint);
    return reason_exit_status(err->reason);
}

static int hook_run(struct hook *hook)
{
    struct error err = {0};
    bool prepares = str_eq(hook->operation, "prepare");
    bool notes = str_eq(hook->operation, "restore"); /* standard output stays empty: it is used */
    if (!prepares && !notes && !str_eq(hook->operation, "release")) {
        return 0;
    }
    int r = fs_read_fd(STDIN_FILENO, MAX_XML, &hook->xml, &hook->len);
    if (r < 0) {
        error_set_errno(&err, -r, "", "reading the definition of VM \"%s\"", hook->domain);
        return prepares ? refuse(&err) : 0;
    }
    hook->ours = memmem(hook->xml, hook->len, ALIAS, strlen(ALIAS)) != NULL;
    hook->has_devices = may_have_devices(hook->xml, hook->len);
    long timeout_s = prepares ? TIMEOUT_S : RELEASE_TIMEOUT_S;
    r = read_config(hook, &err);
    r = r != 0 ? r : ask(hook, notes ? NOTE_TIMEOUT_S : timeout_s, &err);
    if (r == 0 || !prepares || may_start_anyway(hook, &err)) {
        return 0;
    }
    explain(hook, &err);
    return refuse(&err);
}

static int cmd_hook_qemu(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        bool asked = argc == 2 && (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"));
        fputs(help, asked ? stdout : stderr);
        if (asked) {
            exit_statuses_print(statuses);
        }
        return asked ? 0 : reason_exit_status(REASON_INVALID);
    }
    struct hook hook = {.domain = argv[1],
                        .operation = argv[2],
                        .sub_operation = argv[3],
                        .extra = argc > 4 ? argv[4] : "-"};
    int code = hook_run(&hook);
    free(hook.xml);
    return code;
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "hook",
     .name = "qemu",
     .args = "DOMAIN OPERATION SUBOPERATION EXTRA",
     .help = "make a VM's devices before it starts (for libvirt's hook)",
     .examples = {"hook qemu web1 prepare begin - < web1.xml"},
     .hidden = true,
     .statuses = statuses,
     .run_raw = cmd_hook_qemu},
};
const struct command_table hook_commands = COMMAND_TABLE(commands);
