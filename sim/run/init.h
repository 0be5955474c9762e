/* SPDX-License-Identifier: Apache-2.0 */
/* Process 1 of the simulated host: assembles it, runs COMMAND, reaps, takes everything down. */
#ifndef SIM_RUN_INIT_H
#define SIM_RUN_INIT_H

#include "sim/run/options.h"

/* What init tells the runner through report_fd once, if the machine could not be made. */
struct init_report {
    int result;
    struct error err;
};

/* Never returns. */
NORETURN void init_main(const struct sim_run_options *options, int report_fd);

#endif
