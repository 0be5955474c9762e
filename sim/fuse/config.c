/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration space and address ranges of a function: enough for lspci -vvv, libvirt (header
 * type, PCIe and power-management capabilities, FLR) and for who sums up ranges. Layouts: PCI Local
 * Bus 3.0, PCI Express Base 5.0.
 */
#include <errno.h>
#include <string.h>

#include "sim/fuse/attr.h"

#define HEADER_BRIDGE 0x01
#define READABLE_BY_ALL 64 /* unprivileged readers get the header only (pci_read_config()) */

#define CAP_PM 0x60
#define CAP_MSI 0x68
#define CAP_EXP 0x78
#define EXT_DSN 0x100
#define EXT_ARI 0x110
#define EXT_SRIOV 0x120

#define ROWS 13 /* 6 BARs, ROM, 6 SR-IOV BARs */
#define MEM_32 0x40200ULL
#define MEM_64_PREF 0x14220cULL
#define MIB (1024ULL * 1024)

struct range {
    uint64_t base, size, flags; /* size 0: none */
};

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint64_t value)
{
    put16(at, (uint32_t)(value & 0xffff));
    put16(at + 2, (uint32_t)(value >> 16 & 0xffff));
}

static uint64_t power_of_two(uint64_t at_least)
{
    uint64_t size = 1;
    while (size < at_least) {
        size *= 2;
    }
    return size;
}

/* Each GPU has 32 MiB below 4 GiB and 1 TiB above; nothing overlaps. */
static void gpu_ranges(const struct ref *ref, struct range rows[ROWS])
{
    const struct sim_gpu *gpu = ref->fn.gpu;
    uint64_t index = (uint64_t)(gpu - ref->host->gpus);
    uint64_t low = 0x90000000ULL + index * 32 * MIB;
    uint64_t high = 0x200000000000ULL + index * 0x10000000000ULL;
    uint64_t memory = sim_bar1_mib(gpu) * MIB;
    uint64_t share = gpu->vfs_total > 0 ? memory / power_of_two(gpu->vfs_total) : 0;
    const struct range vf[] = {
        {.base = low + 16 * MIB, .size = MIB / 4, .flags = MEM_32},
        {.base = high + 0x8000000000ULL, .size = share, .flags = MEM_64_PREF},
        {.base = high + 0xe100000000ULL, .size = 32 * MIB, .flags = MEM_64_PREF},
    };
    /* A 64-bit range takes two BARs: 0, 1, 3. */
    static const size_t bar[] = {0, 1, 3};
    for (size_t i = 0; i < ARRAY_SIZE(vf) && gpu->vfs_total > 0; i++) {
        if (ref->fn.vf != NULL) {
            uint64_t n = (uint64_t)(ref->fn.vf - gpu->vfs);
            rows[bar[i]] = vf[i];
            rows[bar[i]].base += n * vf[i].size;
        } else {
            rows[7 + bar[i]] = vf[i];
            rows[7 + bar[i]].size *= gpu->vfs_total;
        }
    }
    if (ref->fn.vf == NULL) {
        rows[0] = (struct range){.base = low, .size = 16 * MIB, .flags = MEM_32};
        rows[1] = (struct range){.base = high, .size = memory, .flags = MEM_64_PREF};
        rows[3] =
            (struct range){.base = high + 0xe000000000ULL, .size = 32 * MIB, .flags = MEM_64_PREF};
    }
}

int read_resource(const struct ref *ref, struct strbuf *out)
{
    struct range rows[ROWS] = {0};
    if (ref->fn.gpu != NULL) {
        gpu_ranges(ref, rows);
    }
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t end = rows[i].size == 0 ? 0 : rows[i].base + rows[i].size - 1;
        strbuf_addf(out, "0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)rows[i].base,
                    (unsigned long long)end, (unsigned long long)rows[i].flags);
    }
    return 0;
}

uint64_t bar_bytes(const struct ref *ref, bool *ret_prefetchable)
{
    struct range rows[ROWS] = {0};
    if (ref->fn.gpu == NULL) {
        return 0;
    }
    gpu_ranges(ref, rows);
    *ret_prefetchable = rows[ref->bar].flags == MEM_64_PREF;
    return rows[ref->bar].size;
}

uint64_t bar_size(const struct ref *ref)
{
    bool prefetchable = false;
    return bar_bytes(ref, &prefetchable);
}

/* The kernel maps memory ranges; it reads I/O ports only. */
int read_bar(const struct ref *ref UNUSED, struct strbuf *out UNUSED)
{
    return -EIO;
}

static void put_bars(const struct ref *ref, uint8_t *config)
{
    struct range rows[ROWS] = {0};
    gpu_ranges(ref, rows);
    for (size_t i = 0; i < BARS; i++) {
        uint8_t *at = config + 0x10 + 4 * i;
        if (rows[i].size > 0 && rows[i].flags == MEM_64_PREF) {
            put32(at, (rows[i].base & 0xffffffff) | 0xc);
            put32(at + 4, rows[i].base >> 32);
        } else if (rows[i].size > 0) {
            put32(at, rows[i].base);
        }
    }
}

/* PCI Express capability of an endpoint: function-level reset, and the link unless it is a VF's. */
static void put_express(const struct ref *ref, uint8_t *config, uint8_t next)
{
    struct sim_gpu *gpu = ref->fn.gpu;
    uint8_t *cap = config + CAP_EXP;
    uint32_t speed = sim_link_generation_max(gpu);
    cap[0] = 0x10;
    cap[1] = next;
    put16(cap + 2, 0x0002);
    put32(cap + 4, gpu->no_reset ? 0x00008fe1 : 0x10008fe1);
    put32(cap + 0x0c, 16 << 4 | speed);
    if (ref->fn.vf == NULL) {
        put16(cap + 0x12, 16 << 4 | sim_link_generation(gpu));
    }
    put32(cap + 0x2c, (1U << (speed + 1)) - 2); /* link speeds supported */
}

static void put_sriov(const struct sim_gpu *gpu, uint8_t *config)
{
    uint8_t *cap = config + EXT_SRIOV;
    put32(cap, 0x00010010);
    put32(cap + 0x04, 0x00000002);
    put16(cap + 0x08, gpu->n_vfs > 0 ? 0x0019 : 0x0010); /* enable, memory, ARI */
    put16(cap + 0x0c, gpu->vfs_total);
    put16(cap + 0x0e, gpu->vfs_total);
    put16(cap + 0x10, gpu->n_vfs);
    put16(cap + 0x14, gpu->sriov_offset);
    put16(cap + 0x16, 1);
    put16(cap + 0x1a, gpu->pci_device);
    put32(cap + 0x1c, 0x00000553);
    put32(cap + 0x20, 0x00000001);
}

static void build_gpu(const struct ref *ref, uint8_t *config)
{
    const struct sim_gpu *gpu = ref->fn.gpu;
    put_bars(ref, config);
    put16(config + 0x2c, function_subvendor(&ref->fn));
    put16(config + 0x2e, function_subdevice(&ref->fn));
    config[0x34] = CAP_PM;
    config[0x3d] = 1;
    put32(config + CAP_PM, 0x00030001U | CAP_MSI << 8);
    put16(config + CAP_PM + 4, 0x0008);
    put32(config + CAP_MSI, 0x00800005U | CAP_EXP << 8);
    put_express(ref, config, 0);
    put32(config + EXT_DSN, 0x00010003U | (uint32_t)EXT_ARI << 20);
    put32(config + EXT_DSN + 4, gpu->minor + 1);
    put32(config + EXT_ARI, 0x0001000eU | (gpu->vfs_total > 0 ? (uint32_t)EXT_SRIOV << 20 : 0));
    if (gpu->vfs_total > 0) {
        put_sriov(gpu, config);
    }
}

/* A VF's ids read as ones, its BARs as zeros: both stand in the PF's SR-IOV capability. */
static void build_vf(const struct ref *ref, uint8_t *config)
{
    put32(config, 0xffffffff);
    put16(config + 4, 0x0004);
    put16(config + 0x2c, function_subvendor(&ref->fn));
    config[0x34] = CAP_EXP;
    put_express(ref, config, 0);
    put32(config + EXT_DSN, 0x0001000eU);
}

static void build_extra(const struct ref *ref, uint8_t *config)
{
    if (function_is_bridge(&ref->fn)) {
        uint8_t bus = ref->fn.extra->addr.bus;
        config[0x0e] = HEADER_BRIDGE;
        config[0x18] = bus;
        config[0x19] = (uint8_t)(bus + 1);
        config[0x1a] = (uint8_t)(bus + 1);
        config[0x34] = CAP_EXP;
        config[CAP_EXP] = 0x10;
        put16(config + CAP_EXP + 2, 0x0042); /* root port */
        return;
    }
    put16(config + 0x2c, function_subvendor(&ref->fn));
}

int read_config(const struct ref *ref, struct strbuf *out)
{
    uint8_t config[CONFIG_SIZE] = {0};
    put16(config, function_vendor(&ref->fn));
    put16(config + 2, function_device(&ref->fn));
    put16(config + 4, 0x0406);
    put16(config + 6, 0x0010); /* there is a list of capabilities */
    put32(config + 8, function_class(&ref->fn) << 8 | (ref->fn.gpu != NULL ? 0xa1 : 0));
    if (ref->fn.vf != NULL) {
        build_vf(ref, config);
    } else if (ref->fn.gpu != NULL) {
        build_gpu(ref, config);
    } else {
        build_extra(ref, config);
    }
    if (!ref->fn.gpu && !function_is_bridge(&ref->fn)) {
        put16(config + 6, 0);
    }
    if (ref->fn.gpu != NULL && ref->fn.gpu->lost) {
        memset(config, 0xff, sizeof(config)); /* what no one answers reads as ones */
    }
    strbuf_addn(out, (const char *)config, ref->privileged ? CONFIG_SIZE : READABLE_BY_ALL);
    return 0;
}
