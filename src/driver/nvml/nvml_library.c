/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_library.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/openers.h"
#include "base/str.h"

/* Gives every member its symbol; false names the first needed one that is missing. */
static bool find_symbols(struct nvml *nvml, const char **ret_missing)
{
#define NVML_FIND(name)                                                                            \
    nvml->name = __extension__(__typeof__(nvml->name)) dlsym(nvml->handle, #name);
    NVML_NEEDED(NVML_FIND)
    NVML_OPTIONAL(NVML_FIND)
#undef NVML_FIND
#define NVML_REQUIRE(name)                                                                         \
    if (nvml->name == NULL) {                                                                      \
        *ret_missing = #name;                                                                      \
        return false;                                                                              \
    }
    NVML_NEEDED(NVML_REQUIRE)
#undef NVML_REQUIRE
    return true;
}

static int load(struct nvml *nvml, struct error *err)
{
    nvml->handle = dlopen(NVML_SONAME, RTLD_NOW | RTLD_LOCAL);
    if (nvml->handle == NULL) {
        error_set(err, REASON_UNAVAILABLE, "nvml", NVML_SONAME " not found");
        error_hint(err, "install the NVIDIA driver (the vGPU host driver for vGPUs)");
        return -REASON_UNAVAILABLE;
    }
    const char *missing = "";
    if (find_symbols(nvml, &missing)) {
        return 0;
    }
    error_set(err, REASON_UNAVAILABLE, "nvml", NVML_SONAME " has no %s: the driver is too old",
              missing);
    error_hint(err, "install a driver of branch 470 or later");
    nvml_done(nvml);
    return -REASON_UNAVAILABLE;
}

int nvml_open(struct nvml *nvml, struct error *err)
{
    if (nvml->handle == NULL) {
        int r = load(nvml, err);
        if (r < 0) {
            return r;
        }
    }
    int32_t code = nvml->nvmlInit_v2();
    if (code == NVML_SUCCESS) {
        return 0;
    }
    char text[NVML_TEXT_SIZE];
    error_set(err, code == NVML_ERROR_NO_PERMISSION ? REASON_PERMISSION : REASON_UNAVAILABLE,
              "nvml", "the NVIDIA driver does not answer: NVML says \"%s\" (%d)",
              nvml_text(nvml, code, text), code);
    error_hint(err, code == NVML_ERROR_LIB_RM_VERSION_MISMATCH
                        ? "the driver was updated: reload its modules or reboot"
                        : "load it: modprobe nvidia");
    return code == NVML_ERROR_NO_PERMISSION ? -REASON_PERMISSION : -REASON_UNAVAILABLE;
}

void nvml_close(struct nvml *nvml)
{
    nvml->nvmlShutdown();
}

void nvml_done(struct nvml *nvml)
{
    if (nvml->handle != NULL) {
        dlclose(nvml->handle);
    }
    *nvml = (struct nvml){0};
}

const char *nvml_text(const struct nvml *nvml, int32_t code, char out[NVML_TEXT_SIZE])
{
    const char *text = nvml->nvmlErrorString != NULL ? nvml->nvmlErrorString(code) : NULL;
    if (text == NULL || !str_copy(out, NVML_TEXT_SIZE, text) || !str_is_clean(out)) {
        str_copy(out, NVML_TEXT_SIZE, "no text");
    }
    return out;
}

/* X(code, reason, what to do next). Codes that are not here are REASON_DRIVER. */
#define FAILURE_MAP(X)                                                                             \
    X(NVML_ERROR_UNINITIALIZED, UNAVAILABLE, "")                                                   \
    X(NVML_ERROR_NOT_SUPPORTED, UNSUPPORTED, "")                                                   \
    X(NVML_ERROR_NO_PERMISSION, PERMISSION, "run it as root")                                      \
    X(NVML_ERROR_NOT_FOUND, NOT_FOUND, "")                                                         \
    X(NVML_ERROR_DRIVER_NOT_LOADED, UNAVAILABLE, "load the driver: modprobe nvidia")               \
    X(NVML_ERROR_LIBRARY_NOT_FOUND, UNAVAILABLE, "reinstall the NVIDIA driver")                    \
    X(NVML_ERROR_FUNCTION_NOT_FOUND, UNSUPPORTED, "update the NVIDIA driver")                      \
    X(NVML_ERROR_GPU_IS_LOST, DRIVER, "look for Xid lines in dmesg; the host must be rebooted")    \
    X(NVML_ERROR_RESET_REQUIRED, DRIVER,                                                           \
      "stop what uses the GPU, then reset it (nvidia-smi -r) or reboot")                           \
    X(NVML_ERROR_LIB_RM_VERSION_MISMATCH, UNAVAILABLE,                                             \
      "the driver was updated: reload its modules or reboot")                                      \
    X(NVML_ERROR_IN_USE, IN_USE,                                                                   \
      "stop the VM or the process (nvidia-persistenced, dcgm) that uses it, then try again")       \
    X(NVML_ERROR_INSUFFICIENT_RESOURCES, NO_CAPACITY,                                              \
      "`cleave gpu show` shows what is on the GPU")                                                \
    X(NVML_ERROR_ARGUMENT_VERSION_MISMATCH, UNSUPPORTED, "update the NVIDIA driver")

#define MAX_HOLDERS 6 /* that are named */

int nvml_fail(const struct nvml *nvml, int32_t code, struct error *err, const char *subject,
              const char *fmt, ...)
{
    static const struct {
        int32_t code;
        enum reason reason;
        const char *hint;
    } known[] = {
#define X(sym, why, hint) {sym, REASON_##why, hint},
        FAILURE_MAP(X)
#undef X
    };
    enum reason reason = REASON_DRIVER;
    const char *hint = "";
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].code == code) {
            reason = known[i].reason;
            hint = known[i].hint;
        }
    }
    char message[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    char text[NVML_TEXT_SIZE];
    CLEANUP_STRBUF struct strbuf who = {0};
    if (code == NVML_ERROR_IN_USE && str_starts(subject, "gpu/")) {
        (void)openers_of_gpu("", subject + strlen("gpu/"), MAX_HOLDERS, &who);
    }
    int r = error_set(err, reason, subject, "%s: the driver says \"%s\" (NVML %d)%s%s", message,
                      nvml_text(nvml, code, text), code, who.len > 0 ? "; it is open in " : "",
                      strbuf_str(&who));
    if (hint[0] != '\0') {
        error_hint(err, "%s", hint);
    }
    return r;
}

int nvml_too_old(struct error *err, const char *subject, const char *function)
{
    int r = error_set(err, REASON_UNSUPPORTED, subject,
                      "this NVIDIA driver is too old: it has no %s", function);
    error_hint(err, "update the NVIDIA driver");
    return r;
}

void nvml_copy_text(char *dst, size_t dst_size, const char *src, size_t size)
{
    dst[0] = '\0';
    if (memchr(src, '\0', size) == NULL || !str_is_clean(src)) {
        return;
    }
    str_copy(dst, dst_size, src);
}
