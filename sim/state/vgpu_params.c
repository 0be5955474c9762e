/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a vGPU's vgpu_params: "KEY=VALUE, KEY=VALUE" (vGPU user guide 17). */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "sim/state/internal.h"

/* "vgpu-placement-id=N" in vgpu_params; SIM_NONE when not given. */
uint32_t sim_params_placement(const char *params)
{
    static const char key[] = "vgpu-placement-id=";
    const char *at = strstr(params, key);
    if (at == NULL) {
        return SIM_NONE;
    }
    char digits[12] = "";
    size_t n = strspn(at + strlen(key), "0123456789");
    if (n == 0 || n >= sizeof(digits)) {
        return SIM_NONE;
    }
    memcpy(digits, at + strlen(key), n);
    uint32_t value = SIM_NONE;
    return parse_u32(digits, &value) ? value : SIM_NONE;
}

/* Is KEY=1 among "KEY=VALUE, KEY=VALUE"? */
static bool is_on(const char *params, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = strstr(params, key); at != NULL; at = strstr(at + len, key)) {
        bool whole = at == params || at[-1] == ' ' || at[-1] == ',';
        if (whole && at[len] == '=' && at[len + 1] == '1') {
            return true;
        }
    }
    return false;
}

const char *sim_vgpu_unmovable(const struct sim_vgpu *vgpu)
{
    static const char *const keys[] = {"enable_uvm", "enable_debugging", "enable_profiling"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (is_on(vgpu->params, keys[i])) {
            return keys[i];
        }
    }
    return NULL;
}
