/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/emulator.h"

#include <signal.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sim/rpc/rpc.h"

void emulator_kill_all(void)
{
    CLEANUP_STRLIST struct strlist names = {0};
    if (fs_list("/proc", &names) < 0) {
        return;
    }
    for (vec_each(&names, name)) {
        uint32_t pid = 0;
        char program[sizeof(SIM_REAL_EMULATOR) + 1] = "";
        CLEANUP_FREE char *link = xasprintf("/proc/%s/exe", *name);
        if (parse_u32(*name, &pid) && readlink(link, program, sizeof(program) - 1) > 0 &&
            str_eq(program, SIM_REAL_EMULATOR)) {
            kill((pid_t)pid, SIGKILL);
        }
    }
}
