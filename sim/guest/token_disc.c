/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated guest has no driver that would borrow a licence. So the host that simulates it looks
 * at the discs that the VM starts with (-blockdev as libvirt writes it, -drive, -cdrom): an ISO
 * 9660 image (ECMA-119: "CD001" in sector 16) in which a file has the name that NVIDIA gives
 * tokens.
 */
#include "sim/guest/token_disc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define ISO_MAGIC_AT 32769
#define ISO_MAGIC "CD001"
#define TOKEN_NAME "client_configuration_token"
#define READ_BYTES (1024 * 1024) /* names come before the contents */

static bool is_token_disc(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP_FREE char *bytes = xcalloc(READ_BYTES, 1);
    ssize_t len = fd >= 0 ? pread(fd, bytes, READ_BYTES, 0) : -1;
    return len > (ssize_t)(ISO_MAGIC_AT + strlen(ISO_MAGIC)) &&
           memcmp(bytes + ISO_MAGIC_AT, ISO_MAGIC, strlen(ISO_MAGIC)) == 0 &&
           memmem(bytes, (size_t)len, TOKEN_NAME, strlen(TOKEN_NAME)) != NULL;
}

/* {"driver":"file","filename":"/x.iso",…}; the image's format is another such object. */
static bool is_blockdev_with_token(const char *text)
{
    CLEANUP_JSON json_t *json = NULL;
    struct error err = {0};
    if (text[0] != '{' || json_read(text, strlen(text), "-blockdev", &json, &err) < 0) {
        return false;
    }
    const char *path = json_string_value(json_object_get(json, "filename"));
    return path != NULL && is_token_disc(path);
}

/* "file=/x.iso,media=cdrom,…" */
static bool is_drive_with_token(const char *text)
{
    const char *at = strstr(text, "file=");
    CLEANUP_FREE char *path = at != NULL ? xstrdup(at + strlen("file=")) : NULL;
    if (path == NULL) {
        return false;
    }
    path[strcspn(path, ",")] = '\0';
    return is_token_disc(path);
}

bool token_disc_is_among(char *const *argv)
{
    for (size_t i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++) {
        const char *value = argv[i + 1];
        if ((str_eq(argv[i], "-blockdev") && is_blockdev_with_token(value)) ||
            (str_eq(argv[i], "-drive") && is_drive_with_token(value)) ||
            (str_eq(argv[i], "-cdrom") && is_token_disc(value))) {
            return true;
        }
    }
    return false;
}
