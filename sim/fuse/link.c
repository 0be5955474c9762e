/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic links, relative as the kernel makes them: they resolve under /sys and under the mount.
 */
#include <errno.h>

#include "sim/fuse/attr.h"

/* "devices/pci0000:40/0000:41:00.0" after `ups` times "../". */
static int to_device(const struct function *fn, int ups, struct strbuf *out)
{
    char root[ROOT_NAME_SIZE];
    char bdf[BDF_SIZE];
    for (int i = 0; i < ups; i++) {
        strbuf_add(out, "../");
    }
    strbuf_addf(out, "devices/%s/%s", function_root(fn, root), function_bdf(fn, bdf));
    return 0;
}

static int to_mdev(const struct ref *ref, int ups, struct strbuf *out)
{
    to_device(&ref->fn, ups, out);
    strbuf_addf(out, "/%s", ref->mdev->uuid);
    return 0;
}

/* bus/pci/devices/<BDF>, bus/pci/drivers/<driver>/<BDF> */
int link_bus_device(const struct ref *ref, struct strbuf *out)
{
    return to_device(&ref->fn, ref->driver[0] != '\0' ? 4 : 3, out);
}

/* kernel/iommu_groups/<n>/devices/<BDF> */
int link_group_device(const struct ref *ref, struct strbuf *out)
{
    return to_device(&ref->fn, 4, out);
}

/* class/mdev_bus/<BDF> */
int link_class_parent(const struct ref *ref, struct strbuf *out)
{
    return to_device(&ref->fn, 2, out);
}

/* class/vfio-dev/vfio<n> */
int link_class_vfio(const struct ref *ref, struct strbuf *out)
{
    to_device(&ref->fn, 2, out);
    strbuf_addf(out, "/vfio-dev/vfio%u", ref->fn.serial);
    return 0;
}

/* ---- in devices/<root>/<BDF>/ ---- */

int link_function_driver(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "../../../bus/pci/drivers/%s", function_driver(&ref->fn));
    return 0;
}

int link_pci_subsystem(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "../../../bus/pci");
    return 0;
}

int link_iommu_group(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "../../../kernel/iommu_groups/%u", function_group(&ref->fn));
    return 0;
}

int link_physfn(const struct ref *ref, struct strbuf *out)
{
    char bdf[BDF_SIZE];
    strbuf_addf(out, "../%s", pci_addr_format(&ref->fn.gpu->addr, bdf));
    return 0;
}

int link_virtfn(const struct ref *ref, struct strbuf *out)
{
    char bdf[BDF_SIZE];
    strbuf_addf(out, "../%s", pci_addr_format(&ref->fn.gpu->vfs[ref->virtfn].addr, bdf));
    return 0;
}

int link_vfio_device(const struct ref *ref, struct strbuf *out)
{
    char bdf[BDF_SIZE];
    strbuf_addf(out, "../../../%s", function_bdf(&ref->fn, bdf));
    return 0;
}

int link_vfio_subsystem(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "../../../../../class/vfio-dev");
    return 0;
}

/* ---- bus/pci/drivers/<driver>/module ---- */

int link_driver_module(const struct ref *ref, struct strbuf *out)
{
    CLEANUP_FREE char *module = xstrdup(ref->driver);
    for (char *p = module; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p; /* vfio-pci lives in vfio_pci */
    }
    strbuf_addf(out, "../../../../module/%s", module);
    return 0;
}

int link_mdev_module(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "../../../../module/nvidia_vgpu_vfio");
    return 0;
}

/* ---- mdevs ---- */

int link_bus_mdev(const struct ref *ref, struct strbuf *out)
{
    return to_mdev(ref, 3, out);
}

int link_driver_mdev(const struct ref *ref, struct strbuf *out)
{
    return to_mdev(ref, 4, out);
}

int link_group_mdev(const struct ref *ref, struct strbuf *out)
{
    return to_mdev(ref, 4, out);
}

/* mdev_supported_types/<type>/devices/<UUID> */
int link_type_mdev(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "../../../%s", ref->mdev->uuid);
    return 0;
}

int link_mdev_type(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "../mdev_supported_types/nvidia-%u",
                sim_type_id(ref->fn.gpu->model, ref->mdev->type));
    return 0;
}

int link_mdev_driver(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "../../../../bus/mdev/drivers/nvidia");
    return 0;
}

int link_mdev_subsystem(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "../../../../bus/mdev");
    return 0;
}

int link_mdev_iommu_group(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "../../../../kernel/iommu_groups/%u", ref->mdev->iommu_group);
    return 0;
}
