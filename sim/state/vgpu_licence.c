/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Licences of vGPUs that run. A simulated guest asks no licence server: one that starts with a
 * client configuration token on a CD-ROM is licensed for a day, as a guest that borrows a licence
 * is by default (vGPU client licensing user guide, "LicenseInterval"), one without a token is
 * unlicensed, and unrestricted at first. `cleave-sim ctl licence` changes it.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/str.h"
#include "sim/state/internal.h"

#define BORROWED_US (UINT64_C(24) * 3600 * 1000000)

WORDS_DEFINE(sim_licence_words, "licence", SIM_LICENCE_COUNT,
             WORD(SIM_LICENCE_UNRESTRICTED, "unrestricted"),
             WORD(SIM_LICENCE_UNINITIALIZED, "uninitialized"),
             WORD(SIM_LICENCE_RESTRICTED, "restricted"), WORD(SIM_LICENCE_UNLICENSED, "unlicensed"),
             WORD(SIM_LICENCE_LICENSED, "licensed"))

void sim_licence_start(struct sim_vgpu *vgpu, bool has_token)
{
    vgpu->licence = has_token ? SIM_LICENCE_LICENSED : SIM_LICENCE_UNRESTRICTED;
    vgpu->licensed_until_us = has_token ? clock_realtime_us() + BORROWED_US : 0;
}

int sim_set_licence(struct sim_host *host, struct sim_vgpu *vgpu, const char *state,
                    const char *until)
{
    enum sim_licence licence = SIM_LICENCE_UNRESTRICTED;
    uint64_t until_us = 0;
    if (!sim_licence_parse(state, &licence) ||
        (until[0] != '\0' && (licence != SIM_LICENCE_LICENSED || !clock_parse(until, &until_us)))) {
        return -EINVAL;
    }
    vgpu->licence = licence;
    vgpu->licensed_until_us = until_us;
    sim_changed(host);
    return 0;
}
