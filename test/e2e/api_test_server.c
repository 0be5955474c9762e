/* SPDX-License-Identifier: Apache-2.0 */
/* Serves the API with made-up verbs behind it: api_test_server SOCKET [ADDRESS:PORT]. For tests of
 * HTTP and of the command line that need no hardware, no libvirt and no root. */
#include <signal.h>
#include <stdio.h>

#include "api/api.h"
#include "base/log.h"
#include "fake_door.h"

#define IDLE_S 1 /* so that a test of slow clients need not wait */

int main(int argc, char **argv)
{
    struct evloop *loop = NULL;
    if (argc < 2 || evloop_new(&loop) != 0 ||
        evloop_add_signal(loop, SIGTERM, evloop_quit, loop) != 0) {
        fprintf(stderr, "usage: api_test_server SOCKET [ADDRESS:PORT]\n");
        return 2;
    }
    struct fake_door *door = fake_door_new(loop);
    const struct api_config config = {
        .loop = loop,
        .service = fake_door_service(door),
        .socket_path = argv[1],
        .tcp_address = argc > 2 ? argv[2] : NULL,
        .idle_s = IDLE_S,
    };
    struct api *api = NULL;
    struct error err = {0};
    int code = 0;
    if (api_new(&config, &api, &err) != 0) {
        log_error("%s", err.message);
        code = reason_exit_status(err.reason);
    } else {
        code = evloop_run(loop);
    }
    fake_door_free(door);
    api_free(api);
    evloop_free(loop);
    return code;
}
