/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sim/guest/pulse.h"
#include "sim/main/verbs.h"
#include "sim/rpc/rpc.h"

/* A request from the words after the operation's name; NULL when they don't fit. */
typedef json_t *make_fn(const char *op, char *const *words, int n);

static json_t *make_plain(const char *op, char *const *words, int n)
{
    (void)words;
    return n == 0 ? json_pack("{s:s}", "op", op) : NULL;
}

static json_t *make_gpu(const char *op, char *const *words, int n)
{
    return n == 1 ? json_pack("{s:s, s:s}", "op", op, "gpu", words[0]) : NULL;
}

static json_t *make_sriov(const char *op, char *const *words, int n)
{
    if (n != 2 || (!str_eq(words[1], "on") && !str_eq(words[1], "off"))) {
        return NULL;
    }
    return json_pack("{s:s, s:s, s:b}", "op", op, "gpu", words[0], "enable",
                     str_eq(words[1], "on"));
}

static json_t *make_set(const char *op, char *const *words, int n)
{
    return n == 3 ? json_pack("{s:s, s:s, s:s, s:s}", "op", op, "gpu", words[0], "key", words[1],
                              "value", words[2])
                  : NULL;
}

static json_t *make_describe(const char *op, char *const *words, int n)
{
    return n == 1 ? json_pack("{s:s, s:s}", "op", op, "device", words[0]) : NULL;
}

static json_t *make_licence(const char *op, char *const *words, int n)
{
    return n == 2 || n == 3 ? json_pack("{s:s, s:s, s:s, s:s}", "op", op, "device", words[0],
                                        "state", words[1], "until", n == 3 ? words[2] : "")
                            : NULL;
}

static json_t *make_open(const char *op, char *const *words, int n)
{
    uint32_t pid = 0;
    bool with_vm = n == 3 && str_eq(op, "open");
    if ((n != 2 && !with_vm) || !parse_u32(words[1], &pid)) {
        return NULL;
    }
    json_t *request =
        json_pack("{s:s, s:s, s:I}", "op", op, "device", words[0], "pid", (json_int_t)pid);
    if (with_vm) {
        json_object_set_new(request, "vm_uuid", json_string(words[2]));
    }
    return request;
}

/* ---- faults ---- */

/* 3, 0.5, true, or a text. */
static json_t *value_of(const char *text)
{
    char *end = NULL;
    long long whole = strtoll(text, &end, 10);
    if (text[0] != '\0' && *end == '\0') {
        return json_integer(whole);
    }
    double real = strtod(text, &end);
    if (text[0] != '\0' && *end == '\0') {
        return json_real(real);
    }
    bool yes = str_eq(text, "true");
    return yes || str_eq(text, "false") ? json_boolean(yes) : json_string(text);
}

/* "at=sriov-manage errno=EIO count=2" */
static json_t *make_fault_add(char *const *words, int n)
{
    CLEANUP_JSON json_t *request = json_pack("{s:s}", "op", "fault-add");
    for (int i = 0; i < n; i++) {
        CLEANUP_FREE char *key = xstrdup(words[i]);
        char *equals = strchr(key, '=');
        if (equals == NULL) {
            return NULL;
        }
        *equals = '\0';
        json_object_set_new(request, key, value_of(equals + 1));
    }
    return n > 0 ? json_incref(request) : NULL;
}

static json_t *make_fault(const char *op, char *const *words, int n)
{
    (void)op;
    if (n == 0) {
        return NULL;
    }
    if (str_eq(words[0], "add")) {
        return make_fault_add(&words[1], n - 1);
    }
    if (str_eq(words[0], "list") && n == 1) {
        return json_pack("{s:s}", "op", "fault-list");
    }
    uint32_t id = 0;
    if (!str_eq(words[0], "clear") || n > 2 || (n == 2 && !parse_u32(words[1], &id))) {
        return NULL;
    }
    return n == 1 ? json_pack("{s:s}", "op", "fault-clear")
                  : json_pack("{s:s, s:I}", "op", "fault-clear", "id", (json_int_t)id);
}

static const struct {
    const char *op;
    make_fn *make;
    const char *args;
    const char *text;
} ops[] = {
    {"status", make_plain, "", "the whole state of the host"},
    {"reboot", make_plain, "", "end all emulators, restart the hardware"},
    {"driver-reload", make_plain, "", "unload, load the driver; not while a VM runs"},
    {"driver-unload", make_plain, "", "its first half: neither NVML nor its files"},
    {"driver-load", make_plain, "", "its second half, as modprobe nvidia"},
    {"reset", make_gpu, "GPU", "reset one GPU, as nvidia-smi -r does"},
    {"sriov", make_sriov, "GPU|ALL on|off", "enable or disable virtual functions"},
    {"set", make_set, "GPU KEY VALUE", "lost 0|1|rescan, wedged 0|1, no_reset 0|1,"},
    {"", make_plain, "", "holder NAME (\"\": none),"},
    {"", make_plain, "", "instance_choice fill|spread|random"},
    {"describe", make_describe, "DEVICE", "the device's page in the guest, its heartbeat"},
    {"licence", make_licence, "DEVICE STATE [T]", "of a VM's vGPU: licensed (until T),"},
    {"", make_licence, "", "unrestricted, restricted, unlicensed,"},
    {"", make_licence, "", "uninitialized"},
    {"open", make_open, "DEVICE PID [VM]", "hold a device, as an emulator does"},
    {"close", make_open, "DEVICE PID", "release it"},
    {"fault", make_fault, "add KEY=VALUE...", "arm a fault: at, device, access, nvml, errno,"},
    {"", make_plain, "", "delay_ms, hang, lost, wedged, xid, ecc, after,"},
    {"", make_plain, "", "count, probability, for_s"},
    {"fault", make_fault, "list", "the armed faults, and how often each struck"},
    {"fault", make_fault, "clear [ID]", "disarm one, or all"},
};

static int usage(FILE *to, int status)
{
    fputs("usage: cleave-sim ctl [--socket PATH] OPERATION [ARGUMENT...]\n\n"
          "Asks the simulated host it runs on (from outside: the one at PATH) and prints\n"
          "the reply as JSON. The exit status is 1 where the host refuses. GPU is a PCI\n"
          "address; DEVICE is one or an mdev's UUID.\n\n",
          to);
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        fprintf(to, "  %-13s %-17s %s\n", ops[i].op, ops[i].args, ops[i].text);
    }
    return status;
}

/* Adds what the guest's device page says to the answer about an open device. */
static void add_guest(json_t *answer)
{
    json_t *opener = json_object_get(answer, "opener");
    const char *device = json_string_value(json_object_get(answer, "device"));
    struct guest_page page;
    struct error err = {0};
    if (opener == NULL || device == NULL) {
        return;
    }
    if (pulse_read((int32_t)json_integer_value(opener), device, &page, &err) < 0) {
        json_object_set_new(answer, "guest_problem", json_string(err.message));
        return;
    }
    page.vm_name[sizeof(page.vm_name) - 1] = '\0';
    json_object_set_new(
        answer, "guest",
        json_pack("{s:s, s:I}", "vm", page.vm_name, "heartbeat", (json_int_t)page.heartbeat));
}

static int print_answer(const char *reply, bool about_device)
{
    struct error err = {0};
    CLEANUP_JSON json_t *answer = NULL;
    if (json_read(reply, strlen(reply), "reply", &answer, &err) < 0) {
        return say_error(&err);
    }
    if (about_device) {
        add_guest(answer);
    }
    CLEANUP_FREE char *text = json_text(answer);
    puts(text);
    return json_is_true(json_object_get(answer, "ok")) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int send_request(const char *socket_path, const json_t *request)
{
    CLEANUP_FREE char *text = json_text(request);
    CLEANUP_FREE char *reply = NULL;
    int result = sim_ctl_call(socket_path, text, &reply);
    if (result < 0) {
        struct error err = {0};
        error_set_errno(&err, -result, socket_path != NULL ? socket_path : SIM_SOCKET,
                        "asking the simulated host");
        error_hint(&err, "run it inside `cleave-sim run`, or give --socket");
        return say_error(&err);
    }
    const char *op = json_string_value(json_object_get(request, "op"));
    return print_answer(reply, str_eq(op, "describe"));
}

int verb_ctl(int argc, char **argv)
{
    static const struct option longs[] = {
        {"socket", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *socket_path = NULL;
    for (int c = 0; c != -1;) {
        c = getopt_long(argc, argv, "+h", longs, NULL);
        if (c == 's') {
            socket_path = optarg;
        } else if (c == 'h') {
            return usage(stdout, EXIT_SUCCESS);
        } else if (c == '?') {
            return usage(stderr, EXIT_USAGE);
        }
    }
    for (size_t i = 0; optind < argc && i < ARRAY_SIZE(ops); i++) {
        if (argv[optind][0] != '\0' && str_eq(ops[i].op, argv[optind])) {
            CLEANUP_JSON json_t *request =
                ops[i].make(ops[i].op, &argv[optind + 1], argc - optind - 1);
            return request != NULL ? send_request(socket_path, request) : usage(stderr, EXIT_USAGE);
        }
    }
    return usage(stderr, EXIT_USAGE);
}
