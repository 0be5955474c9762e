/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bus_error.h"

#include <signal.h>
#include <unistd.h>

/* The access is made again behind it, and ends the process: with a core, and a status that systemd
 * restarts it for. */
static void say_why(int signal)
{
    static const char text[] =
        "cleaved: a file that is mapped into memory was cut while cleaved runs (cleave.db-shm in "
        "the state directory), or its disk failed: cleaved ends, and the next start goes on from "
        "the journal\n";
    (void)signal;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

void bus_error_explain(void)
{
    struct sigaction action = {.sa_handler = say_why, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGBUS, &action, NULL);
}
