/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of the simulated kernel. Patterns: node.h; slots in braces: slot.c; functions: attr.h.
 */
#include "sim/fuse/nodes.h"

#include "sim/fuse/attr.h"

#define PAGE 4096

#define DIR(path, when_) {.pattern = (path), .kind = NODE_DIR, .mode = 0755, .when = (when_)}
#define LINK(path, when_, read_)                                                                   \
    {.pattern = (path), .kind = NODE_LINK, .mode = 0777, .when = (when_), .read = (read_)}
#define FILE_(path, mode_, when_, read_, write_)                                                   \
    {.pattern = (path),                                                                            \
     .kind = NODE_FILE,                                                                            \
     .mode = (mode_),                                                                              \
     .size = PAGE,                                                                                 \
     .when = (when_),                                                                              \
     .read = (read_),                                                                              \
     .write = (write_)}
#define RO(path, when_, read_) FILE_(path, 0444, when_, read_, NULL)
#define WO(path, when_, write_) FILE_(path, 0200, when_, NULL, write_)
#define RW(path, when_, read_, write_) FILE_(path, 0644, when_, read_, write_)
/* The driver copies all but the last byte of a write, which it takes for a newline, and looks at no
 * word of it: a value that is written without one loses its last digit (vgpu_params_store() of
 * nvidia-vgpu-vfio, 460.73.01). */
#define PARAMS(path, read_, write_)                                                                \
    {.pattern = (path),                                                                            \
     .kind = NODE_FILE,                                                                            \
     .mode = 0644,                                                                                 \
     .size = PAGE,                                                                                 \
     .drops_last = true,                                                                           \
     .read = (read_),                                                                              \
     .write = (write_)}
/* /proc has no sizes. */
#define PROC(path, mode_, when_, read_, write_)                                                    \
    {.pattern = (path),                                                                            \
     .kind = NODE_FILE,                                                                            \
     .mode = (mode_),                                                                              \
     .when = (when_),                                                                              \
     .read = (read_),                                                                              \
     .write = (write_)}

#define FN "devices/{root}/{fn}"
#define TYPE FN "/mdev_supported_types/{type}"
#define MDEV FN "/{mdev}"
#define DRIVER "bus/pci/drivers/{driver}"
#define PROC_NVIDIA "proc/driver/nvidia"
#define CAPS PROC_NVIDIA "/capabilities"

/* clang-format off */
const struct node nodes[] = {
    /* ---- a PCI function ---- */
    DIR("devices", NULL),
    DIR("devices/{root}", NULL),
    DIR(FN, NULL),
    RO(FN "/vendor", NULL, read_vendor),
    RO(FN "/device", NULL, read_device),
    RO(FN "/subsystem_vendor", NULL, read_subvendor),
    RO(FN "/subsystem_device", NULL, read_subdevice),
    RO(FN "/class", NULL, read_class),
    RO(FN "/revision", NULL, read_revision),
    RO(FN "/irq", NULL, read_zero),
    RW(FN "/numa_node", NULL, read_numa_node, write_numa_node),
    RO(FN "/local_cpus", NULL, read_local_cpus),
    RO(FN "/local_cpulist", NULL, read_local_cpulist),
    RO(FN "/resource", NULL, read_resource),
    {.pattern = FN "/{bar}",
     .kind = NODE_FILE,
     .mode = 0600,
     .size = PAGE,
     .bytes = bar_size,
     .read = read_bar},
    FILE_(FN "/config", 0644, NULL, read_config, NULL),
    RW(FN "/enable", NULL, read_enable, write_enable),
    RW(FN "/driver_override", NULL, read_driver_override, write_driver_override),
    RO(FN "/modalias", NULL, read_modalias),
    RW(FN "/uevent", NULL, read_uevent, write_uevent),
    RW(FN "/msi_bus", NULL, read_one, write_flag),
    RW(FN "/broken_parity_status", NULL, read_parity, write_parity),
    RW(FN "/d3cold_allowed", NULL, read_d3cold, write_d3cold),
    RO(FN "/ari_enabled", NULL, read_one),
    RO(FN "/dma_mask_bits", NULL, read_dma_bits),
    RO(FN "/consistent_dma_mask_bits", NULL, read_dma_bits),
    RO(FN "/power_state", NULL, read_d0),
    RO(FN "/current_link_speed", when_gpu_function, read_link_speed),
    RO(FN "/current_link_width", when_gpu_function, read_link_width),
    RO(FN "/max_link_speed", when_gpu_function, read_max_link_speed),
    RO(FN "/max_link_width", when_gpu_function, read_max_link_width),
    WO(FN "/reset", when_resettable, write_reset),
    RW(FN "/reset_method", when_resettable, read_reset_method, write_reset_method),
    FILE_(FN "/remove", 0220, NULL, NULL, write_remove),
    WO(FN "/rescan", NULL, write_rescan),
    RO(FN "/sriov_totalvfs", when_sriov, read_totalvfs),
    RW(FN "/sriov_numvfs", when_sriov, read_numvfs, write_numvfs),
    RO(FN "/sriov_offset", when_sriov, read_vf_offset),
    RO(FN "/sriov_stride", when_sriov, read_one),
    RO(FN "/sriov_vf_device", when_sriov, read_vf_device),
    RO(FN "/sriov_vf_total_msix", when_sriov, read_zero),
    RW(FN "/sriov_drivers_autoprobe", when_sriov, read_sriov_autoprobe, write_sriov_autoprobe),
    LINK(FN "/physfn", when_vf, link_physfn),
    LINK(FN "/{virtfn}", when_sriov, link_virtfn),
    LINK(FN "/driver", when_driver, link_function_driver),
    LINK(FN "/subsystem", NULL, link_pci_subsystem),
    LINK(FN "/iommu_group", NULL, link_iommu_group),
    DIR(FN "/link", when_gpu_function), /* what can be set of its link: nothing */
    DIR(FN "/power", NULL),
    RW(FN "/power/control", NULL, read_power_control, write_power_control),
    RO(FN "/power/async", NULL, read_enabled),
    RO(FN "/power/runtime_status", NULL, read_active),
    RO(FN "/power/runtime_enabled", NULL, read_forbidden),
    RO(FN "/power/runtime_usage", NULL, read_runtime_usage),
    RO(FN "/power/runtime_active_kids", NULL, read_zero),
    RO(FN "/power/runtime_active_time", NULL, read_zero),
    RO(FN "/power/runtime_suspended_time", NULL, read_zero),
    DIR(FN "/vfio-dev", when_vfio),
    DIR(FN "/vfio-dev/{vfio}", NULL),
    RO(FN "/vfio-dev/{vfio}/dev", NULL, read_vfio_dev),
    LINK(FN "/vfio-dev/{vfio}/device", NULL, link_vfio_device),
    LINK(FN "/vfio-dev/{vfio}/subsystem", NULL, link_vfio_subsystem),

    /* ---- vGPUs, vendor VFIO ---- */
    DIR(FN "/nvidia", when_vendor_vfio),
    RO(FN "/nvidia/creatable_vgpu_types", NULL, read_creatable),
    RW(FN "/nvidia/current_vgpu_type", NULL, read_current_type, write_current_type),
    PARAMS(FN "/nvidia/vgpu_params", read_vf_params, write_vf_params),
    RO(FN "/nvidia/gpu_instance_id", NULL, read_vf_gi),
    RO(FN "/nvidia/placement_id", NULL, read_vf_placement),
    RW(FN "/nvidia/warm_update", NULL, read_warm_update, write_warm_update),

    /* ---- vGPUs, mdev ---- */
    DIR(FN "/mdev_supported_types", when_mdev_types),
    DIR(TYPE, NULL),
    RO(TYPE "/name", NULL, read_type_name),
    RO(TYPE "/description", NULL, read_type_description),
    RO(TYPE "/device_api", NULL, read_type_api),
    RO(TYPE "/available_instances", NULL, read_type_available),
    WO(TYPE "/create", NULL, write_mdev_create),
    DIR(TYPE "/devices", NULL),
    LINK(TYPE "/devices/{mdev}", NULL, link_type_mdev),
    DIR(MDEV, NULL),
    LINK(MDEV "/mdev_type", NULL, link_mdev_type),
    LINK(MDEV "/driver", NULL, link_mdev_driver),
    LINK(MDEV "/subsystem", NULL, link_mdev_subsystem),
    LINK(MDEV "/iommu_group", NULL, link_mdev_iommu_group),
    {.pattern = MDEV "/uevent",
     .kind = NODE_FILE,
     .mode = 0644,
     .size = 4096,
     .lives = lives_of_mdev,
     .read = read_mdev_uevent,
     .write = write_uevent},
    WO(MDEV "/remove", NULL, write_mdev_remove),
    DIR(MDEV "/nvidia", NULL),
    PARAMS(MDEV "/nvidia/vgpu_params", read_mdev_params, write_mdev_params),
    RO(MDEV "/nvidia/placement_id", NULL, read_mdev_placement),
    DIR(MDEV "/power", NULL),
    RW(MDEV "/power/control", NULL, read_power_control, write_power_control),

    /* ---- buses and classes ---- */
    DIR("bus", NULL),
    DIR("bus/pci", NULL),
    DIR("bus/pci/devices", NULL),
    LINK("bus/pci/devices/{dev}", NULL, link_bus_device),
    DIR("bus/pci/slots", NULL),
    WO("bus/pci/drivers_probe", NULL, write_drivers_probe),
    RW("bus/pci/drivers_autoprobe", NULL, read_autoprobe, write_autoprobe),
    WO("bus/pci/rescan", NULL, write_rescan),
    WO("bus/pci/uevent", NULL, write_uevent),
    DIR("bus/pci/drivers", NULL),
    DIR(DRIVER, NULL),
    LINK(DRIVER "/{bound}", NULL, link_bus_device),
    LINK(DRIVER "/module", NULL, link_driver_module),
    WO(DRIVER "/bind", NULL, write_bind),
    WO(DRIVER "/unbind", NULL, write_unbind),
    WO(DRIVER "/new_id", NULL, write_new_id),
    WO(DRIVER "/remove_id", NULL, write_remove_id),
    WO(DRIVER "/uevent", NULL, write_uevent),
    DIR("bus/mdev", NULL),
    DIR("bus/mdev/devices", NULL),
    LINK("bus/mdev/devices/{anymdev}", NULL, link_bus_mdev),
    DIR("bus/mdev/drivers", NULL),
    DIR("bus/mdev/drivers/nvidia", when_mdev_driver),
    LINK("bus/mdev/drivers/nvidia/{anymdev}", NULL, link_driver_mdev),
    LINK("bus/mdev/drivers/nvidia/module", NULL, link_mdev_module),
    WO("bus/mdev/drivers_probe", NULL, write_flag),
    RW("bus/mdev/drivers_autoprobe", NULL, read_one, write_flag),
    DIR("class", NULL),
    DIR("class/mdev_bus", NULL),
    LINK("class/mdev_bus/{parent}", NULL, link_class_parent),
    DIR("class/vfio-dev", NULL),
    LINK("class/vfio-dev/{cdev}", NULL, link_class_vfio),

    /* ---- IOMMU groups and /dev/vfio ---- */
    DIR("kernel", NULL),
    DIR("kernel/iommu_groups", NULL),
    DIR("kernel/iommu_groups/{group}", NULL),
    RW("kernel/iommu_groups/{group}/type", NULL, read_vfio_type, write_group_type),
    RO("kernel/iommu_groups/{group}/reserved_regions", NULL, read_empty),
    DIR("kernel/iommu_groups/{group}/devices", NULL),
    LINK("kernel/iommu_groups/{group}/devices/{member}", NULL, link_group_device),
    LINK("kernel/iommu_groups/{group}/devices/{groupmdev}", NULL, link_group_mdev),
    DIR("dev", NULL),
    DIR("dev/vfio", NULL),
    PROC("dev/vfio/vfio", 0666, NULL, read_nothing, NULL),
    {.pattern = "dev/vfio/{vfiogroup}",
     .kind = NODE_FILE,
     .mode = 0600,
     .exclusive = true,
     .read = read_nothing},
    DIR("dev/vfio/devices", NULL),
    PROC("dev/vfio/devices/{cdev}", 0600, NULL, read_nothing, NULL),

    /* ---- modules ---- */
    /* The driver's two stay as empty directories when it is unloaded: something is bound over them. */
    DIR("module", NULL),
    DIR("module/nvidia", NULL),
    RO("module/nvidia/version", when_driver_loaded, read_driver_version),
    {.pattern = "module/nvidia/initstate",
     .kind = NODE_FILE,
     .mode = 0444,
     .size = 4096,
     .when = when_driver_loaded,
     .lives = lives_of_driver,
     .read = read_live},
    RO("module/nvidia/refcnt", when_driver_loaded, read_refcnt),
    RO("module/nvidia/coresize", when_driver_loaded, read_coresize),
    DIR("module/nvidia/holders", when_driver_loaded),
    LINK("module/nvidia/holders/nvidia_vgpu_vfio", when_vgpu_host, link_holder),
    DIR("module/nvidia/parameters", when_driver_loaded),
    DIR("module/nvidia_vgpu_vfio", when_vgpu_host),
    RO("module/nvidia_vgpu_vfio/initstate", when_driver_loaded, read_live),
    RO("module/nvidia_vgpu_vfio/refcnt", when_driver_loaded, read_refcnt),
    DIR("module/mdev", when_mdev_host),
    RO("module/mdev/initstate", NULL, read_live),
    RO("module/mdev/refcnt", NULL, read_refcnt),
    DIR("module/vfio", NULL),
    RO("module/vfio/initstate", NULL, read_live),
    RO("module/vfio/refcnt", NULL, read_refcnt),
    DIR("module/vfio_pci", NULL),
    RO("module/vfio_pci/initstate", NULL, read_live),
    RO("module/vfio_pci/refcnt", NULL, read_zero),
    DIR("module/vfio_iommu_type1", NULL),
    RO("module/vfio_iommu_type1/initstate", NULL, read_live),
    RO("module/vfio_iommu_type1/refcnt", NULL, read_zero),

    /* ---- /proc/driver/nvidia ---- */
    DIR("proc", NULL),
    DIR("proc/driver", NULL),
    DIR(PROC_NVIDIA, NULL),
    PROC(PROC_NVIDIA "/version", 0444, when_driver_loaded, read_proc_version, NULL),
    PROC(PROC_NVIDIA "/params", 0444, when_driver_loaded, read_proc_params, NULL),
    PROC(PROC_NVIDIA "/registry", 0444, when_driver_loaded, read_empty, NULL),
    DIR(PROC_NVIDIA "/gpus", when_driver_loaded),
    DIR(PROC_NVIDIA "/gpus/{gpu}", NULL),
    PROC(PROC_NVIDIA "/gpus/{gpu}/information", 0444, NULL, read_information, NULL),
    PROC(PROC_NVIDIA "/gpus/{gpu}/unbindLock", 0644, NULL, read_unbind_lock, write_unbind_lock),
    DIR(CAPS, when_driver_loaded),
    DIR(CAPS "/mig", when_mig_host),
    PROC(CAPS "/mig/config", 0444, NULL, read_mig_config, NULL),
    PROC(CAPS "/mig/monitor", 0444, NULL, read_mig_monitor, NULL),
    DIR(CAPS "/{minor}", NULL),
    DIR(CAPS "/{minor}/mig", NULL),
    DIR(CAPS "/{minor}/mig/{gi}", NULL),
    PROC(CAPS "/{minor}/mig/{gi}/access", 0444, NULL, read_gi_access, NULL),
    DIR(CAPS "/{minor}/mig/{gi}/{ci}", NULL),
    PROC(CAPS "/{minor}/mig/{gi}/{ci}/access", 0444, NULL, read_ci_access, NULL),
    PROC("proc/modules", 0444, NULL, read_modules, NULL),
    PROC("proc/devices", 0444, NULL, read_devices, NULL),
    DIR("etc", when_os_release),
    PROC("etc/os-release", 0444, NULL, read_os_release, NULL),
    DIR("proc/driver/nvidia-caps", NULL),
    DIR("proc/sys", NULL),
    DIR("proc/sys/kernel", NULL),
    PROC("proc/sys/kernel/osrelease", 0444, NULL, read_osrelease, NULL),
    DIR("proc/sys/kernel/random", NULL),
    PROC("proc/sys/kernel/random/boot_id", 0444, NULL, read_boot_id, NULL),
    PROC("proc/driver/nvidia-caps/mig-minors", 0444, when_mig_host, read_mig_minors, NULL),
};
/* clang-format on */

const size_t n_nodes = ARRAY_SIZE(nodes);
