/* SPDX-License-Identifier: Apache-2.0 */
/* A command: what can be typed, what help says, what runs; and the functions that run. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/cli.h"

#define VERB_MAX_ARGS 2
#define VERB_MAX_OPTIONS 12
#define WORDS_MAX_REPEATED 8

struct verb_option {
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* "TYPE"; NULL: takes none */
    const char *help;
};

/* A command line, taken apart. */
struct arguments {
    const struct verb *verb;
    const char *args[VERB_MAX_ARGS]; /* each: args[0] is one name after the other */
    size_t n_args;
    char *const *names; /* each: all of them */
    size_t n_names;
    const char
        *values[VERB_MAX_OPTIONS]; /* by index into verb->options; "" for a flag that is set */
    const char *repeated[WORDS_MAX_REPEATED]; /* of the option that repeats: all of its values */
    size_t n_repeated;
};

typedef int verb_fn(struct cli *cli, const struct arguments *arguments, struct error *err);

struct verb {
    const char *object; /* "claim" */
    const char *name;   /* "create"; NULL when the object is all there is ("apply") */
    const char *args;   /* "NAME" */
    size_t n_args;
    bool each;     /* takes any number of names, and runs once for each */
    bool in_order; /* each: what is done to a name depends on what was done to those before it */
    const char *help;
    const struct verb_option *options;
    size_t n_options;
    size_t repeats; /* 1 + index of the option that may be given several times; 0: none */
    bool changes;   /* takes --dry-run and, if a plan may follow, --no-wait */
    bool waits;
    verb_fn *run;
    int (*run_raw)(int argc, char **argv); /* instead of run: parses its own words */
};

verb_fn cmd_gpu_list;
verb_fn cmd_gpu_show;
verb_fn cmd_gpu_mode;
verb_fn cmd_gpu_cordon;
verb_fn cmd_gpu_uncordon;
verb_fn cmd_gpu_recover;
verb_fn cmd_profile_list;
verb_fn cmd_claim_create;
verb_fn cmd_claim_list;
verb_fn cmd_claim_show;
verb_fn cmd_claim_delete;
verb_fn cmd_claim_restore;
verb_fn cmd_plan_list;
verb_fn cmd_gpu_scheduler;
verb_fn cmd_plan_show;
verb_fn cmd_apply;
verb_fn cmd_vm_list;
verb_fn cmd_vm_create;
verb_fn cmd_vm_start;
verb_fn cmd_vm_stop;
verb_fn cmd_vm_lint;
verb_fn cmd_vm_delete;
verb_fn cmd_vm_migrate;
verb_fn cmd_migration_list;
verb_fn cmd_migration_show;
verb_fn cmd_migration_cancel;
verb_fn cmd_migration_settle;
verb_fn cmd_operation_list;
verb_fn cmd_operation_show;
verb_fn cmd_operation_watch;
verb_fn cmd_operation_cancel;
verb_fn cmd_event_list;
verb_fn cmd_rule_list;
verb_fn cmd_host_drain;
verb_fn cmd_host_undrain;
verb_fn cmd_host_show;
verb_fn cmd_gc;
verb_fn cmd_host_restore;
/* Offline: they parse their own words, argv[0] is the verb; they return the exit status. */
int cmd_host_capture(int argc, char **argv);
int cmd_dial(int argc, char **argv);
int cmd_layout_check(int argc, char **argv);
int cmd_hook_qemu(int argc, char **argv);

/* Indices of the options in the table, for arguments->values. */
enum { CLAIM_LIST_RELEASED };
enum {
    CLAIM_VM,
    CLAIM_MODE,
    CLAIM_GPU,
    CLAIM_TYPE,
    CLAIM_PROFILE,
    CLAIM_MIXED,
    CLAIM_GUEST,
    CLAIM_MIGRATABLE,
    CLAIM_TENANT,
    CLAIM_ON_DEMAND,
    CLAIM_MOVE_IDLE
};
enum { SCHEDULER_SLICE, SCHEDULER_FREQUENCY, SCHEDULER_AVERAGING };
enum { CORDON_REASON };
enum { DRAIN_TO, DRAIN_STOP, DRAIN_PARALLEL, DRAIN_REASON, DRAIN_STATUS, DRAIN_CANCEL };
enum { RESTORE_TIMEOUT };
enum { PROFILE_GPU };
enum { APPLY_FILE, APPLY_MOVE_IDLE };
enum { VM_TEMPLATE };
enum { VM_NOW, VM_STOP_TIMEOUT };
enum { LINT_STRICT };
enum { MIGRATE_PEER, MIGRATE_URI, MIGRATE_BANDWIDTH, MIGRATE_MAX_DOWNTIME, MIGRATE_STRICT };
enum { SETTLE_AWAY, SETTLE_HERE };
enum { OPERATION_STATE, OPERATION_KIND, OPERATION_SUBJECT, OPERATION_ALL };
enum { EVENT_AFTER, EVENT_LIMIT };

#endif
