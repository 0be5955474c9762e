/* SPDX-License-Identifier: Apache-2.0 */
/* Initialisation, versions and error texts. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

/* X(first driver branch, NVML's major version, CUDA version): CUDA toolkit release notes, table of
 * driver versions. Newest first. */
#define BRANCH_MAP(X)                                                                              \
    X(595, 13, 13020)                                                                              \
    X(590, 13, 13010)                                                                              \
    X(580, 13, 13000)                                                                              \
    X(575, 12, 12090)                                                                              \
    X(570, 12, 12080)                                                                              \
    X(560, 12, 12060)                                                                              \
    X(555, 12, 12050)                                                                              \
    X(550, 12, 12040)                                                                              \
    X(545, 12, 12030)                                                                              \
    X(535, 12, 12020)                                                                              \
    X(530, 12, 12010)                                                                              \
    X(525, 12, 12000)                                                                              \
    X(0, 11, 11080)

static const struct {
    uint32_t branch;
    int nvml_major;
    int32_t cuda;
} branches[] = {
#define X(first, major, cuda_version) {first, major, cuda_version},
    BRANCH_MAP(X)
#undef X
};

static size_t branch_row(uint32_t branch)
{
    size_t i = 0;
    while (branches[i].branch > branch) {
        i++;
    }
    return i;
}

int32_t nvmlInitWithFlags(uint32_t flags)
{
    (void)flags;
    struct rpc_host host;
    int r = CALL(HOST, &host, 0);
    if (r == NVML_SUCCESS) {
        session_begin(host.branch);
    }
    return r;
}

int32_t nvmlInit_v2(void)
{
    return nvmlInitWithFlags(0);
}

int32_t nvmlInit(void)
{
    return nvmlInitWithFlags(0);
}

/* Without init it succeeds: so does driver 535, whatever its header says. */
int32_t nvmlShutdown(void)
{
    if (session_end()) {
        rpc_disconnect();
    }
    return NVML_SUCCESS;
}

EXPORT const char *nvmlErrorString(int32_t code)
{
    static const struct {
        int32_t code;
        uint32_t since;
        const char *text;
    } texts[] = {
#define X(sym, number, first, words) {number, first, words},
        NVML_RETURN_MAP(X)
#undef X
    };
    uint32_t branch = session_branch();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].code == code && (branch == 0 || texts[i].since <= branch)) {
            return texts[i].text;
        }
    }
    return "Unknown Error";
}

int32_t nvmlSystemGetDriverVersion(char *version, uint32_t length)
{
    struct rpc_host host;
    int r = host_read(version, &host);
    return r == NVML_SUCCESS ? text_out(host.driver_version, version, length) : r;
}

/* Works without initialisation, as the real one does; then without a driver, too. */
int32_t nvmlSystemGetNVMLVersion(char *version, uint32_t length)
{
    struct rpc_host host;
    if (CALL(HOST, &host, 0) != NVML_SUCCESS) {
        return text_out("13.0.0", version, length);
    }
    char text[48];
    snprintf(text, sizeof(text), "%d.%s", branches[branch_row(host.branch)].nvml_major,
             host.driver_version);
    return text_out(text, version, length);
}

int32_t nvmlSystemGetCudaDriverVersion_v2(int32_t *cuda_driver_version)
{
    struct rpc_host host;
    int r = host_read(cuda_driver_version, &host);
    if (r == NVML_SUCCESS) {
        *cuda_driver_version = branches[branch_row(host.branch)].cuda;
    }
    return r;
}

int32_t nvmlSystemGetCudaDriverVersion(int32_t *cuda_driver_version)
{
    return nvmlSystemGetCudaDriverVersion_v2(cuda_driver_version);
}

int32_t nvmlSystemGetDriverBranch(struct nvml_system_driver_branch_info_v1 *branch_info,
                                  uint32_t length)
{
    struct rpc_host host;
    int r = host_read(branch_info, &host);
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (branch_info->version != NVML_VERSION(struct nvml_system_driver_branch_info_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    char text[16];
    snprintf(text, sizeof(text), "r%u_00", host.branch);
    uint32_t size = sizeof(branch_info->branch);
    return text_out(text, branch_info->branch, length < size ? length : size);
}

/* Name of a process: what the kernel says about it. */
int32_t nvmlSystemGetProcessName(uint32_t pid, char *name, uint32_t length)
{
    int r = session_check();
    if (r != NVML_SUCCESS || name == NULL || length == 0) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    char path[32];
    snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NVML_ERROR_NOT_FOUND;
    }
    size_t n = fread(name, 1, length - 1, file);
    name[n] = '\0';
    fclose(file);
    return NVML_SUCCESS;
}
