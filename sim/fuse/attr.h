/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the files: the functions that rows of nodes.c name. `when_*` decide whether a file
 * is there, `read_*` give its content, `link_*` a link's target, `write_*` hand one write to the
 * engine. All under the host's lock. read_*, link_* and write_* return 0 or -errno.
 */
#ifndef SIM_FUSE_ATTR_H
#define SIM_FUSE_ATTR_H

#include "base/str.h"
#include "sim/fuse/ref.h"

typedef bool when_fn(const struct ref *ref);
typedef int read_fn(const struct ref *ref, struct strbuf *out);
typedef int write_fn(const struct ref *ref, const char *text);

/* Of a write, besides 0 and -errno: it is done, but answered when the VM that has the function lets
 * go of it; or it is to be tried again then. */
#define ATTR_LATER 1
#define ATTR_AGAIN 2

/* ---- attr_when.c ---- */
when_fn when_gpu_function; /* a GPU or VF, not another function */
when_fn when_sriov;        /* a GPU with SR-IOV */
when_fn when_vf;
when_fn when_driver; /* bound */
when_fn when_resettable;
when_fn when_vfio;        /* a VFIO device */
when_fn when_vendor_vfio; /* a VF with NVIDIA's vendor VFIO files */
when_fn when_mdev_types;
when_fn when_mdev_host; /* NVIDIA's mdev driver is loaded */
when_fn when_os_release;
when_fn when_vgpu_host;
uint32_t lives_of_driver(const struct ref *ref);
uint32_t lives_of_mdev(const struct ref *ref);
when_fn when_driver_loaded; /* NVIDIA's */
when_fn when_mdev_driver;   /* with mdevs */
when_fn when_mig_host;      /* a GPU with MIG is there */

/* ---- attr_pci.c: <function>/… ---- */
read_fn read_vendor, read_device, read_subvendor, read_subdevice, read_class, read_revision;
read_fn read_numa_node, read_local_cpus, read_local_cpulist, read_enable, read_driver_override;
read_fn read_modalias, read_uevent, read_reset_method, read_link_speed, read_link_width;
read_fn read_max_link_speed, read_totalvfs, read_numvfs, read_vf_offset, read_vf_device;
read_fn read_parity, read_d3cold, read_power_control;
read_fn read_runtime_usage, read_autoprobe, read_sriov_autoprobe, read_vfio_dev;
/* Values that never differ: "1\n" and so on. */
read_fn read_zero, read_one, read_d0, read_dma_bits, read_active, read_forbidden;
read_fn read_max_link_width, read_enabled, read_empty, read_nothing, read_live, read_refcnt,
    read_vfio_type;

/* ---- config.c ---- */
#define CONFIG_SIZE 4096
#define BARS 6
read_fn read_config, read_resource, read_bar;
/* Of ref->bar: 0 when the function has none of that number. */
uint64_t bar_bytes(const struct ref *ref, bool *ret_prefetchable);
uint64_t bar_size(const struct ref *ref);

/* ---- link.c ---- */
read_fn link_bus_device, link_function_driver, link_pci_subsystem, link_iommu_group, link_physfn;
read_fn link_virtfn, link_driver_module, link_group_device, link_class_parent, link_bus_mdev;
read_fn link_mdev_type, link_mdev_driver, link_mdev_subsystem, link_mdev_iommu_group;
read_fn link_type_mdev, link_group_mdev, link_driver_mdev, link_vfio_device, link_vfio_subsystem;
read_fn link_mdev_module, link_class_vfio;

/* ---- attr_vgpu.c: vendor VFIO and mdev ---- */
read_fn read_creatable, read_current_type, read_vf_params, read_vf_gi, read_vf_placement;
read_fn read_warm_update, read_type_name, read_type_description, read_type_api;
read_fn read_type_available, read_mdev_params, read_mdev_placement, read_mdev_uevent;
write_fn write_current_type, write_vf_params, write_warm_update, write_mdev_create;
write_fn write_mdev_remove, write_mdev_params;

/* ---- attr_write.c: the PCI core ---- */
write_fn write_bind, write_unbind, write_new_id, write_remove_id;
write_fn write_drivers_probe, write_flag, write_driver_override, write_reset, write_numvfs;
write_fn write_power_control, write_unbind_lock, write_remove, write_rescan, write_autoprobe;
write_fn write_sriov_autoprobe, write_enable, write_numa_node, write_parity, write_d3cold;
write_fn write_uevent, write_reset_method, write_group_type;

/* ---- attr_proc.c: /proc/driver/nvidia and /sys/module ---- */
read_fn read_proc_version, read_proc_params, read_information, read_unbind_lock;
read_fn read_driver_version, read_mig_config, read_mig_monitor, read_gi_access, read_ci_access;
read_fn read_mig_minors, read_osrelease, read_os_release, read_boot_id, read_modules, read_devices,
    read_coresize;
read_fn link_holder;

#endif
