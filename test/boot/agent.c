/* SPDX-License-Identifier: Apache-2.0 */
/* A service of the VM that boots systemd: does what the test says. */
#include "test/lab/port.h"

int main(void)
{
    port_serve();
}
