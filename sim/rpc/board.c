/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rpc/board.h"

#include "base/str.h"
#include "nvml/abi.h"

/* X(architecture, W, graphics MHz, lowest, memory MHz, video MHz, max °C, slowdown, shutdown, PCIe
 * generation): typical values where the board's own are not below. */
#define ARCH_MAP(X)                                                                                \
    X(ARCH_VOLTA, 250, 1380, 135, 877, 1237, 83, 87, 90, 3)                                        \
    X(ARCH_TURING, 70, 1590, 300, 5001, 1470, 85, 93, 96, 3)                                       \
    X(ARCH_AMPERE, 250, 1410, 210, 1215, 1275, 85, 89, 92, 4)                                      \
    X(ARCH_ADA, 300, 2520, 210, 9001, 1965, 88, 90, 93, 4)                                         \
    X(ARCH_HOPPER, 700, 1980, 345, 2619, 1545, 87, 89, 95, 5)                                      \
    X(ARCH_BLACKWELL, 600, 2430, 180, 12481, 2130, 90, 92, 95, 5)

/* X(key of the catalog, W, lowest limit in W, graphics MHz, memory MHz; 0: the architecture's).
 * Limits and clocks of h100-sxm5, l40s and t4: `nvidia-smi -q -x` of such machines
 * (NVIDIA/k8s-test-infra, tests/e2e); watts of the others: NVIDIA's data sheets. */
#define BOARD_MAP(X)                                                                               \
    X("a10", 150, 100, 1695, 6251)                                                                 \
    X("a100-pcie-40gb", 250, 150, 1410, 1215)                                                      \
    X("a100-pcie-80gb", 300, 150, 1410, 1512)                                                      \
    X("a100-sxm4-40gb", 400, 100, 1410, 1215)                                                      \
    X("a100-sxm4-80gb", 400, 100, 1410, 1593)                                                      \
    X("a16", 62, 40, 1695, 6251)                                                                   \
    X("a2", 60, 35, 1770, 6251)                                                                    \
    X("a30", 165, 100, 1440, 1215)                                                                 \
    X("a40", 300, 100, 1740, 7251)                                                                 \
    X("b200-180gb", 1000, 200, 1965, 3996)                                                         \
    X("b300-269gb", 1400, 200, 1965, 3996)                                                         \
    X("gb200-186gb", 1200, 200, 1965, 3996)                                                        \
    X("gb300-278gb", 1400, 200, 1965, 3996)                                                        \
    X("h100-nvl-94gb", 400, 200, 1785, 2619)                                                       \
    X("h100-pcie-80gb", 350, 200, 1755, 1593)                                                      \
    X("h100-sxm5-80gb", 700, 200, 1980, 2619)                                                      \
    X("h200-nvl-141gb", 600, 200, 1785, 3201)                                                      \
    X("h200-sxm5-141gb", 700, 200, 1980, 3201)                                                     \
    X("l20", 275, 100, 2520, 9001)                                                                 \
    X("l4", 72, 40, 2040, 6251)                                                                    \
    X("l40", 300, 100, 2490, 9001)                                                                 \
    X("l40s", 350, 100, 2520, 9001)                                                                \
    X("rtx-5000-ada", 250, 100, 3090, 9001)                                                        \
    X("rtx-6000-ada", 300, 100, 3105, 10001)                                                       \
    X("rtx-a5000", 230, 100, 2100, 8001)                                                           \
    X("rtx-a6000", 300, 100, 2100, 8001)                                                           \
    X("rtx-pro-6000-blackwell-max-q", 300, 250, 2280, 14001)                                       \
    X("rtx-pro-6000-blackwell-se", 600, 300, 2430, 12481)                                          \
    X("rtx-pro-6000-blackwell-ws", 600, 150, 3090, 14001)                                          \
    X("t4", 70, 60, 1590, 5001)                                                                    \
    X("v100-pcie-32gb", 250, 100, 1380, 877)                                                       \
    X("v100-sxm2-16gb", 300, 150, 1530, 877)                                                       \
    X("v100-sxm2-32gb", 300, 150, 1530, 877)

/* X(key, VBIOS, board part, GPU part, InfoROM image, its OEM object, its ECC object): read off such
 * boards (NVIDIA/k8s-test-infra, tests/e2e). Of the others no source was found. */
#define IDENTITY_MAP(X)                                                                            \
    X("h100-sxm5-80gb", "96.00.99.00.01", "692-2G520-0200-000", "2330-885-A1", "G520.0200.00.05",  \
      "2.1", "7.16")                                                                               \
    X("l40s", "95.02.66.00.15", "900-2G133-A880-000", "26B9-896-A1", "G133.0242.00.03", "2.1",     \
      "6.16")                                                                                      \
    X("t4", "90.04.96.00.02", "900-2G183-A800-001", "1EB8-895-A1", "G183.0200.00.02", "1.1", "5.0")

static void fill_arch(enum cat_arch arch, struct rpc_board *out)
{
    static const struct {
        uint32_t watts, graphics, lowest, memory, video, max, slowdown, shutdown, pcie;
    } typical[] = {
#define X(arch, ...) [arch] = {__VA_ARGS__},
        ARCH_MAP(X)
#undef X
    };
    out->power_mw = typical[arch].watts * 1000;
    out->graphics_mhz = typical[arch].graphics;
    out->lowest_mhz = typical[arch].lowest;
    out->memory_mhz = typical[arch].memory;
    out->video_mhz = typical[arch].video;
    out->max_celsius = typical[arch].max;
    out->slowdown_celsius = typical[arch].slowdown;
    out->shutdown_celsius = typical[arch].shutdown;
    out->pcie_generation = typical[arch].pcie;
    out->remap_banks = arch == ARCH_HOPPER ? 2560 : arch == ARCH_ADA ? 192 : 640;
}

static void fill_identity(const char *key, struct rpc_board *out)
{
    static const struct {
        const char *key, *vbios, *board_part, *gpu_part, *image, *oem, *ecc;
    } known[] = {
#define X(...) {__VA_ARGS__},
        IDENTITY_MAP(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (str_eq(known[i].key, key)) {
            STR_SET(out->vbios, known[i].vbios);
            STR_SET(out->board_part, known[i].board_part);
            STR_SET(out->gpu_part, known[i].gpu_part);
            STR_SET(out->inforom_image, known[i].image);
            STR_SET(out->inforom_oem, known[i].oem);
            STR_SET(out->inforom_ecc, known[i].ecc);
        }
    }
}

void board_facts(const struct gpu_model *model, struct rpc_board *out)
{
    static const struct {
        const char *key;
        uint32_t watts, min_watts, graphics, memory;
    } known[] = {
#define X(...) {__VA_ARGS__},
        BOARD_MAP(X)
#undef X
    };
    *out = (struct rpc_board){0};
    fill_arch(model->arch, out);
    out->min_power_mw = out->power_mw / 2;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (str_eq(known[i].key, model->key)) {
            out->power_mw = known[i].watts * 1000;
            out->min_power_mw = known[i].min_watts * 1000;
            out->graphics_mhz = known[i].graphics;
            out->memory_mhz = known[i].memory;
        }
    }
    out->hbm = sim_has_hbm(model);
    out->tlimit = model->arch >= ARCH_ADA; /* nvml.h: supported on Ada and later */
    out->row_remapper = model->arch >= ARCH_AMPERE;
    out->page_retirement = model->arch < ARCH_AMPERE;
    fill_identity(model->key, out);
}
