/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of PCI functions, in the kernel's formats (drivers/pci/pci-sysfs.c). */
#include <errno.h>
#include <sched.h>

#include "sim/fuse/attr.h"

static int hex4(struct strbuf *out, uint32_t value)
{
    strbuf_addf(out, "0x%04x\n", value);
    return 0;
}

int read_vendor(const struct ref *ref, struct strbuf *out)
{
    return hex4(out, function_vendor(&ref->fn));
}

int read_device(const struct ref *ref, struct strbuf *out)
{
    return hex4(out, function_device(&ref->fn));
}

int read_subvendor(const struct ref *ref, struct strbuf *out)
{
    return hex4(out, function_subvendor(&ref->fn));
}

int read_subdevice(const struct ref *ref, struct strbuf *out)
{
    return hex4(out, function_subdevice(&ref->fn));
}

int read_class(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "0x%06x\n", function_class(&ref->fn));
    return 0;
}

int read_revision(const struct ref *ref, struct strbuf *out)
{
    strbuf_add(out, ref->fn.gpu != NULL ? "0xa1\n" : "0x00\n");
    return 0;
}

int read_numa_node(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%d\n", function_numa(&ref->fn));
    return 0;
}

/* The CPUs of this machine, which every simulated node has. Asked of the kernel directly: sysconf()
 * would open a file in /sys, which may be this very file system. */
static unsigned cpu_count(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

int read_local_cpus(const struct ref *ref UNUSED, struct strbuf *out)
{
    unsigned n = cpu_count();
    unsigned first = n % 32 == 0 ? 32 : n % 32;
    strbuf_addf(out, "%x", first == 32 ? UINT32_MAX : (1U << first) - 1);
    for (unsigned left = n - first; left > 0; left -= 32) {
        strbuf_add(out, ",ffffffff");
    }
    strbuf_add(out, "\n");
    return 0;
}

int read_local_cpulist(const struct ref *ref UNUSED, struct strbuf *out)
{
    unsigned n = cpu_count();
    strbuf_addf(out, n == 1 ? "0\n" : "0-%u\n", n - 1);
    return 0;
}

/* The driver that is being unbound is the function's until its user lets go. */
static const char *driver_at_work(const struct function *fn)
{
    return function_is_leaving(fn) ? "vfio-pci" : function_driver(fn);
}

int read_enable(const struct ref *ref, struct strbuf *out)
{
    const char *driver = driver_at_work(&ref->fn);
    bool vfio = str_eq(driver, "vfio-pci"); /* enables it for anyone who opens it */
    uint32_t enabled = driver[0] == '\0' ? function_knobs(&ref->fn)->enabled
                       : vfio            ? function_is_held(&ref->fn)
                                         : 1;
    strbuf_addf(out, "%u\n", enabled);
    return 0;
}

int read_driver_override(const struct ref *ref, struct strbuf *out)
{
    const char *override = function_override(&ref->fn);
    strbuf_addf(out, "%s\n", override[0] != '\0' ? override : "(null)");
    return 0;
}

static void add_modalias(const struct function *fn, struct strbuf *out)
{
    uint32_t class = function_class(fn);
    strbuf_addf(out, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", function_vendor(fn),
                function_device(fn), function_subvendor(fn), function_subdevice(fn),
                class >> 16 & 0xff, class >> 8 & 0xff, class & 0xff);
}

int read_modalias(const struct ref *ref, struct strbuf *out)
{
    add_modalias(&ref->fn, out);
    return 0;
}

int read_uevent(const struct ref *ref, struct strbuf *out)
{
    const struct function *fn = &ref->fn;
    char bdf[BDF_SIZE];
    if (driver_at_work(fn)[0] != '\0') {
        strbuf_addf(out, "DRIVER=%s\n", driver_at_work(fn));
    }
    strbuf_addf(out, "PCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n",
                function_class(fn), function_vendor(fn), function_device(fn),
                function_subvendor(fn), function_subdevice(fn));
    strbuf_addf(out, "PCI_SLOT_NAME=%s\nMODALIAS=", function_bdf(fn, bdf));
    add_modalias(fn, out);
    return 0;
}

int read_reset_method(const struct ref *ref, struct strbuf *out)
{
    const struct sim_knobs *knobs = function_knobs(&ref->fn);
    if (knobs->no_reset) {
        return 0;
    }
    strbuf_addf(out, "%s\n",
                knobs->reset_methods[0] != '\0' ? knobs->reset_methods
                : ref->fn.vf != NULL            ? "flr"
                                                : "flr bus");
    return 0;
}

/* As the kernel writes the generations (pci_speed_string()). */
static const char *speed(uint32_t generation)
{
    static const char *const speeds[] = {"Unknown",       "2.5 GT/s PCIe",  "5.0 GT/s PCIe",
                                         "8.0 GT/s PCIe", "16.0 GT/s PCIe", "32.0 GT/s PCIe"};
    return speeds[generation < ARRAY_SIZE(speeds) ? generation : 0];
}

int read_max_link_speed(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%s\n", speed(sim_link_generation_max(ref->fn.gpu)));
    return 0;
}

/* A VF has no link of its own (captured A2 VF of harvester/pcidevices). */
int read_link_speed(const struct ref *ref, struct strbuf *out)
{
    bool unknown = ref->fn.vf != NULL || ref->fn.gpu->lost;
    strbuf_addf(out, "%s\n", speed(unknown ? 0 : sim_link_generation(ref->fn.gpu)));
    return 0;
}

int read_link_width(const struct ref *ref, struct strbuf *out)
{
    /* Ones in the link status of a lost GPU: all 6 bits of the width. */
    bool lost = ref->fn.gpu->lost;
    strbuf_add(out, lost ? "63\n" : (ref->fn.vf != NULL ? "0\n" : "16\n"));
    return 0;
}

int read_totalvfs(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%u\n", ref->fn.gpu->vfs_total);
    return 0;
}

int read_numvfs(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%u\n", ref->fn.gpu->n_vfs);
    return 0;
}

int read_vf_offset(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%u\n", ref->fn.gpu->sriov_offset);
    return 0;
}

int read_vf_device(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%x\n", ref->fn.gpu->pci_device);
    return 0;
}

int read_runtime_usage(const struct ref *ref, struct strbuf *out)
{
    strbuf_add(out, function_driver(&ref->fn)[0] != '\0' ? "2\n" : "1\n");
    return 0;
}

static int flag(struct strbuf *out, bool on)
{
    strbuf_add(out, on ? "1\n" : "0\n");
    return 0;
}

int read_autoprobe(const struct ref *ref, struct strbuf *out)
{
    return flag(out, !ref->host->no_autoprobe);
}

int read_sriov_autoprobe(const struct ref *ref, struct strbuf *out)
{
    return flag(out, !ref->fn.gpu->sriov_no_autoprobe);
}

int read_parity(const struct ref *ref, struct strbuf *out)
{
    return flag(out, function_knobs(&ref->fn)->broken_parity);
}

int read_d3cold(const struct ref *ref, struct strbuf *out)
{
    return flag(out, function_knobs(&ref->fn)->d3cold);
}

int read_power_control(const struct ref *ref, struct strbuf *out)
{
    strbuf_add(out, function_knobs(&ref->fn)->power_auto ? "auto\n" : "on\n");
    return 0;
}

/* A VFIO group or container: it only knows ioctl(). */
int read_nothing(const struct ref *ref UNUSED, struct strbuf *out UNUSED)
{
    return -EINVAL;
}

/* The major number is given out when vfio is loaded. */
int read_vfio_dev(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "511:%u\n", ref->fn.serial);
    return 0;
}

#define CONSTANT(name, text)                                                                       \
    int name(const struct ref *ref UNUSED, struct strbuf *out)                                     \
    {                                                                                              \
        strbuf_add(out, text);                                                                     \
        return 0;                                                                                  \
    }
CONSTANT(read_zero, "0\n")
CONSTANT(read_one, "1\n")
CONSTANT(read_max_link_width, "16\n")
CONSTANT(read_d0, "D0\n")
CONSTANT(read_dma_bits, "47\n")
CONSTANT(read_active, "active\n")
CONSTANT(read_forbidden, "forbidden\n")
CONSTANT(read_enabled, "enabled\n")
CONSTANT(read_empty, "")
CONSTANT(read_live, "live\n")
CONSTANT(read_refcnt, "2\n")
CONSTANT(read_vfio_type, "DMA\n")
