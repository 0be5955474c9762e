/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the record of a boot: what that took is back, given up, or wanted again. */
#include "restore/boot_end.h"

#include "base/log.h"
#include "state/boot_record.h"
#include "state/state.h"
#include "state/txn.h"

/* In the ledger's turn. Waits for the disk. */
static int store(struct manager *m, const struct boot_record *boot, struct error *err)
{
    struct txn txn;
    txn_begin(&txn, m);
    boot_record_put(&txn.draft, boot);
    return txn_commit(&txn, err);
}

int boot_end_give_up(struct manager *m, struct error *err)
{
    struct boot_record boot = {0};
    int r = boot_record_read(m, &boot, err);
    if (r != 0 || boot.id[0] == '\0' || boot.given_up) {
        return r;
    }
    boot.given_up = true;
    boot.driver_load = m->host->driver_load;
    return store(m, &boot, err);
}

static void put(struct manager *m, const struct boot_record *boot, draft_done_fn *done)
{
    struct txn txn;
    txn_begin(&txn, m);
    boot_record_put(&txn.draft, boot);
    txn_commit_then(&txn, done, NULL);
}

/* A failure ends with this process. */
static void wanted_stored(const struct error *err, void *data)
{
    (void)data;
    if (err != NULL) {
        log_warning("can't store that the restoration is wanted again: %s", err->message);
    }
}

static void put_wanted(void *data)
{
    struct manager *m = data;
    struct error err = {0};
    struct boot_record boot = {0};
    if (boot_record_read(m, &boot, &err) != 0) {
        wanted_stored(&err, NULL);
    } else if (boot.id[0] != '\0' && boot.given_up) {
        boot.given_up = false;
        put(m, &boot, wanted_stored);
    }
}

void boot_end_reopen(struct manager *m)
{
    ledger_take_turn(m->ledger, put_wanted, m);
}

/* The next start restores once more, and finds nothing to do. */
static void restored_stored(const struct error *err, void *data)
{
    (void)data;
    if (err != NULL) {
        log_warning("can't store that the host was restored in this boot: %s", err->message);
    }
}

static void put_restored(void *data)
{
    struct manager *m = data;
    struct error err = {0};
    struct boot_record boot = {0};
    int r = boot_record_read(m, &boot, &err);
    bool news = !boot.restored || boot.given_up || boot.driver_load != m->host->driver_load;
    if (r != 0) {
        restored_stored(&err, NULL);
    } else if (news && boot.id[0] != '\0') {
        boot.restored = true;
        boot.given_up = false;
        boot.driver_load = m->host->driver_load;
        put(m, &boot, restored_stored);
    }
}

void boot_end_restored(struct manager *m, bool whole)
{
    if (whole) {
        ledger_take_turn(m->ledger, put_restored, m);
    }
}
