/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/argv.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Options whose value is text of the user's: it may look like an option and is none. */
static const char *const text_options[] = {"append", "dtb",  "fw_cfg", "initrd", "kernel",
                                           "name",   "uuid", "smbios", "title"};

/* The option's name without its one or two dashes, or NULL. */
static const char *option_name(const char *arg)
{
    if (arg[0] != '-') {
        return NULL;
    }
    return arg[1] == '-' ? arg + 2 : arg + 1;
}

static bool takes_text(const char *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(text_options); i++) {
        if (str_eq(option, text_options[i])) {
            return true;
        }
    }
    return false;
}

/* -name guest=web1,debug-threads=on, or -name web1,… */
static void read_name(const char *value, struct argv_vm *vm)
{
    const char *name = str_starts(value, "guest=") ? value + strlen("guest=") : value;
    CLEANUP_FREE char *copy = xstrndup(name, strcspn(name, ","));
    STR_SET(vm->name, copy);
}

/* Walks over the options; `fn` gets the value of each -device and says whether to go on. */
typedef bool device_fn(void *data, size_t index);

static void walk(char *const *argv, struct argv_vm *vm, device_fn *fn, void *data)
{
    for (size_t i = 1; argv[i] != NULL; i++) {
        const char *option = option_name(argv[i]);
        const char *value = argv[i + 1];
        if (option == NULL || value == NULL) {
            continue;
        }
        if (vm != NULL && str_eq(option, "name")) {
            read_name(value, vm);
        } else if (vm != NULL && str_eq(option, "uuid")) {
            STR_SET(vm->uuid, value);
        } else if (vm != NULL && str_eq(option, "incoming")) {
            vm->incoming = true;
        } else if (fn != NULL && str_eq(option, "device") && !fn(data, i + 1)) {
            return;
        }
        i += takes_text(option) ? 1 : 0;
    }
}

struct search {
    char *const *argv;
    size_t at[ARGV_MAX_DEVICES]; /* where assignments are */
    size_t n;
    bool too_many;
};

static bool note_assignment(void *data, size_t index)
{
    struct search *search = data;
    struct device_arg arg = {0};
    if (!device_arg_parse(search->argv[index], &arg)) {
        return true;
    }
    device_arg_done(&arg);
    search->too_many = search->n == ARGV_MAX_DEVICES;
    if (!search->too_many) {
        search->at[search->n++] = index;
    }
    return !search->too_many;
}

bool argv_assigns(char *const *argv)
{
    struct search search = {.argv = argv};
    walk(argv, NULL, note_assignment, &search);
    return search.n > 0;
}

static void push(struct strlist *list, char *text)
{
    *vec_push(list) = text;
}

/* Puts `-object … -device …` where `-device …` was; its "-device" is in the list already. */
static void push_stand_in(struct strlist *out, const struct device_arg *arg,
                          const struct device_memory *memory, unsigned index)
{
    free(out->items[--out->n]);
    push(out, xstrdup("-object"));
    push(out, device_arg_object(arg, memory, index));
    push(out, xstrdup("-device"));
    push(out, device_arg_stand_in(arg, memory, index));
}

struct rewrite {
    struct argv_vm vm;
    argv_open_fn *open;
    void *data;
    struct strlist out;
    unsigned n_devices;
};

static int rewrite_device(struct rewrite *rw, const char *text, struct error *err)
{
    struct device_arg arg = {0};
    struct device_memory memory = {0};
    if (!device_arg_parse(text, &arg)) {
        return error_set(err, REASON_INTERNAL, "emulator", "\"%s\" changed under way", text);
    }
    int result = rw->open(rw->data, arg.device, &rw->vm, &memory, err);
    if (result == 0 && memory.path[0] != '\0') {
        push_stand_in(&rw->out, &arg, &memory, rw->n_devices++);
    } else if (result == 0 && memory.placeholder) {
        push(&rw->out, device_arg_placeholder(&arg));
    } else if (result == 0) {
        push(&rw->out, xstrdup(text));
    }
    device_arg_done(&arg);
    return result;
}

int argv_rewrite(char *const *argv, argv_open_fn *open, void *data, struct strlist *ret_argv,
                 struct error *err)
{
    struct search search = {.argv = argv};
    struct rewrite rw = {.open = open, .data = data};
    walk(argv, &rw.vm, note_assignment, &search);
    if (search.too_many) {
        return error_set(err, REASON_INVALID, "emulator", "more than %d assigned devices",
                         ARGV_MAX_DEVICES);
    }
    size_t next = 0;
    for (size_t i = 0; argv[i] != NULL; i++) {
        if (next == search.n || search.at[next] != i) {
            push(&rw.out, xstrdup(argv[i]));
            continue;
        }
        next++;
        int result = rewrite_device(&rw, argv[i], err);
        if (result < 0) {
            strlist_done(&rw.out);
            return result;
        }
    }
    push(&rw.out, NULL);
    *ret_argv = rw.out;
    return 0;
}
