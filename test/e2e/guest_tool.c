/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_port's migration from a command line, as the daemon uses it: one port moves, another
 * watches and cancels. Prints what it saw, one JSON object per line. Usage: guest_tool VM DEST-URI
 * MIGRATE-URI FROM TO [keep] [direct] [slow] [cancel] [quick]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/libvirt_port.h"

struct watch {
    struct guest_port *port;
    const char *vm;
    bool cancel;
    atomic_bool over;
};

static void print_json(json_t *json)
{
    CLEANUP_JSON json_t *own = json;
    CLEANUP_FREE char *text = json_text(own);
    puts(text);
    (void)fflush(stdout);
}

static void print(const char *what, const struct guest_progress *it)
{
    static const char *const jobs[] = {"none", "running", "done", "failed", "cancelled"};
    print_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "what", what, "job",
                         jobs[it->job], "processed", (json_int_t)it->processed_bytes.value,
                         "remaining", (json_int_t)it->remaining_bytes.value, "dirty",
                         (json_int_t)it->dirty_bytes_per_s.value, "elapsedMs",
                         (json_int_t)it->elapsed_ms.value, "downtimeMs",
                         (json_int_t)it->downtime_ms.value, "runsHere", it->runs_here));
}

static void *watch_run(void *data)
{
    struct watch *watch = data;
    while (!atomic_load(&watch->over)) {
        struct guest_progress now = {0};
        struct error err = {0};
        int result = watch->port->ops->migrate_progress(watch->port, watch->vm, &now, &err);
        if (result == 0 && now.job == GUEST_JOB_RUNNING && now.processed_bytes.value > 0) {
            print("progress", &now);
            if (watch->cancel) {
                (void)watch->port->ops->migrate_cancel(watch->port, watch->vm, &err);
            }
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return NULL;
}

/* An address or an mdev's UUID. */
static struct hostdev device_of(const char *text)
{
    struct hostdev device = {0};
    if (!pci_addr_parse(text, &device.addr)) {
        device.is_mdev = true;
        STR_SET(device.mdev_uuid, text);
    }
    return device;
}

static int rewritten(struct guest_port *port, const char *vm, enum guest_xml which,
                     const struct hostdev_change *change, char **ret_xml, struct error *err)
{
    CLEANUP_FREE char *xml = NULL;
    int result = port->ops->read_xml(port, vm, which, &xml, err);
    return result < 0 ? result : port->ops->rewrite(port, xml, change, 1, ret_xml, err);
}

static bool has_word(char **words, const char *word)
{
    while (*words != NULL && !str_eq(*words, word)) {
        words++;
    }
    return *words != NULL;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: guest_tool VM DEST-URI MIGRATE-URI FROM TO [WORD…]\n");
        return 2;
    }
    struct guest_port *port = libvirt_port_new("qemu:///system");
    struct guest_port *second = libvirt_port_new("qemu:///system");
    struct hostdev_change change = {.from = device_of(argv[4]), .to = device_of(argv[5])};
    struct error err = {0};
    CLEANUP_FREE char *live = NULL;
    CLEANUP_FREE char *stored = NULL;
    struct guest_migration migration = {.vm = argv[1],
                                        .dest_uri = argv[2],
                                        .migrate_uri = argv[3],
                                        .keep_source = has_word(argv, "keep"),
                                        .direct = has_word(argv, "direct"),
                                        .bandwidth_bytes =
                                            has_word(argv, "slow") ? 4 * 1024 * 1024 : 0,
                                        .max_downtime_ms = has_word(argv, "quick") ? 50 : 0};
    struct guest_progress done = {0};
    int result = rewritten(port, argv[1], GUEST_XML_MIGRATABLE, &change, &live, &err);
    if (result == 0) {
        result = rewritten(port, argv[1], GUEST_XML_STORED, &change, &stored, &err);
    }
    migration.dest_xml = live;
    migration.persist_xml = stored;
    struct watch watch = {.port = second, .vm = argv[1], .cancel = has_word(argv, "cancel")};
    pthread_t thread;
    if (result == 0 && pthread_create(&thread, NULL, watch_run, &watch) == 0) {
        result = port->ops->migrate(port, &migration, &done, &err);
        atomic_store(&watch.over, true);
        pthread_join(thread, NULL);
    }
    print("end", &done);
    if (result < 0) {
        print_json(json_pack("{s:s, s:s, s:s}", "what", "error", "reason", reason_name(err.reason),
                             "message", err.message));
    }
    second->ops->free(second);
    port->ops->free(port);
    return result < 0 ? 1 : 0;
}
