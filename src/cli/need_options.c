/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/need_options.h"

#include "base/parse.h"
#include "base/str.h"
#include "cli/need_words.h"

#define COUNT_MAX 1024
#define GPUS_MAX 16

static int read_number(const char *option, const char *text, uint32_t max, uint32_t *ret_number,
                       struct error *err)
{
    if (parse_u32(text, ret_number) && *ret_number >= 1 && *ret_number <= max) {
        return 0;
    }
    return error_set(err, REASON_INVALID, option, "%s takes a number from 1 to %u, not \"%.40s\"",
                     option, max, text);
}

static int read_memory(const char *text, struct need *need, struct error *err)
{
    return need_read_memory(text, &need->memory_mib, err);
}

static int read_compute(const char *text, struct need *need, struct error *err)
{
    return need_read_percent(text, &need->compute, err);
}

static int read_gpus(const char *text, struct need *need, struct error *err)
{
    return read_number("--gpus", text, GPUS_MAX, &need->gpus, err);
}

static int read_count(const char *text, struct need *need, struct error *err)
{
    return read_number("--count", text, COUNT_MAX, &need->count, err);
}

/* A reader of a member that is one word of a table. */
#define WORD_READER(function, option, member, words, first)                                        \
    static int function(const char *text, struct need *need, struct error *err)                    \
    {                                                                                              \
        uint32_t value = first;                                                                    \
        int r = need_read_word(option, text, &words, &value, err);                                 \
        if (r == 0) {                                                                              \
            need->member = (typeof(need->member))value;                                            \
        }                                                                                          \
        return r;                                                                                  \
    }
WORD_READER(read_isolation, "--isolation", isolation, isolation_words, ISOLATION_NONE)
WORD_READER(read_boundary, "--boundary", boundary, boundary_words, BOUNDARY_VM)
WORD_READER(read_guest, "--guest", guest, guest_os_words, GUEST_LINUX)
WORD_READER(read_consumer, "--for", consumer, consumer_words, CONSUMER_VM)
WORD_READER(read_scheduler, "--scheduler", scheduler, scheduler_policy_words, SCHEDULER_UNKNOWN)

/* A reader of a member that is set by its option. */
#define FLAG_READER(function, member)                                                              \
    static int function(const char *text, struct need *need, struct error *err)                    \
    {                                                                                              \
        (void)text;                                                                                \
        (void)err;                                                                                 \
        need->member = true;                                                                       \
        return 0;                                                                                  \
    }
FLAG_READER(read_usable, usable_memory)
FLAG_READER(read_predictable, predictable)
FLAG_READER(read_graphics, graphics)
FLAG_READER(read_live_migration, live_migration)
FLAG_READER(read_unified_memory, unified_memory)
FLAG_READER(read_peer_traffic, peer_traffic)
FLAG_READER(read_mixed, mixed)

static const struct {
    const char *name;
    int (*read)(const char *text, struct need *need, struct error *err);
    bool shared; /* claims have it without a need, too */
} options[] = {
    {"memory", read_memory, false},
    {"usable", read_usable, false},
    {"compute", read_compute, false},
    {"isolation", read_isolation, false},
    {"boundary", read_boundary, false},
    {"predictable", read_predictable, false},
    {"guest", read_guest, true},
    {"graphics", read_graphics, false},
    {"live-migration", read_live_migration, false},
    {"unified-memory", read_unified_memory, false},
    {"gpus", read_gpus, false},
    {"peer-traffic", read_peer_traffic, false},
    {"count", read_count, true},
    {"mixed", read_mixed, true},
    {"scheduler", read_scheduler, false},
    {"licences", need_read_licences, false},
    {"for", read_consumer, false},
};

/* NULL: the command has no such option, or it is not given. */
static const char *value_of(const struct arguments *arguments, const char *name)
{
    const struct command *command = arguments->command;
    for (size_t i = 0; i < command->n_options; i++) {
        if (str_eq(command->options[i].name, name)) {
            return arguments->values[i];
        }
    }
    return NULL;
}

bool need_options_given(const struct arguments *arguments)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (!options[i].shared && value_of(arguments, options[i].name) != NULL) {
            return true;
        }
    }
    return false;
}

int need_options_read(const struct arguments *arguments, struct need *ret_need, struct error *err)
{
    struct need need = {.any_licence = true};
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const char *text = value_of(arguments, options[i].name);
        int r = text == NULL ? 0 : options[i].read(text, &need, err);
        if (r != 0) {
            return r;
        }
    }
    *ret_need = need;
    return 0;
}

/* Keys of a need's JSON form, which conflicts name, as options. */
static const struct {
    const char *key, *option;
} spelled[] = {
    {"boundary", "--boundary"},
    {"consumer", "--for host"},
    {"count", "--count"},
    {"gpus", "--gpus"},
    {"graphics", "--graphics"},
    {"guest", "--guest"},
    {"isolation", "--isolation"},
    {"liveMigration", "--live-migration"},
    {"memory", "--memory"},
    {"mixed", "--mixed"},
    {"params", "--param"},
    {"peerTraffic", "--peer-traffic"},
    {"predictable", "--predictable"},
    {"scheduler", "--scheduler"},
    {"unifiedMemory", "--unified-memory"},
    {"usableMemory", "--usable"},
};

static const char *option_of(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(spelled); i++) {
        if (str_eq(spelled[i].key, key)) {
            return spelled[i].option;
        }
    }
    return key;
}

int need_options_check(const struct need *need, struct error *err)
{
    const struct need_conflict *conflict = need_find_conflict(need);
    return conflict == NULL
               ? 0
               : error_set(err, REASON_INVALID, option_of(conflict->word), "%s contradicts %s: %s",
                           option_of(conflict->word), option_of(conflict->other), conflict->why);
}
