/* SPDX-License-Identifier: Apache-2.0 */
/* A file of JSON or YAML, by its name. */
#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

int json_read_file(const char *path, json_t **ret_json, struct error *err)
{
    bool from_stdin = str_eq(path, "-");
    const char *origin = from_stdin ? "standard input" : path;
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int r = from_stdin ? fs_read_fd(STDIN_FILENO, INPUT_MAX_BYTES, &text, &len)
                       : fs_read(path, INPUT_MAX_BYTES, &text, &len);
    if (r == -EFBIG) {
        return error_set(err, REASON_INVALID, origin, "the file has more than %d bytes",
                         INPUT_MAX_BYTES);
    }
    if (r < 0) {
        return error_set_errno(err, r, origin, "cannot read \"%s\"", path);
    }
    if (str_ends(path, ".json")) {
        return json_read(text, len, origin, ret_json, err);
    }
    return yaml_read(text, len, origin, ret_json, err);
}
