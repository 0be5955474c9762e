/* SPDX-License-Identifier: Apache-2.0 */
#include "carrier.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "test.h"

struct carrier {
    struct guest_port port;
    struct guest_port_ops ops;
    struct guest_port *inner;
    struct carrier_way way;
};

static struct guest_port *inner_of(struct guest_port *port)
{
    return ((struct carrier *)(void *)port)->inner;
}

static int carrier_rewrite(struct guest_port *port, const char *xml,
                           const struct hostdev_change *changes, size_t n_changes, char **ret_xml,
                           struct error *err)
{
    (void)port;
    (void)xml;
    (void)err;
    CLEANUP_STRBUF struct strbuf text = {0};
    for (size_t i = 0; i < n_changes; i++) {
        char bdf[BDF_SIZE];
        strbuf_addf(&text, "%s ", pci_addr_format(&changes[i].to.addr, bdf));
    }
    *ret_xml = strbuf_take(&text);
    return 0;
}

static int carrier_read_xml(struct guest_port *port, const char *vm, enum guest_xml which,
                            char **ret_xml, struct error *err)
{
    return inner_of(port)->ops->read_xml(inner_of(port), vm, which, ret_xml, err);
}

static int carrier_progress(struct guest_port *port, const char *vm,
                            struct guest_progress *ret_progress, struct error *err)
{
    return inner_of(port)->ops->migrate_progress(inner_of(port), vm, ret_progress, err);
}

static int carrier_cancel(struct guest_port *port, const char *vm, struct error *err)
{
    return inner_of(port)->ops->migrate_cancel(inner_of(port), vm, err);
}

static int carrier_undefine(struct guest_port *port, const char *vm, struct error *err)
{
    return inner_of(port)->ops->undefine(inner_of(port), vm, err);
}

static void arrive(const struct carrier_way *way, const struct guest_migration *migration)
{
    fake_lock();
    struct fake_vm *from = fake_host_vm(way->from, migration->vm);
    struct fake_vm *to = fake_host_add_vm(way->to, migration->vm);
    assert_non_null(to);
    STR_SET(to->uuid, from->uuid);
    to->running = true;
    char text[256];
    STR_SET(text, migration->dest_xml == NULL ? "" : migration->dest_xml);
    char *rest = text;
    for (char *bdf = strsep(&rest, " "); bdf != NULL && bdf[0] != '\0'; bdf = strsep(&rest, " ")) {
        STR_SET(to->claims[to->n_devices], "a");
        assert_true(pci_addr_parse(bdf, &to->devices[to->n_devices++]));
    }
    fake_unlock();
}

/* libvirt moves it, whether its caller hears of that or not. */
static int carrier_migrate(struct guest_port *port, const struct guest_migration *migration,
                           struct guest_progress *ret_done, struct error *err)
{
    const struct carrier_way *way = &((struct carrier *)(void *)port)->way;
    bool was = fake_host_vm(way->from, migration->vm)->running;
    int r = inner_of(port)->ops->migrate(inner_of(port), migration, ret_done, err);
    bool is = fake_host_vm(way->from, migration->vm)->running;
    if (was && !is) {
        arrive(way, migration);
        if (*way->is_lost_there) {
            atomic_store(way->lost, true);
            return error_set(err, REASON_UNAVAILABLE, "libvirt", "the connection is gone");
        }
    }
    return r;
}

static void carrier_free(struct guest_port *port)
{
    inner_of(port)->ops->free(inner_of(port));
    free(port);
}

struct guest_port *carrier_new(struct mhost *mhost, const struct carrier_way *way)
{
    struct carrier *carrier = xcalloc(1, sizeof(*carrier));
    carrier->ops = (struct guest_port_ops){.read_xml = carrier_read_xml,
                                           .rewrite = carrier_rewrite,
                                           .migrate = carrier_migrate,
                                           .migrate_progress = carrier_progress,
                                           .migrate_cancel = carrier_cancel,
                                           .undefine = carrier_undefine,
                                           .free = carrier_free};
    carrier->port.ops = &carrier->ops;
    carrier->way = *way;
    carrier->inner = faulty_guest_new(fake_guest_port_new(mhost->host), &mhost->faults);
    return &carrier->port;
}
