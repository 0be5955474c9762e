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
#include "lint/rule.h"
#include "test.h"

#define GIB (1024ULL * 1024 * 1024)
#define MDEV_A "c2177883-f1bb-47f0-914d-32a22e3a8801"
#define MDEV_B "c2177883-f1bb-47f0-914d-32a22e3a8802"
#define MAX_TEXT (64 * 1024)
#define MAX_RULES 64

static const char capabilities[] =
    "<capabilities><host><topology><cells num='2'>"
    "<cell id='0'><cpus num='2'><cpu id='0'/><cpu id='1'/></cpus></cell>"
    "<cell id='1'><cpus num='2'><cpu id='2'/><cpu id='3'/></cpus></cell>"
    "</cells></topology></host></capabilities>";

static const char *const cases[] = {"clean",      "devices",  "displays", "machine", "memory",
                                    "claims",     "moves",    "wide",     "by-hand", "group",
                                    "namespaces", "intruded", "audio",    "absent"};

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
    lint_domain(&facts, host, &claims, &findings);
    for (vec_each(&findings, it)) {
        strbuf_addf(&text, "%s %s line %u <%s>\n    %s\n    %s\n", severity_name(it->severity),
                    it->rule->id, it->line, it->element, it->message, it->advice);
        for (size_t i = 0; lint_rule_id(i) != NULL; i++) {
            seen_rules[i] = seen_rules[i] || str_eq(lint_rule_id(i), it->rule->id);
        }
    }
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
    for (size_t i = 0; lint_rule_id(i) != NULL; i++) {
        if (!seen_rules[i] && !str_eq(lint_rule_id(i), "libvirt-too-old")) {
            fail_msg("no definition breaks rule %s", lint_rule_id(i));
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
    lint_domain(&facts, host, &claims, &findings);
    assert_string_equal(findings.items[0].rule->id, "libvirt-too-old");
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
    lint_domain(&facts, host, &claims, &findings);
    assert_int_equal(findings.n, 256);
    vec_done(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_definition_gets_the_answer_that_was_reviewed),
        cmocka_unit_test(a_definition_that_is_right_has_no_findings),
        cmocka_unit_test(an_old_libvirt_is_reported),
        cmocka_unit_test(findings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
