/* SPDX-License-Identifier: Apache-2.0 */
/* A file of JSON or YAML, by its name. */
#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

/* Caller frees the text. Returns what to call it in `ret_origin`. */
static int read_text(const char *path, char **ret_text, size_t *ret_len, const char **ret_origin,
                     struct error *err)
{
    bool from_stdin = str_eq(path, "-");
    const char *origin = from_stdin ? "standard input" : path;
    *ret_origin = origin;
    int r = from_stdin ? fs_read_fd(STDIN_FILENO, INPUT_MAX_BYTES, ret_text, ret_len)
                       : fs_read_input(path, INPUT_MAX_BYTES, FS_INPUT_WAIT_MS, ret_text, ret_len);
    if (r == -EFBIG) {
        return error_set(err, REASON_INVALID, origin, "the file has more than %d bytes",
                         INPUT_MAX_BYTES);
    }
    return r < 0 ? error_set_errno(err, r, origin, "cannot read \"%s\"", path) : 0;
}

int json_read_file(const char *path, json_t **ret_json, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    const char *origin = NULL;
    int r = read_text(path, &text, &len, &origin, err);
    if (r != 0) {
        return r;
    }
    return str_ends(path, ".json") ? json_read(text, len, origin, ret_json, err)
                                   : yaml_read(text, len, origin, ret_json, err);
}

int json_read_file_all(const char *path, json_t **ret_documents, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    const char *origin = NULL;
    int r = read_text(path, &text, &len, &origin, err);
    if (r != 0) {
        return r;
    }
    if (!str_ends(path, ".json")) {
        return yaml_read_all(text, len, origin, ret_documents, err);
    }
    json_t *json = NULL;
    r = json_read(text, len, origin, &json, err);
    if (r == 0) {
        *ret_documents = json_pack("[o]", json);
    }
    return r;
}
