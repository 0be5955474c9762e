/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/param_options.h"

#include <string.h>

#include "base/str.h"
#include "model/vgpu_params.h"

#define PARAM_WORD_SIZE 32

/* "unified-memory=on". */
static int add_param(json_t *params, const char *text, struct error *err)
{
    char word[PARAM_WORD_SIZE];
    size_t len = strcspn(text, "=");
    const char *value = text[len] == '=' ? text + len + 1 : "";
    bool fits = str_print(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : 0), text);
    const struct vgpu_param *param = fits ? vgpu_param_find(word) : NULL;
    if (param == NULL || (!str_eq(value, "on") && !str_eq(value, "off"))) {
        error_set(err, REASON_INVALID, "", "--param is NAME=on or NAME=off, and \"%s\" is neither",
                  text);
        error_hint(err, "the names: unified-memory, debugger, profiler, frame-rate-limiter, "
                        "console");
        return -REASON_INVALID;
    }
    json_t *on = json_boolean(str_eq(value, "on"));
    if (json_object_get(params, param->name) != NULL &&
        json_object_get(params, param->name) != on) {
        return error_set(err, REASON_INVALID, "", "--param says of %s both on and off", word);
    }
    json_object_set_new(params, param->name, on);
    return 0;
}

int param_options_read(const struct arguments *arguments, size_t option, json_t *body,
                       struct error *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < arguments->n_repeated; i++) {
        if (arguments->repeated[i].option == option) {
            if (json_object_get(body, "params") == NULL) {
                json_object_set_new(body, "params", json_object());
            }
            result = add_param(json_object_get(body, "params"), arguments->repeated[i].value, err);
        }
    }
    return result;
}
