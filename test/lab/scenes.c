/* SPDX-License-Identifier: Apache-2.0 */
/* Names in braces: probe.c. Each scene leaves the devices as it found them. */
#include "test/lab/probe.h"

#define READ(path_) {.what = DO_READ, .path = (path_)}
#define SHAPE(path_) {.what = DO_READ, .path = (path_), .show = SHOW_SHAPE}
#define LENGTH(path_) {.what = DO_READ, .path = (path_), .show = SHOW_LENGTH}
#define TRY_READ(path_) {.what = DO_READ, .path = (path_), .show = SHOW_NOTHING}
#define WRITE(path_, text_) {.what = DO_WRITE, .path = (path_), .text = (text_)}
#define LINK(path_) {.what = DO_LINK, .path = (path_)}
#define STAT(path_) {.what = DO_STAT, .path = (path_)}
#define MODE(path_) {.what = DO_STAT, .path = (path_), .show = SHOW_NOTHING}
#define DO(what_, path_) {.what = (what_), .path = (path_)}
#define DO_WITH(what_, path_, text_) {.what = (what_), .path = (path_), .text = (text_)}
#define START(path_, text_) {.what = DO_START_WRITE, .path = (path_), .text = (text_)}
#define FINISH(path_) {.what = DO_END_WRITE, .path = (path_)}
#define HOLD(device_, name_) {.what = DO_HOLD, .path = device_ "/enable", .text = (name_)}
#define LET_GO(device_) {.what = DO_LET_GO, .path = device_ "/enable"}
#define END {.path = NULL}

#define BUS "/sys/bus/pci"
#define DRIVERS BUS "/drivers"
#define VFIO DRIVERS "/vfio-pci"
#define GROUP "/sys/kernel/iommu_groups/{group}"
#define OVERRIDE "{gpu}/driver_override"
#define PROBE BUS "/drivers_probe"

/* clang-format off */
static const struct action files[] = {
    STAT("{gpu}/vendor"), STAT("{gpu}/device"), STAT("{gpu}/subsystem_vendor"),
    STAT("{gpu}/subsystem_device"), STAT("{gpu}/class"), STAT("{gpu}/revision"),
    STAT("{gpu}/irq"), STAT("{gpu}/numa_node"), STAT("{gpu}/local_cpus"),
    STAT("{gpu}/local_cpulist"), STAT("{gpu}/resource"), STAT("{gpu}/config"),
    STAT("{gpu}/enable"), STAT("{gpu}/driver_override"), STAT("{gpu}/modalias"),
    STAT("{gpu}/uevent"), STAT("{gpu}/msi_bus"), STAT("{gpu}/broken_parity_status"),
    STAT("{gpu}/d3cold_allowed"), STAT("{gpu}/ari_enabled"), STAT("{gpu}/dma_mask_bits"),
    STAT("{gpu}/consistent_dma_mask_bits"), STAT("{gpu}/power_state"),
    STAT("{gpu}/current_link_speed"), STAT("{gpu}/current_link_width"),
    STAT("{gpu}/max_link_speed"), STAT("{gpu}/max_link_width"), STAT("{gpu}/reset"),
    STAT("{gpu}/reset_method"), STAT("{gpu}/remove"), STAT("{gpu}/rescan"),
    MODE("{gpu}/resource0"), STAT("{gpu}/driver"), STAT("{gpu}/subsystem"),
    STAT("{gpu}/iommu_group"), STAT("{gpu}/power"), STAT("{gpu}/power/control"),
    STAT("{gpu}/power/runtime_status"), STAT("{gpu}/link"), STAT("{gpu}/iommu"),
    STAT("{gpu}/vfio-dev"), STAT("{gpu}/nothing"),
    STAT(BUS), STAT(BUS "/devices"), STAT(PROBE), STAT(BUS "/drivers_autoprobe"),
    STAT(BUS "/rescan"), STAT(BUS "/uevent"), STAT(BUS "/slots"),
    STAT(VFIO "/bind"), STAT(VFIO "/unbind"), STAT(VFIO "/new_id"), STAT(VFIO "/remove_id"),
    STAT(VFIO "/uevent"), STAT(VFIO "/module"), STAT(DRIVERS "/{HOME}/bind"),
    STAT(GROUP), STAT(GROUP "/type"), STAT(GROUP "/reserved_regions"), STAT(GROUP "/devices"),
    STAT(GROUP "/name"), MODE("/dev/vfio"), MODE("/dev/vfio/vfio"), MODE("/dev/vfio/{group}"),
    STAT("{pf}/sriov_totalvfs"), STAT("{pf}/sriov_numvfs"), STAT("{pf}/sriov_offset"),
    STAT("{pf}/sriov_stride"), STAT("{pf}/sriov_vf_device"),
    STAT("{pf}/sriov_drivers_autoprobe"), STAT("{pf}/sriov_vf_total_msix"), STAT("{pf}/virtfn0"),
    END,
};

static const struct action contents[] = {
    SHAPE("{gpu}/vendor"), SHAPE("{gpu}/device"), SHAPE("{gpu}/subsystem_vendor"),
    SHAPE("{gpu}/subsystem_device"), SHAPE("{gpu}/class"), SHAPE("{gpu}/revision"),
    READ("{gpu}/numa_node"), SHAPE("{gpu}/resource"), SHAPE("{gpu}/modalias"),
    SHAPE("{gpu}/uevent"), READ("{gpu}/enable"), READ(OVERRIDE), READ("{gpu}/msi_bus"),
    READ("{gpu}/broken_parity_status"), READ("{gpu}/d3cold_allowed"), SHAPE("{gpu}/ari_enabled"),
    SHAPE("{gpu}/dma_mask_bits"), SHAPE("{gpu}/irq"), READ("{gpu}/power_state"),
    TRY_READ("{gpu}/max_link_speed"), TRY_READ("{gpu}/max_link_width"), LENGTH("{gpu}/config"),
    READ("{gpu}/power/control"), READ("{gpu}/power/runtime_status"),
    READ(BUS "/drivers_autoprobe"), READ("{pf}/sriov_numvfs"), READ("{pf}/sriov_drivers_autoprobe"),
    LINK("{gpu}/driver"), LINK("{gpu}/subsystem"), LINK("{gpu}/iommu_group"),
    LINK(BUS "/devices/{GPU}"), LINK(DRIVERS "/{HOME}/{GPU}"), LINK(GROUP "/devices/{GPU}"),
    LINK(VFIO "/{GPU}"), LINK(VFIO "/module"), READ(GROUP "/type"),
    LINK("/sys/kernel/iommu_groups/{ogroup}/devices/{SECOND}"), LINK("{second}/driver"),
    END,
};

static const struct action access_rights[] = {
    TRY_READ("{gpu}/remove"), TRY_READ("{gpu}/rescan"), TRY_READ("{gpu}/reset"), TRY_READ(PROBE),
    TRY_READ(VFIO "/bind"), TRY_READ("{gpu}"), TRY_READ("{gpu}/nothing"),
    WRITE("{gpu}/vendor", "0x10de\n"), WRITE("{gpu}/class", "x"), WRITE(GROUP "/reserved_regions", "x"),
    DO(DO_CREATE, "{gpu}/nothing"), DO(DO_CREATE, DRIVERS "/nothing"),
    DO(DO_MKDIR, "{gpu}/nothing"), DO(DO_UNLINK, "{gpu}/vendor"), DO(DO_UNLINK, "{gpu}/driver"),
    DO_WITH(DO_RENAME, "{gpu}/vendor", "{gpu}/nothing"),
    DO_WITH(DO_SYMLINK, "{gpu}/nothing", "vendor"), DO(DO_TRUNCATE, OVERRIDE),
    DO(DO_TRUNCATE, "{gpu}/vendor"),
    END,
};

static const struct action overrides[] = {
    WRITE(OVERRIDE, "vfio-pci\n"), READ(OVERRIDE), LINK("{gpu}/driver"),
    WRITE(OVERRIDE, "vfio-pci"), READ(OVERRIDE),
    WRITE(OVERRIDE, ""), READ(OVERRIDE),
    WRITE(OVERRIDE, "\n"), READ(OVERRIDE),
    WRITE(OVERRIDE, "nothing\n"), READ(OVERRIDE),
    WRITE(OVERRIDE, " vfio-pci \n"), READ(OVERRIDE),
    WRITE(OVERRIDE, "a\nb\n"), READ(OVERRIDE),
    WRITE(OVERRIDE, "\nb\n"), READ(OVERRIDE),
    WRITE(OVERRIDE, "(null)\n"), READ(OVERRIDE),
    WRITE(OVERRIDE, "{long}"), READ(OVERRIDE), WRITE(OVERRIDE, "a{nul}b"), READ(OVERRIDE),
    WRITE(OVERRIDE, "{nul}"), READ(OVERRIDE),
    WRITE(OVERRIDE, "a-driver-with-a-name-that-is-longer-than-any-that-there-is\n"), READ(OVERRIDE),
    WRITE(OVERRIDE, "\n"), READ(OVERRIDE),
    END,
};

static const struct action odd_writes[] = {
    WRITE(PROBE, "{GPU}\n"), WRITE(PROBE, "{GPU}"), WRITE(PROBE, "nothing\n"), WRITE(PROBE, "\n"),
    WRITE(PROBE, "ffff:00:00.0\n"), WRITE(PROBE, " {GPU}\n"), WRITE(PROBE, "{GPU} \n"),
    WRITE(PROBE, "01:00.0\n"), WRITE(PROBE, "{long}"), WRITE(PROBE, "{GPU}{nul}x"),
    WRITE(PROBE, "{GPU}\n\n"),
    WRITE(VFIO "/unbind", "{GPU}\n"), WRITE(VFIO "/unbind", "nothing\n"),
    WRITE(DRIVERS "/{HOME}/unbind", "{GPU} \n"), WRITE(DRIVERS "/{HOME}/unbind", "ffff:00:00.0"),
    WRITE(VFIO "/bind", "{GPU}\n"), WRITE(VFIO "/bind", "nothing"),
    WRITE(DRIVERS "/{HOME}/bind", "{GPU}\n"), LINK("{gpu}/driver"),
    WRITE(BUS "/drivers_autoprobe", "x"), READ(BUS "/drivers_autoprobe"),
    WRITE(BUS "/drivers_autoprobe", "0\n"), READ(BUS "/drivers_autoprobe"),
    WRITE(BUS "/drivers_autoprobe", "1\n"), READ(BUS "/drivers_autoprobe"),
    WRITE("{gpu}/remove", "x\n"), WRITE("{gpu}/remove", "0\n"), WRITE("{gpu}/remove", "-1\n"),
    WRITE("{gpu}/remove", "0x0"), WRITE("{gpu}/remove", "00"), WRITE("{gpu}/remove", "+0\n"),
    WRITE("{gpu}/remove", "0 \n"), WRITE("{gpu}/remove", " 0"), WRITE("{gpu}/remove", "0\n\n"),
    WRITE("{gpu}/remove", "0{nul}x"), WRITE("{gpu}/remove", "08"), WRITE("{gpu}/remove", "0b0"),
    WRITE("{gpu}/remove", "\n"), WRITE("{gpu}/remove", "0x"), WRITE("{gpu}/remove", "{long}"),
    WRITE("{gpu}/remove", "99999999999999999999"),
    WRITE("{gpu}/rescan", "x\n"), WRITE("{gpu}/rescan", "0\n"), WRITE(BUS "/rescan", "x"),
    WRITE(BUS "/rescan", "0"), WRITE(BUS "/rescan", ""),
    WRITE("{gpu}/reset", "x\n"), WRITE("{gpu}/reset", "0\n"), WRITE("{gpu}/reset", "2\n"),
    WRITE("{gpu}/enable", "x\n"), WRITE("{gpu}/enable", "1\n"), WRITE("{gpu}/enable", "0\n"),
    WRITE("{gpu}/numa_node", "x\n"), WRITE("{gpu}/numa_node", "4000\n"),
    WRITE("{gpu}/numa_node", "-2\n"), WRITE("{gpu}/numa_node", "-1\n"), READ("{gpu}/numa_node"),
    WRITE("{gpu}/msi_bus", "x\n"), WRITE("{gpu}/msi_bus", "1\n"),
    WRITE("{gpu}/broken_parity_status", "x\n"), WRITE("{gpu}/broken_parity_status", "1\n"),
    READ("{gpu}/broken_parity_status"), WRITE("{gpu}/broken_parity_status", "0\n"),
    WRITE("{gpu}/d3cold_allowed", "x\n"), WRITE("{gpu}/d3cold_allowed", "0\n"),
    READ("{gpu}/d3cold_allowed"), WRITE("{gpu}/d3cold_allowed", "1\n"),
    READ("{gpu}/d3cold_allowed"),
    WRITE("{gpu}/power/control", "x\n"), WRITE("{gpu}/power/control", "auto\n"),
    READ("{gpu}/power/control"), WRITE("{gpu}/power/control", "on\n"), READ("{gpu}/power/control"),
    WRITE("{gpu}/uevent", "x\n"), WRITE("{gpu}/uevent", "change\n"), WRITE("{gpu}/uevent", "add"),
    WRITE("{gpu}/uevent", "remove"), WRITE("{gpu}/uevent", "bind"), WRITE("{gpu}/uevent", "chang"),
    WRITE("{gpu}/uevent", "change 00000000-0000-0000-0000-000000000000 A=1\n"),
    WRITE("{gpu}/uevent", "change x\n"), WRITE("{gpu}/uevent", "add\n\n"),
    WRITE(BUS "/uevent", "x\n"), WRITE(VFIO "/uevent", "x\n"),
    WRITE("{gpu}/reset_method", "x\n"), WRITE("{gpu}/reset_method", "bus\n"),
    READ("{gpu}/reset_method"), WRITE("{gpu}/reset_method", "bus x\n"), READ("{gpu}/reset_method"),
    WRITE("{gpu}/reset_method", " bus "), READ("{gpu}/reset_method"),
    WRITE("{gpu}/reset_method", "\n"), READ("{gpu}/reset_method"), STAT("{gpu}/reset"),
    WRITE("{gpu}/reset", "1"), WRITE("{gpu}/reset_method", "default\n"),
    WRITE(GROUP "/type", "x\n"), WRITE(GROUP "/type", "identity\n"),
    LINK("{gpu}/driver"),
    END,
};

static const struct action to_vfio_and_back[] = {
    WRITE(OVERRIDE, "vfio-pci\n"),
    WRITE(DRIVERS "/{HOME}/unbind", "{GPU}\n"), LINK("{gpu}/driver"), READ("{gpu}/enable"),
    WRITE(DRIVERS "/{HOME}/unbind", "{GPU}\n"),
    WRITE(DRIVERS "/{HOME}/bind", "{GPU}\n"),
    WRITE("{gpu}/enable", "1\n"), READ("{gpu}/enable"), WRITE("{gpu}/enable", "0\n"),
    READ("{gpu}/enable"), WRITE("{gpu}/enable", "0\n"),
    WRITE(PROBE, "{GPU}\n"), LINK("{gpu}/driver"), SHAPE("{gpu}/uevent"),
    DO(DO_WAIT, "/dev/vfio/{group}"), MODE("/dev/vfio/{group}"),
    LINK(VFIO "/{GPU}"), MODE("{gpu}/vfio-dev"), READ(GROUP "/type"), READ("{gpu}/enable"),
    WRITE(VFIO "/bind", "{GPU}\n"), WRITE(DRIVERS "/{HOME}/bind", "{GPU}\n"),
    WRITE("{gpu}/enable", "0\n"), WRITE("{gpu}/numa_node", "-1\n"),
    DO(DO_OPEN_TWICE, "/dev/vfio/{group}"), DO(DO_OPEN_TWICE, "/dev/vfio/vfio"),
    WRITE("{gpu}/reset", "1\n"),
    DO(DO_KEEP, "/dev/vfio/{group}"),
    WRITE(VFIO "/unbind", "{GPU}\n"), LINK("{gpu}/driver"), MODE("/dev/vfio/{group}"),
    DO_WITH(DO_USE_KEPT, "/dev/vfio/{group}", "x"),
    WRITE(VFIO "/bind", "{GPU}"), LINK("{gpu}/driver"),
    WRITE(OVERRIDE, "\n"), LINK("{gpu}/driver"),
    WRITE(VFIO "/unbind", "{GPU}"), WRITE(VFIO "/bind", "{GPU}"),
    WRITE("{gpu}/reset", "1\n"),
    WRITE(PROBE, "{GPU}"), LINK("{gpu}/driver"), MODE("/dev/vfio/{group}"),
    END,
};

static const struct action overridden_by_nothing[] = {
    WRITE(OVERRIDE, "nothing\n"), WRITE(DRIVERS "/{HOME}/unbind", "{GPU}\n"),
    WRITE(PROBE, "{GPU}\n"), LINK("{gpu}/driver"), WRITE(VFIO "/bind", "{GPU}\n"),
    WRITE(DRIVERS "/{HOME}/bind", "{GPU}\n"), WRITE(OVERRIDE, "\n"),
    WRITE(DRIVERS "/{HOME}/bind", "{GPU}\n"), LINK("{gpu}/driver"),
    END,
};

static const struct action new_ids[] = {
    WRITE(VFIO "/new_id", "x\n"), WRITE(VFIO "/new_id", "1234\n"), WRITE(VFIO "/new_id", "\n"),
    WRITE(VFIO "/remove_id", "x\n"), WRITE(VFIO "/remove_id", "{ids}\n"),
    WRITE(VFIO "/new_id", "{ids}\n"), LINK("{gpu}/driver"),
    WRITE(VFIO "/new_id", "{ids}\n"),
    WRITE(DRIVERS "/{HOME}/unbind", "{GPU}\n"), WRITE(VFIO "/bind", "{GPU}\n"),
    LINK("{gpu}/driver"), WRITE(VFIO "/remove_id", "{ids}\n"), LINK("{gpu}/driver"),
    WRITE(VFIO "/remove_id", "{ids}\n"), WRITE(VFIO "/unbind", "{GPU}\n"),
    WRITE(VFIO "/new_id", "{ids}"), LINK("{gpu}/driver"), WRITE(VFIO "/remove_id", "{ids} "),
    WRITE(VFIO "/unbind", "{GPU}\n"), WRITE(PROBE, "{GPU}\n"), LINK("{gpu}/driver"),
    WRITE(DRIVERS "/{HOME}/new_id", "{ids}\n"), WRITE(DRIVERS "/{HOME}/remove_id", "{ids}\n"),
    WRITE(VFIO "/new_id", "ffffffff ffffffff 0 0 0 x"), WRITE(VFIO "/remove_id", "ffffffff ffffffff"),
    WRITE(VFIO "/new_id", "0x1af4 0xabcd"), WRITE(VFIO "/remove_id", "1AF4 ABCD"),
    END,
};

static const struct action removal[] = {
    WRITE(OVERRIDE, "vfio-pci\n"), DO(DO_KEEP, OVERRIDE),
    WRITE("{gpu}/remove", "1\n"), DO_WITH(DO_USE_KEPT, OVERRIDE, "x\n"), STAT("{gpu}"),
    STAT(GROUP), STAT(GROUP "/devices/{GPU}"), WRITE(PROBE, "{GPU}\n"),
    WRITE(BUS "/rescan", "1\n"), STAT("{gpu}"), READ(OVERRIDE), LINK("{gpu}/driver"),
    LINK("{gpu}/iommu_group"),
    WRITE(BUS "/drivers_autoprobe", "0"), WRITE("{gpu}/remove", "1"), WRITE(BUS "/rescan", "1"),
    LINK("{gpu}/driver"), WRITE(BUS "/drivers_autoprobe", "1"), LINK("{gpu}/driver"),
    WRITE(PROBE, "{GPU}"), LINK("{gpu}/driver"),
    END,
};

static const struct action shared_group[] = {
    WRITE("{other}/driver_override", "vfio-pci"), WRITE(DRIVERS "/{HOME}/unbind", "{OTHER}"),
    WRITE(PROBE, "{OTHER}"), LINK("{other}/driver"), DO(DO_WAIT, "/dev/vfio/{ogroup}"),
    DO(DO_OPEN_TWICE, "/dev/vfio/{ogroup}"),
    WRITE("{second}/driver_override", "vfio-pci"), WRITE(DRIVERS "/{OHOME}/unbind", "{SECOND}"),
    WRITE(PROBE, "{SECOND}"), LINK("{second}/driver"), MODE("/dev/vfio/{ogroup}"),
    WRITE("{other}/driver_override", "\n"), WRITE(VFIO "/unbind", "{OTHER}"),
    MODE("/dev/vfio/{ogroup}"), WRITE(PROBE, "{OTHER}"), LINK("{other}/driver"),
    WRITE("{second}/driver_override", "\n"), WRITE(VFIO "/unbind", "{SECOND}"),
    MODE("/dev/vfio/{ogroup}"), WRITE(PROBE, "{SECOND}"), LINK("{second}/driver"),
    END,
};

static const struct action held_by_a_vm[] = {
    WRITE(OVERRIDE, "vfio-pci"), WRITE(DRIVERS "/{HOME}/unbind", "{GPU}"), WRITE(PROBE, "{GPU}"),
    HOLD("{gpu}", "{GPU}"), READ("{gpu}/enable"), DO(DO_OPEN_TWICE, "/dev/vfio/{group}"),
    WRITE("{gpu}/enable", "1"), WRITE(OVERRIDE, "vfio-pci"), WRITE(PROBE, "{GPU}"),
    WRITE(VFIO "/bind", "{GPU}"), WRITE(DRIVERS "/{HOME}/bind", "{GPU}"),
    WRITE("{gpu}/reset", "1"), READ("{gpu}/power/runtime_status"),
    START(VFIO "/unbind", "{GPU}"), LINK("{gpu}/driver"), MODE("/dev/vfio/{group}"),
    LINK(VFIO "/{GPU}"), SHAPE("{gpu}/uevent"), READ("{gpu}/enable"), WRITE(PROBE, "{GPU}"),
    START(OVERRIDE, "vfio-pci"), START(VFIO "/bind", "{GPU}"),
    LET_GO("{gpu}"), FINISH(VFIO "/unbind"), FINISH(OVERRIDE), FINISH(VFIO "/bind"),
    LINK("{gpu}/driver"),
    MODE("/dev/vfio/{group}"),
    HOLD("{gpu}", "{GPU}"), START("{gpu}/remove", "1"), STAT("{gpu}"), LINK("{gpu}/driver"),
    LET_GO("{gpu}"), FINISH("{gpu}/remove"), STAT("{gpu}"), MODE("/dev/vfio/{group}"),
    WRITE(BUS "/rescan", "1"), LINK("{gpu}/driver"),
    END,
};

/* VFIO's rule for a group: the host uses nothing of it. */
static const struct action held_in_a_shared_group[] = {
    WRITE("{other}/driver_override", "vfio-pci"), WRITE(DRIVERS "/{HOME}/unbind", "{OTHER}"),
    WRITE(PROBE, "{OTHER}"), HOLD("{other}", "{OTHER}"),
    WRITE(DRIVERS "/{OHOME}/unbind", "{SECOND}"), HOLD("{other}", "{OTHER}"),
    WRITE(PROBE, "{SECOND}"), LINK("{second}/driver"),
    WRITE(DRIVERS "/{OHOME}/bind", "{SECOND}"), LINK("{second}/driver"),
    LET_GO("{other}"), WRITE(PROBE, "{SECOND}"), LINK("{second}/driver"),
    WRITE("{other}/driver_override", "\n"), WRITE(VFIO "/unbind", "{OTHER}"),
    WRITE(PROBE, "{OTHER}"), LINK("{other}/driver"),
    END,
};

/* Under vfio-pci, which has no VFs to give, and under no driver. */
static const struct action virtual_functions[] = {
    WRITE("{pf}/driver_override", "vfio-pci"), WRITE("{pf}/driver/unbind", "{PF}"),
    WRITE("{pf}/sriov_numvfs", "0"), WRITE("{pf}/sriov_numvfs", "1"),
    WRITE(PROBE, "{PF}"), LINK("{pf}/driver"),
    WRITE("{pf}/sriov_numvfs", "0\n"), WRITE("{pf}/sriov_numvfs", "1\n"),
    WRITE("{pf}/sriov_numvfs", "{totalvfs}\n"), WRITE("{pf}/sriov_numvfs", "{morevfs}\n"),
    WRITE("{pf}/sriov_numvfs", "65536\n"), WRITE("{pf}/sriov_numvfs", "-1\n"),
    WRITE("{pf}/sriov_numvfs", "x\n"), WRITE("{pf}/sriov_numvfs", "0x0\n"),
    WRITE("{pf}/sriov_numvfs", ""), READ("{pf}/sriov_numvfs"),
    WRITE("{pf}/sriov_drivers_autoprobe", "x"), WRITE("{pf}/sriov_drivers_autoprobe", "0"),
    READ("{pf}/sriov_drivers_autoprobe"), WRITE("{pf}/sriov_drivers_autoprobe", "on\n"),
    READ("{pf}/sriov_drivers_autoprobe"), WRITE("{pf}/sriov_drivers_autoprobe", "off"),
    READ("{pf}/sriov_drivers_autoprobe"), WRITE("{pf}/sriov_drivers_autoprobe", "yes\n"),
    READ("{pf}/sriov_drivers_autoprobe"),
    WRITE("{pf}/driver_override", "\n"), WRITE(VFIO "/unbind", "{PF}"), WRITE(PROBE, "{PF}"),
    END,
};
/* clang-format on */

const struct scene scenes[] = {
    {"what there is", files},
    {"what stands in it", contents},
    {"what may not be done", access_rights},
    {"driver_override", overrides},
    {"odd writes", odd_writes},
    {"to vfio-pci and back", to_vfio_and_back},
    {"an override that no driver has", overridden_by_nothing},
    {"new_id and remove_id", new_ids},
    {"remove and rescan", removal},
    {"a group of two functions", shared_group},
    {"virtual functions", virtual_functions},
    {"held by a VM", held_by_a_vm},
    {"held in a shared group", held_in_a_shared_group},
};
const size_t n_scenes = sizeof(scenes) / sizeof(scenes[0]);
