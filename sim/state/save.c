/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state file: what the silicon would remember while no one looks. Every change replaces it
 * atomically; the one before stays next to it as PATH.last and serves when the newest is damaged.
 */
#include "sim/state/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/state/encode.h"

#define STATE_FORMAT 1

static void checksum(const char *text, char out[17])
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (const char *p = text; *p != '\0'; p++) {
        sum = (sum ^ (unsigned char)*p) * 0x100000001b3u;
    }
    snprintf(out, 17, "%016llx", (unsigned long long)sum);
}

void sim_save(struct sim_host *host)
{
    if (host->state_path == NULL) {
        return;
    }
    CLEANUP_JSON json_t *body = sim_host_to_json(host);
    CLEANUP_FREE char *body_text = json_text(body);
    char sum[17];
    checksum(body_text, sum);
    CLEANUP_FREE char *text = xasprintf("{\"checksum\":\"%s\",\"format\":%d,\"host\":%s}\n", sum,
                                        STATE_FORMAT, body_text);
    CLEANUP_FREE char *last = xasprintf("%s.last", host->state_path);
    unlink(last);
    if (link(host->state_path, last) < 0 && errno != ENOENT) {
        snprintf(host->notice, sizeof(host->notice), "%s: %s", last, strerror(errno));
    }
    int result = fs_write_atomic(host->state_path, text, strlen(text));
    if (result < 0) {
        snprintf(host->notice, sizeof(host->notice), "%s: not saved: %s", host->state_path,
                 strerror(-result));
    }
}

static int restore(struct sim_host *host, const char *path, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int result = fs_read(path, INPUT_MAX_BYTES, &text, &len);
    if (result < 0) {
        return error_set_errno(err, -result, path, "reading the state");
    }
    CLEANUP_JSON json_t *json = NULL;
    result = json_read(text, len, path, &json, err);
    if (result < 0) {
        return result;
    }
    struct reader r;
    reader_init(&r, json, path, "", err);
    reader_int(&r, "format", STATE_FORMAT, STATE_FORMAT);
    const char *stored = reader_str(&r, "checksum", 16);
    const json_t *body = reader_object(&r, "host");
    result = reader_end(&r);
    if (result < 0) {
        return result;
    }
    CLEANUP_FREE char *body_text = json_text(body);
    char sum[17];
    checksum(body_text, sum);
    if (!str_eq(sum, stored)) {
        return error_set(err, REASON_INVALID, path, "the checksum does not match");
    }
    CLEANUP_FREE struct sim_host *copy = xcalloc(1, sizeof(*copy));
    memcpy(copy, host, sizeof(*copy));
    result = sim_host_from_json(copy, body, path, err);
    if (result < 0) {
        return result;
    }
    memcpy(host->gpus, copy->gpus, sizeof(host->gpus));
    memcpy(host->extras, copy->extras, sizeof(host->extras));
    memcpy(host->ids, copy->ids, sizeof(host->ids));
    host->n_ids = copy->n_ids;
    host->no_autoprobe = copy->no_autoprobe;
    host->unloaded = copy->unloaded;
    host->vgpu_versions = copy->vgpu_versions;
    STR_SET(host->boot_id, copy->boot_id);
    host->driver_loads = copy->driver_loads;
    host->next_vgpu_instance = copy->next_vgpu_instance;
    host->changes = copy->changes;
    return 0;
}

int sim_host_attach_state(struct sim_host *host, const char *state_path, struct error *err)
{
    CLEANUP_FREE char *last = xasprintf("%s.last", state_path);
    struct error problem = {0};
    int result = 0;
    if (fs_exists(state_path) || fs_exists(last)) {
        result = restore(host, state_path, &problem);
        if (result < 0) {
            struct error again = {0};
            if (restore(host, last, &again) == 0) {
                str_print(host->notice, sizeof(host->notice), "%s: %s; using %s", problem.subject,
                          problem.message, last);
                result = 0;
            }
        }
    }
    if (result < 0) {
        error_hint(&problem, "remove %s to start from the host file", state_path);
        if (err != NULL) {
            *err = problem;
        }
        return result;
    }
    host->state_path = xstrdup(state_path);
    sim_save(host);
    return 0;
}
