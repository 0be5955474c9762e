/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/host_checks.h"

#include <unistd.h>

#include "base/str.h"
#include "cli/prose.h"
#include "cli/view.h"

#define KVM "/dev/kvm"

/* What a check finds missing, as the beginning of a sentence; adds nothing where all is well, or
 * not known. */
typedef void find_fn(const json_t *host, const json_t *gpus, struct strbuf *out);

static void add_problem(const json_t *host, const char *key, struct strbuf *out)
{
    strbuf_add(out, view_text(host, key, ""));
}

static void find_nvml(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)gpus;
    add_problem(host, "nvmlProblem", out);
}

static void find_vgpu(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)gpus;
    add_problem(host, "vgpuProblem", out);
}

static void find_pci(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)gpus;
    add_problem(host, "pciProblem", out);
}

static void find_libvirt(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)gpus;
    add_problem(host, "libvirtProblem", out);
}

static void find_vfio(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    bool needed = json_array_size(view_at(gpus, "gpus")) > 0;
    if (needed && json_is_false(view_at(host, "vfioPci"))) {
        strbuf_add(out, "the kernel's driver vfio-pci is not loaded");
    }
}

/* Adds "A, B" of the GPUs of which that is so. */
static void add_gpus(const json_t *gpus, bool (*is)(const json_t *gpu), struct strbuf *out)
{
    const json_t *list = view_at(gpus, "gpus");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *gpu = json_array_get(list, i);
        if (is(gpu)) {
            strbuf_addf(out, "%s%s", out->len == 0 ? "" : ", ", view_text(gpu, "address", "-"));
        }
    }
}

static bool has_nouveau(const json_t *gpu)
{
    return str_eq(view_text(gpu, "driver", ""), "nouveau");
}

static void find_nouveau(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)host;
    CLEANUP_STRBUF struct strbuf names = {0};
    add_gpus(gpus, has_nouveau, &names);
    if (names.len > 0) {
        strbuf_addf(out, "the driver nouveau has %s, so that NVIDIA's can't", strbuf_str(&names));
    }
}

static bool is_in_group(const json_t *gpu)
{
    return view_at(gpu, "iommuGroup") != NULL;
}

static bool is_there(const json_t *gpu)
{
    return view_at(gpu, "problem") == NULL;
}

/* With the IOMMU on, each PCI function is in a group. */
static void find_iommu(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    CLEANUP_STRBUF struct strbuf there = {0};
    CLEANUP_STRBUF struct strbuf grouped = {0};
    add_gpus(gpus, is_there, &there);
    add_gpus(gpus, is_in_group, &grouped);
    if (there.len > 0 && grouped.len == 0 && view_at(host, "pciProblem") == NULL) {
        strbuf_addf(out, "the IOMMU is off: %s %s in no IOMMU group", strbuf_str(&there),
                    strchr(strbuf_str(&there), ',') == NULL ? "is" : "are");
    }
}

/* vGPUs by vendor VFIO are on virtual functions. */
static bool lacks_functions(const json_t *gpu)
{
    return str_eq(view_text(gpu, "vgpuInterface", ""), "vendor-vfio") &&
           view_int(gpu, "virtualFunctionsTotal", -1) == 0;
}

static void find_sriov(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)host;
    CLEANUP_STRBUF struct strbuf names = {0};
    add_gpus(gpus, lacks_functions, &names);
    if (names.len > 0) {
        strbuf_addf(out, "%s can have no virtual functions", strbuf_str(&names));
    }
}

/* A vGPU that still has all of its performance is left out: its guest may be about to get its
 * licence. */
static bool lacks_licence(const json_t *vgpu)
{
    const char *state = view_text(vgpu, "licence.state", "");
    return view_at(vgpu, "vm") != NULL &&
           (str_eq(state, "restricted") || str_eq(state, "unlicensed"));
}

#define MOST_NAMED 5

static void find_unlicensed(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)host;
    size_t n = 0;
    const json_t *list = view_at(gpus, "gpus");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *vgpus = view_at(json_array_get(list, i), "vgpus");
        for (size_t k = 0; k < json_array_size(vgpus); k++) {
            const json_t *vgpu = json_array_get(vgpus, k);
            if (lacks_licence(vgpu) && ++n <= MOST_NAMED) {
                strbuf_addf(out, "%s%s of VM %s (%s)", n == 1 ? "a licence for vGPU " : ", ",
                            view_text(vgpu, "type", "of unknown type"), view_text(vgpu, "vm", "-"),
                            view_text(vgpu, "licence.state", "-"));
            }
        }
    }
    if (n > MOST_NAMED) {
        strbuf_addf(out, " and %zu more", n - MOST_NAMED);
    }
}

static void find_kvm(const json_t *host, const json_t *gpus, struct strbuf *out)
{
    (void)gpus;
    if (view_at(host, "libvirtProblem") == NULL && access(KVM, F_OK) != 0) {
        strbuf_add(out, KVM " is not there: VMs are emulated, and slow");
    }
}

static const struct {
    find_fn *find;
    const char *then; /* what it means, and what to do */
} checks[] = {
    {find_nvml,
     "without NVML only pass-through works. Install NVIDIA's driver; for vGPUs the vGPU host "
     "driver (\"...-vgpu-kvm\" from the NVIDIA Licensing Portal)"},
    {find_vgpu, "cleave can't make vGPUs: install NVIDIA's vGPU host driver (\"...-vgpu-kvm\")"},
    {find_nouveau, "write \"blacklist nouveau\" into /etc/modprobe.d/nouveau.conf, update the "
                   "initramfs and reboot"},
    {find_pci, "cleave can't change GPUs"},
    {find_iommu,
     "no VM can get a device. Switch it on in the firmware (VT-d or AMD-Vi), on Intel's "
     "processors boot with intel_iommu=on, and reboot"},
    {find_sriov, "vGPUs can't be made there. Switch on SR-IOV (and \"Above 4G Decoding\") in the "
                 "firmware, and reboot"},
    {find_vfio, "no whole GPU can be given to a VM: modprobe vfio-pci, and name it in "
                "/etc/modules-load.d for the next boot"},
    {find_libvirt, "claims without a VM work without libvirt"},
    {find_unlicensed, "the driver holds an unlicensed vGPU back. In the guest, check the client "
                      "configuration token and the way to the licence server"},
    {find_kvm, "switch virtualization on in the firmware, and load kvm_intel or kvm_amd"},
};

size_t host_checks_print(const json_t *host, const json_t *gpus, size_t width)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        CLEANUP_STRBUF struct strbuf text = {0};
        checks[i].find(host, gpus, &text);
        if (text.len > 0) {
            prose_print(width, "Missing: %s; %s", strbuf_str(&text), checks[i].then);
            n++;
        }
    }
    return n;
}
