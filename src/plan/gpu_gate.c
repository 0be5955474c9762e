/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/gpu_gate.h"

int gate_check_answers(const struct gpu *gpu, struct error *err)
{
    if (gpu->problem[0] == '\0') {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    return error_set(err, REASON_UNAVAILABLE, SUBJECT("gpu", bdf), "GPU %s can't be used: %s", bdf,
                     gpu->problem);
}

int gate_check_quarantine(const struct planner *planner, const struct gpu *gpu, struct error *err)
{
    const struct gpu_record *record = planner_record_of(planner, gpu);
    if (record == NULL || !record->quarantine.set) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    int r = error_set(err, REASON_NO_CAPACITY, SUBJECT("gpu", bdf), "GPU %s is quarantined: %s",
                      bdf, record->quarantine.why);
    quarantine_hint(&record->quarantine, bdf, err);
    return r;
}

int gate_check_driver(const struct planner *planner UNUSED, const struct gpu *gpu,
                      struct error *err)
{
    if (!gpu_is_taken(gpu)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    int r = error_set(err, REASON_CONFLICT, SUBJECT("gpu", bdf), "driver %s has GPU %s, not nvidia",
                      gpu->driver, bdf);
    error_hint(err,
               "take it from %s: `echo %s > /sys/bus/pci/drivers/%s/unbind`, then `cleave gpu mode "
               "%s idle`; for the next boot, blacklist the module of %s",
               gpu->driver, bdf, gpu->driver, bdf, gpu->driver);
    return r;
}

int gate_check_cordon(const struct planner *planner, const struct gpu *gpu, struct error *err)
{
    const struct gpu_record *record = planner_record_of(planner, gpu);
    if (record == NULL || !record->cordon.set) {
        return 0;
    }
    const struct cordon *cordon = &record->cordon;
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    int r = error_set(err, REASON_NO_CAPACITY, SUBJECT("gpu", bdf),
                      "GPU %s takes no new claims: %s cordoned it%s%s", bdf,
                      cordon->by[0] != '\0' ? cordon->by : "an unknown user",
                      cordon->why[0] != '\0' ? ": " : "", cordon->why);
    error_hint(err, "`cleave gpu uncordon %s` allows claims on it again", bdf);
    return r;
}

int gate_check_held(const struct planner *planner, const struct gpu *gpu, struct error *err)
{
    if (planner->is_held == NULL || !planner->is_held(&gpu->addr, planner->held_data)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    int r = error_set(err, REASON_UNAVAILABLE, SUBJECT("gpu", bdf),
                      "a plan that waits is changing GPU %s", bdf);
    error_hint(err, "`cleave plan list` shows the plan, and what it waits for");
    return r;
}

bool gate_is_stuck(const struct planner *planner, const struct gpu *gpu, const struct pci_addr *vf)
{
    const struct gpu_record *record = planner_record_of(planner, gpu);
    return record != NULL && gpu_record_find_stuck(record, vf) != NULL;
}
