/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/boot_end.h"

#include "base/log.h"
#include "state/boot_record.h"
#include "state/state.h"
#include "state/txn.h"

void boot_end_put(struct txn *txn, enum boot_fate fate)
{
    const struct manager *m = txn->manager;
    struct boot_record boot = {0};
    struct error err = {0};
    if (fate == BOOT_UNCHANGED) {
        return;
    }
    if (boot_record_read(m, &boot, &err) != 0) {
        log_warning("can't store what becomes of this boot: %s", err.message);
        return;
    }
    const struct boot_record was = boot;
    boot.given_up = fate == BOOT_GIVEN_UP;
    if (fate == BOOT_RESTORED) {
        boot.restored = true;
    }
    if (fate == BOOT_RESTORED || (fate == BOOT_GIVEN_UP && !was.given_up)) {
        boot.driver_load = m->host->driver_load;
    }
    bool news = boot.given_up != was.given_up || boot.restored != was.restored ||
                boot.driver_load != was.driver_load;
    if (news && boot.id[0] != '\0') {
        boot_record_put(&txn->draft, &boot);
    }
}
