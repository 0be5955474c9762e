/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions and what lint says of them, through the XML reader: test/golden/lint/NAME.xml and
 * NAME.txt, in the light of one host and its claims. CLEAVE_GOLDEN=write writes the answers again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/facts_xml.h"
#include "lint/lint.h"
#include "lint/lint_rule.h"
#include "test.h"

#define GIB (1024ULL * 1024 * 1024)
#define MDEV_A "c2177883-f1bb-47f0-914d-32a22e3a8801"
#define MDEV_B "c2177883-f1bb-47f0-914d-32a22e3a8802"
#define MAX_TEXT (64 * 1024)
#define MAX_RULES 64

static struct rules *data_rules;

static int load_rules(void **state)
{
    (void)state;
    return rules_load_default(&data_rules, NULL);
}

static int free_rules(void **state)
{
    (void)state;
    rules_free(data_rules);
    return 0;
}

static const char capabilities[] =
    "<capabilities><host><topology><cells num='2'>"
    "<cell id='0'><cpus num='2'><cpu id='0'/><cpu id='1'/></cpus></cell>"
    "<cell id='1'><cpus num='2'><cpu id='2'/><cpu id='3'/></cpus></cell>"
    "</cells></topology></host></capabilities>";

static const char *const cases[] = {"clean",      "devices",  "displays", "machine", "memory",
                                    "claims",     "moves",    "wide",     "by-hand", "group",
                                    "namespaces", "intruded", "audio",    "absent",  "switches"};

/* ---- the host ---- */

static struct gpu *add_gpu(struct host *host, uint32_t domain, uint8_t bus, uint64_t mmio_gib)
{
    struct gpu *gpu = host_add_gpu(host, &(struct pci_addr){.domain = domain, .bus = bus});
    STR_SET(gpu->driver, "nvidia");
    gpu->mmio_bytes = mmio_gib * GIB;
    gpu->numa_node = 1;
    gpu->vf_offset = NO_ID;
    gpu->vf_stride = NO_ID;
    return gpu;
}

static void add_vgpu(struct gpu *gpu, uint8_t function, const char *mdev)
{
    struct vgpu *vgpu = vec_push(&gpu->vgpus);
    vgpu->vf = gpu->addr;
    vgpu->vf.function = function;
    STR_SET(vgpu->mdev_uuid, mdev);
}

/* Three vGPUs, two on one instance; the last is another tool's, where a claim's was. */
static void add_mig(struct host *host)
{
    struct gpu *mig = add_gpu(host, 0, 0x61, 64);
    mig->iface = VGPU_IFACE_VENDOR_VFIO;
    mig->mig_enabled = true;
    mig->vfs_total = 4;
    mig->vf_offset = 4;
    mig->vf_stride = 1;
    for (uint8_t function = 4; function < 7; function++) {
        struct vf *vf = vec_push(&mig->vfs);
        vf->addr = mig->addr;
        vf->addr.function = function;
        vf->iface = VGPU_IFACE_VENDOR_VFIO;
        add_vgpu(mig, function, "");
        struct vgpu *vgpu = &mig->vgpus.items[mig->vgpus.n - 1];
        vgpu->gi_id = function == 6 ? 2 : 1;
        vgpu->ours = function == 4 ? TRI_YES : TRI_NO;
        STR_SET(vgpu->type, "A100-1-5C");
    }
}

static struct host *make_host(void)
{
    struct host *host = host_new();
    STR_SET(host->libvirt_version, "11.3.0");
    STR_SET(host->qemu_version, "9.2.0");
    host->functions_known = host->mdevs_known = true;
    static const struct pci_addr others[] = {
        {.bus = 0x01},
        {.bus = 0x03, .device = 2, .function = 1},
        {.bus = 0x05},
        {.bus = 0x51, .function = 1},
        {.bus = 0x51, .function = 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        *vec_push(&host->functions) = others[i];
    }
    struct gpu *whole = add_gpu(host, 0, 0x41, 64);
    STR_SET(whole->driver, "vfio-pci");
    struct gpu *functions = add_gpu(host, 0, 0x42, 64);
    functions->iface = VGPU_IFACE_VENDOR_VFIO;
    functions->vfs_total = 4;
    functions->vf_offset = 4;
    functions->vf_stride = 1;
    for (uint8_t function = 4; function < 7; function++) {
        struct vf *vf = vec_push(&functions->vfs);
        vf->addr = functions->addr;
        vf->addr.function = function;
        vf->iface = VGPU_IFACE_VENDOR_VFIO;
    }
    add_vgpu(functions, 4, "");
    add_vgpu(functions, 6, "");
    struct gpu *mediated = add_gpu(host, 0, 0x3b, 0);
    mediated->iface = VGPU_IFACE_MDEV;
    add_vgpu(mediated, 4, MDEV_A);
    add_vgpu(mediated, 5, MDEV_B);
    struct gpu *broken = add_gpu(host, 0x10000, 0xe1, 64);
    STR_SET(broken->problem, "fell off the bus");
    struct gpu *grouped = add_gpu(host, 0, 0x51, 64);
    STR_SET(grouped->driver, "vfio-pci");
    grouped->iommu_group = 12;
    static const char *const drivers[] = {"snd_hda_intel", "xhci_hcd", ""};
    for (uint8_t i = 0; i < 3; i++) {
        struct group_member *member = vec_push(&grouped->group_members);
        member->addr = (struct pci_addr){.bus = 0x51, .function = (uint8_t)(i + 1)};
        STR_SET(member->driver, drivers[i]);
    }
    struct group_member *board = vec_push(&grouped->group_members); /* another one */
    board->addr = (struct pci_addr){.bus = 0x51, .device = 1};
    STR_SET(board->driver, "ahci");
    add_mig(host);
    struct vm *vm = vec_push(&host->vms);
    STR_SET(vm->name, "neighbour");
    struct vm_device *device = vec_push(&vm->devices);
    device->addr = (struct pci_addr){.bus = 0x42, .function = 4};
    device->persistent = true;
    return host;
}

/* ---- its claims ---- */

static struct claim *add_claim(struct claims *claims, const char *name, const char *vm,
                               struct pci_addr device, const char *mdev)
{
    struct claim *claim = vec_push(claims);
    STR_SET(claim->name, name);
    STR_SET(claim->vm, vm);
    claim->state = CLAIM_BOUND;
    claim->spec.mode =
        device.function == 0 && mdev[0] == '\0' ? CLAIM_PASSTHROUGH : CLAIM_TIME_SLICED;
    claim->assigned.set = true;
    claim->assigned.gpu = device;
    claim->assigned.gpu.function = 0;
    claim->assigned.device = device;
    STR_SET(claim->assigned.mdev_uuid, mdev);
    return claim;
}

static void make_claims(struct claims *claims)
{
    add_claim(claims, "whole", "whole", (struct pci_addr){.bus = 0x41}, "");
    add_claim(claims, "web", "devices", (struct pci_addr){.bus = 0x42, .function = 4}, "");
    add_claim(claims, "good", "clean", (struct pci_addr){.bus = 0x42, .function = 4}, "");
    add_claim(claims, "foreign", "elsewhere", (struct pci_addr){.bus = 0x42, .function = 5}, "");
    add_claim(claims, "shown", "displays", (struct pci_addr){.bus = 0x3b, .function = 4}, MDEV_A);
    add_claim(claims, "lost", "claims", (struct pci_addr){.bus = 0x99}, "");
    add_claim(claims, "missing", "claims", (struct pci_addr){.bus = 0x77}, "");
    add_claim(claims, "drawn", "claims", (struct pci_addr){.bus = 0x42, .function = 7}, "")
        ->spec.hold = CLAIM_ON_DEMAND;
    add_claim(claims, "grouped", "group", (struct pci_addr){.bus = 0x51}, "");
    struct claim *failed = add_claim(claims, "failed", "claims", (struct pci_addr){0}, "");
    failed->state = CLAIM_FAILED;
    failed->assigned.set = false;
    STR_SET(failed->problem, "no GPU was free");
    add_claim(claims, "moving", "moves", (struct pci_addr){.bus = 0x42, .function = 6}, "")
        ->spec.migratable = true;
    add_claim(claims, "alone", "intruded", (struct pci_addr){.bus = 0x61, .function = 4}, "")
        ->spec.mode = CLAIM_MIG_BACKED;
    STR_SET(
        add_claim(claims, "replaced", "intruded", (struct pci_addr){.bus = 0x61, .function = 6}, "")
            ->spec.type,
        "A100-1-5C");
    add_claim(claims, "wide", "wide", (struct pci_addr){.domain = 0x10000, .bus = 0xe1}, "");
}

/* ---- advice that contradicts itself ---- */

/* What an advice leaves open: of a device, of a claim, of a display. An advice that has nothing to
 * do with one of them leaves all of it open. */
enum { KEEP = 1, REMOVE = 2, RESTORE = 4, DELETE = 8, SHOW = 16, HIDE = 32, ALL = 63 };
#define DEVICE (KEEP | REMOVE)
#define CLAIM (RESTORE | DELETE)
#define DISPLAY (SHOW | HIDE)
#define OPEN(group, what) ((ALL & ~(group)) | (what))

/* By a part of the advice; the first that fits. */
static const struct {
    const char *part;
    unsigned open;
} advices[] = {
    {"or remove the device, and claim one", ALL},
    {"or remove the device:", ALL},
    {"write managed=", OPEN(DEVICE, KEEP)},
    {"remove the alias, or write that of", OPEN(DEVICE, KEEP)},
    {"which corrects the definition", OPEN(DEVICE, KEEP)},
    {"in its place", OPEN(DEVICE, KEEP)},
    {"makes the vGPU of claim", OPEN(DEVICE, KEEP)},
    {"writes the device's path instead", OPEN(DEVICE, KEEP)},
    {"binds the companions", OPEN(DEVICE, KEEP)},
    {"claim the GPU, and cleave takes all", ALL},
    {"or delete the claim (", OPEN(DEVICE, KEEP)},
    {"and create it again if the VM needs it", OPEN(CLAIM, DELETE)},
    {"or drop `migratable`", ALL},
    {"remove it with `cleave gc`", OPEN(DEVICE, REMOVE)},
    {"`cleave gc` removes it", OPEN(DEVICE, REMOVE)},
    {"remove it from one of the VMs", ALL},
    {"remove it (`virsh edit", OPEN(DEVICE, REMOVE)},
    {"remove it: `virsh edit", OPEN(DEVICE, REMOVE)},
    {"remove one of them", OPEN(DEVICE, REMOVE)},
    {"keep display and ramfb only at the first", OPEN(DISPLAY, HIDE)},
    {"or drop display and ramfb", ALL},
    {"write display='on' next to it, or drop ramfb", ALL},
    {"drop ramfb", OPEN(DISPLAY, HIDE)},
    {"puts the device in", ALL},
    {"restore the device of claim", OPEN(DEVICE, KEEP) & OPEN(CLAIM, RESTORE)},
    {"that function belongs to another board", ALL},
    {"`cleave gpu show", ALL},
    {"write <pcihole64", ALL},
    {"use the machine type", ALL},
    {"define it (`virsh define FILE`)", ALL},
    {"libvirt 10.0", ALL},
    {"remove <iommu>", ALL},
    {"allow node", ALL},
    {"write <maxphysaddr", ALL},
    {"drop it: libvirt's own limit", ALL},
    {"if the guest reports a BAR", ALL},
    {"remove it, and claim the device", ALL},
    {"use mode host-model", ALL},
    {"if the VM must start, create", ALL},
    {"delete or move that vGPU", ALL},
    {"virsh managedsave-remove", ALL},
    {"into the saved state", ALL},
    {"<driver caching_mode='on'/>", ALL},
    {"suspend-to-mem enabled='no'", ALL},
    {"sign the driver's modules", ALL},
    {"drop <iommufd>", ALL},
    {"drop <launchSecurity>", ALL},
    {"the device's claim keeps the device", ALL},
    {"use the machine type q35, which", ALL},
    {"plan a newer machine type", ALL},
};

static unsigned what_is_open(const struct finding *it)
{
    for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
        if (strstr(it->advice, advices[i].part) != NULL) {
            return advices[i].open;
        }
    }
    fail_msg("what does it leave open? %s", it->advice);
    return 0;
}

/* A fact that one finding states, and another denies. */
static const char *const denials[][2] = {{"carries a vGPU", "has no vGPU"},
                                         {"carries a vGPU", "is not enabled"},
                                         {"has no claim", "belongs to claim"},
                                         {"has no claim", "for claim"}};

static void assert_facts_agree(const struct finding *a, const struct finding *b, const char *what)
{
    for (size_t i = 0; i < ARRAY_SIZE(denials); i++) {
        if (strstr(a->message, denials[i][0]) != NULL &&
            strstr(b->message, denials[i][1]) != NULL) {
            fail_msg("%s: \"%s\" and \"%s\"", what, a->message, b->message);
        }
    }
}

static void assert_agree(const struct findings *findings, const char *what)
{
    for (vec_each(findings, a)) {
        for (vec_each(findings, b)) {
            bool same = a->line != 0 && a->line == b->line;
            unsigned both = what_is_open(a) & what_is_open(b);
            bool device = (both & DEVICE) != 0 && (both & DISPLAY) != 0;
            if ((same && !device) || (both & CLAIM) == 0) {
                fail_msg("%s: \"%s\" and \"%s\"", what, a->advice, b->advice);
            }
            if (same) {
                assert_facts_agree(a, b, what);
            }
        }
    }
}

/* ---- the answers ---- */

static void add_saved(struct domain_facts *facts, const char *claim, uint8_t function)
{
    struct domain_device *device = vec_push(&facts->saved);
    device->addr = (struct pci_addr){.bus = 0x42, .function = function};
    STR_SET(device->claim, claim);
}

static char *answer(const char *name, bool *seen_rules)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s.xml", GOLDEN_DIR, name);
    CLEANUP_FREE char *xml = NULL;
    CLEANUP_DOMAIN_FACTS struct domain_facts facts = {0};
    CLEANUP(host_freep) struct host *host = make_host();
    struct claims claims = {0};
    struct findings findings = {0};
    struct strbuf text = {0};
    struct error err = {0};
    size_t len = 0;
    assert_int_equal(fs_read(path, MAX_TEXT, &xml, &len), 0);
    assert_int_equal(facts_xml_read(xml, capabilities, &facts, &err), 0);
    facts.autostart = str_eq(name, "claims");
    facts.transient = str_eq(name, "by-hand");
    if (str_eq(name, "claims")) {
        add_saved(&facts, "drawn", 5); /* it has another now */
        add_saved(&facts, "lost", 0);  /* it has a PCI function now */
        facts.saved.items[1].is_mdev = true;
        STR_SET(facts.saved.items[1].mdev_uuid, MDEV_A);
        add_saved(&facts, "gone", 6);
        add_saved(&facts, "web", 4); /* another VM's */
    }
    make_claims(&claims);
    vec_remove(&claims, str_eq(name, "clean") ? 1 : 2); /* of two claims for one device */
    lint_domain(&facts, host, &claims, data_rules, &findings);
    for (vec_each(&findings, it)) {
        strbuf_addf(&text, "%s %s line %u <%s>\n    %s\n    %s\n", severity_name(it->severity),
                    it->rule, it->line, it->element, it->message, it->advice);
        for (size_t i = 0; lint_fault_kind(i) != NULL; i++) {
            seen_rules[i] = seen_rules[i] || str_eq(lint_fault_kind(i), it->rule);
        }
    }
    assert_agree(&findings, name);
    vec_done(&findings);
    vec_done(&claims);
    return strbuf_take(&text);
}

static void each_definition_gets_the_answer_that_was_reviewed(void **state)
{
    (void)state;
    bool seen_rules[MAX_RULES] = {false};
    bool write = str_eq(getenv("CLEAVE_GOLDEN"), "write");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s.txt", GOLDEN_DIR, cases[i]);
        CLEANUP_FREE char *got = answer(cases[i], seen_rules);
        CLEANUP_FREE char *wanted = NULL;
        size_t len = 0;
        if (write) {
            assert_int_equal(fs_write_atomic(path, got, strlen(got)), 0);
        }
        assert_int_equal(fs_read(path, MAX_TEXT, &wanted, &len), 0);
        assert_string_equal(got, wanted);
    }
    for (size_t i = 0; lint_fault_kind(i) != NULL; i++) {
        if (!seen_rules[i] && !str_eq(lint_fault_kind(i), "libvirt-too-old")) {
            fail_msg("no definition has the fault %s", lint_fault_kind(i));
        }
    }
}

static void a_definition_that_is_right_has_no_findings(void **state)
{
    (void)state;
    bool seen_rules[MAX_RULES] = {false};
    CLEANUP_FREE char *clean = answer("clean", seen_rules);
    assert_non_null(strstr(clean, "device-shared")); /* the neighbour's doing */
    assert_null(strstr(clean, "error"));
}

static void an_old_libvirt_is_reported(void **state)
{
    (void)state;
    CLEANUP_DOMAIN_FACTS struct domain_facts facts = {.name = "vm"};
    CLEANUP(host_freep) struct host *host = make_host();
    struct claims claims = {0};
    struct findings findings = {0};
    struct domain_device *device = vec_push(&facts.devices);
    device->addr = (struct pci_addr){.bus = 0x42, .function = 6};
    device->line = 3;
    STR_SET(host->libvirt_version, "9.0.0");
    lint_domain(&facts, host, &claims, data_rules, &findings);
    assert_string_equal(findings.items[0].rule, "libvirt-too-old");
    assert_string_equal(findings.items[0].message,
                        "libvirt 9.0.0 can't assign the vGPU at 0000:42:00.6");
    vec_done(&findings);
}

static void findings_are_bounded(void **state)
{
    (void)state;
    CLEANUP_DOMAIN_FACTS struct domain_facts facts = {.name = "vm"};
    CLEANUP(host_freep) struct host *host = make_host();
    struct claims claims = {0};
    struct findings findings = {0};
    for (int i = 0; i < 300; i++) {
        vec_push(&facts.emulator_args)->line = (uint32_t)i;
    }
    lint_domain(&facts, host, &claims, data_rules, &findings);
    assert_int_equal(findings.n, 256);
    vec_done(&findings);
}

/* ---- all that can be odd about one device ---- */

enum owner { NO_CLAIM, OURS, FAILED, FOREIGN, OWNERS };
enum alias { NO_ALIAS, RIGHT_ALIAS, LOST_ALIAS, OTHER_ALIAS, FOREIGN_ALIAS, ALIASES };

/* One definition of all that a table's row can be. */
struct odd {
    struct domain_device device;
    enum owner owner;
    enum alias alias;
    bool twice, running, migratable;
};

static void add_alias(struct domain_facts *facts, enum alias alias)
{
    static const char *const names[] = {[NO_ALIAS] = "",
                                        [RIGHT_ALIAS] = "its",
                                        [LOST_ALIAS] = "lost",
                                        [OTHER_ALIAS] = "other",
                                        [FOREIGN_ALIAS] = "foreign"};
    STR_SET(facts->devices.items[0].claim, names[alias]);
}

static void judge(const struct host *host, const struct odd *odd)
{
    CLEANUP_DOMAIN_FACTS struct domain_facts facts = {.name = "vm", .running = odd->running};
    struct claims claims = {0};
    struct findings findings = {0};
    const struct pci_addr elsewhere = {.bus = 0x99};
    *vec_push(&facts.devices) = odd->device;
    add_alias(&facts, odd->alias);
    if (odd->twice) {
        struct domain_device again = facts.devices.items[0];
        again.line = 7;
        *vec_push(&facts.devices) = again;
    }
    add_claim(&claims, "other", "vm", elsewhere, "")->spec.migratable = odd->migratable;
    add_claim(&claims, "foreign", "another", elsewhere, "");
    if (odd->owner != NO_CLAIM) {
        struct claim *claim = add_claim(&claims, "its", odd->owner == FOREIGN ? "another" : "vm",
                                        odd->device.addr, odd->device.mdev_uuid);
        claim->state = odd->owner == FAILED ? CLAIM_FAILED : CLAIM_BOUND;
    }
    lint_domain(&facts, host, &claims, data_rules, &findings);
    CLEANUP_FREE char *what = xasprintf(
        "device %02x.%u %s managed %d display %d ramfb %d, owner %d, alias %d%s%s%s",
        odd->device.addr.bus, odd->device.addr.function, odd->device.mdev_uuid, odd->device.managed,
        odd->device.display, odd->device.ramfb, odd->owner, odd->alias, odd->twice ? ", twice" : "",
        odd->running ? ", running" : "", odd->migratable ? ", migratable" : "");
    assert_agree(&findings, what);
    vec_done(&findings);
    vec_done(&claims);
}

static void no_two_findings_of_a_definition_contradict_each_other(void **state)
{
    static const struct domain_device devices[] = {
        {.addr = {.bus = 0x41}}, /* a whole GPU on vfio-pci, and one on nvidia */
        {.addr = {.bus = 0x42}},
        {.addr = {.bus = 0x42, .function = 4}}, /* with a vGPU, without, and not enabled */
        {.addr = {.bus = 0x42, .function = 5}},
        {.addr = {.bus = 0x42, .function = 7}},
        {.is_mdev = true, .mdev_uuid = MDEV_A},
        {.is_mdev = true, .mdev_uuid = "c2177883-f1bb-47f0-914d-32a22e3a8899"},
        {.addr = {.bus = 0x66}},
        {.addr = {.bus = 0x01}},
        {.addr = {.bus = 0x51}},
        {.addr = {.domain = 0x10000, .bus = 0xe1}},
    };
    (void)state;
    CLEANUP(host_freep) struct host *host = make_host();
    for (size_t i = 0; i < ARRAY_SIZE(devices) * OWNERS * ALIASES; i++) {
        for (unsigned bits = 0; bits < 64; bits++) {
            struct odd odd = {.device = devices[i / OWNERS / ALIASES],
                              .owner = (enum owner)(i / ALIASES % OWNERS),
                              .alias = (enum alias)(i % ALIASES),
                              .twice = (bits & 1) != 0,
                              .running = (bits & 2) != 0,
                              .migratable = (bits & 4) != 0};
            odd.device.line = 3;
            odd.device.managed = (bits & 8) != 0 ? TRI_YES : TRI_NO;
            odd.device.display = (bits & 16) != 0;
            odd.device.ramfb = (bits & 32) != 0;
            judge(host, &odd);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_definition_gets_the_answer_that_was_reviewed),
        cmocka_unit_test(a_definition_that_is_right_has_no_findings),
        cmocka_unit_test(an_old_libvirt_is_reported),
        cmocka_unit_test(findings_are_bounded),
        cmocka_unit_test(no_two_findings_of_a_definition_contradict_each_other),
    };
    return cmocka_run_group_tests(tests, load_rules, free_rules);
}
