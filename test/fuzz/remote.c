/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to other hosts: whatever is read names no program, and no file unless root asked. */
#include <string.h>

#include "base/mem.h"
#include "base/remote.h"
#include "base/str.h"
#include "fuzz.h"

typedef int read_fn(const char *text, enum remote_rights rights, struct remote *ret_remote,
                    struct error *err);

static void check(read_fn *read, const char *text)
{
    struct remote anyones;
    struct remote roots;
    struct error err = {0};
    int anyone = read(text, REMOTE_FOR_ANYONE, &anyones, &err);
    fuzz_assert(anyone == 0 || (err.message[0] != '\0' && err.hint[0] != '\0'),
                "a refusal says why, and what to do");
    int root = read(text, REMOTE_FOR_ROOT, &roots, NULL);
    fuzz_assert(anyone != 0 || root == 0, "root may name what anyone may");
    if (anyone == 0) {
        fuzz_assert(anyones.path[0] == '\0' && anyones.host[0] != '\0', "a path is root's");
        fuzz_assert(anyones.transport != REMOTE_HTTP && anyones.transport != REMOTE_UNIX,
                    "so are sockets and plain HTTP");
        fuzz_assert(strstr(text, "verify=1") == NULL && strstr(text, "verify=auto") == NULL,
                    "so is a host that need not prove its identity");
        fuzz_assert(!remote_is_local_host(anyones.host), "so is this host");
    }
    if (root == 0) {
        fuzz_assert(str_is_clean(text) && strpbrk(text, "%\\'\"`$ ;|<>()#*!~") == NULL,
                    "it is of plain characters");
        fuzz_assert(strstr(text, "command") == NULL || strstr(roots.host, "command") != NULL ||
                        strstr(roots.user, "command") != NULL ||
                        strstr(roots.path, "command") != NULL,
                    "it names no program");
        fuzz_assert(roots.host[0] != '-' && roots.user[0] != '-', "it is no option of a program");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = xstrndup((const char *)data, size);
    check(remote_read_destination, text);
    check(remote_read_peer, text);
    check(remote_read_data, text);
    return 0;
}
