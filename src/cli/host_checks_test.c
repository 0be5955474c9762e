/* SPDX-License-Identifier: Apache-2.0 */
/* What a host lacks is said, what it has is not, and what is not known is not taken for missing. */
#include "cli/host_checks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "test.h"

/* libvirt is missing in all of them, so that this machine's own /dev/kvm does not count. */
#define NO_LIBVIRT "\"libvirtProblem\": \"no libvirt\""
#define GPU(more) "{\"gpus\": [{\"address\": \"0000:41:00.0\", \"problem\": null, " more "}]}"
#define VGPU(vm, licence)                                                                          \
    GPU(GROUP ", \"vgpus\": [{\"type\": \"L40S-8Q\", \"vm\": " vm ", \"licence\": " licence "}]")
#define GROUP "\"iommuGroup\": {\"number\": 1}"

static const struct row {
    const char *host, *gpus;
    size_t n;         /* missing, besides libvirt */
    const char *says; /* "": nothing more */
} rows[] = {
    {"{" NO_LIBVIRT "}", GPU(GROUP), 0, ""},
    {"{" NO_LIBVIRT "}", "{\"gpus\": []}", 0, ""},
    {"{" NO_LIBVIRT "}", "null", 0, ""},
    {"{" NO_LIBVIRT ", \"nvmlProblem\": \"libnvidia-ml.so.1 not found\"}", GPU(GROUP), 1,
     "Install NVIDIA's driver"},
    {"{" NO_LIBVIRT ", \"vgpuProblem\": \"no vGPU manager\"}", GPU(GROUP), 1, "vgpu-kvm"},
    {"{" NO_LIBVIRT "}", GPU("\"iommuGroup\": null"), 1, "intel_iommu=on"},
    {"{" NO_LIBVIRT ", \"pciProblem\": \"no sysfs\"}", GPU("\"iommuGroup\": null"), 1, "no sysfs"},
    {"{" NO_LIBVIRT ", \"vfioPci\": false}", GPU(GROUP), 1, "modprobe vfio-pci"},
    {"{" NO_LIBVIRT ", \"vfioPci\": false}", "{\"gpus\": []}", 0, ""},
    {"{" NO_LIBVIRT ", \"vfioPci\": null}", GPU(GROUP), 0, ""},
    {"{" NO_LIBVIRT "}", GPU(GROUP ", \"driver\": \"nouveau\""), 1, "blacklist nouveau"},
    {"{" NO_LIBVIRT "}",
     GPU(GROUP ", \"vgpuInterface\": \"vendor-vfio\", \"virtualFunctionsTotal\": 0"), 1, "SR-IOV"},
    {"{" NO_LIBVIRT "}",
     GPU(GROUP ", \"vgpuInterface\": \"vendor-vfio\", \"virtualFunctionsTotal\": null"), 0, ""},
    {"{" NO_LIBVIRT "}", GPU(GROUP ", \"vgpuInterface\": \"mdev\", \"virtualFunctionsTotal\": 0"),
     0, ""},
    {"{" NO_LIBVIRT "}", VGPU("\"web1\"", "{\"state\": \"restricted\"}"), 1,
     "a licence for vGPU L40S-8Q of VM web1 (restricted)"},
    {"{" NO_LIBVIRT "}", VGPU("\"web1\"", "{\"state\": \"unlicensed\"}"), 1,
     "client configuration"},
    {"{" NO_LIBVIRT "}", VGPU("\"web1\"", "{\"state\": \"unrestricted\"}"), 0, ""},
    {"{" NO_LIBVIRT "}", VGPU("\"web1\"", "{\"state\": \"licensed\"}"), 0, ""},
    {"{" NO_LIBVIRT "}", VGPU("\"web1\"", "null"), 0, ""},
    {"{" NO_LIBVIRT "}", VGPU("null", "{\"state\": \"restricted\"}"), 0, ""},
};

static json_t *read_json(const char *text)
{
    json_t *json = NULL;
    if (strcmp(text, "null") != 0) {
        assert_int_equal(json_read(text, strlen(text), "test", &json, NULL), 0);
    }
    return json;
}

static void what_is_missing_is_said_with_its_cure(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *host = read_json(rows[i].host);
        CLEANUP_JSON json_t *gpus = read_json(rows[i].gpus);
        char text[4096] = "";
        FILE *file = tmpfile();
        int out = dup(STDOUT_FILENO);
        (void)fflush(stdout);
        assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
        size_t n = host_checks_print(host, gpus, 0);
        (void)fflush(stdout);
        dup2(out, STDOUT_FILENO);
        close(out);
        rewind(file);
        size_t len = fread(text, 1, sizeof(text) - 1, file);
        (void)fclose(file);
        text[len] = '\0';
        if (n != rows[i].n + 1 || strstr(text, rows[i].says) == NULL) {
            fail_msg("row %zu: %zu missing: %s", i, n, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_said_with_its_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
