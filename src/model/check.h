/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts, which are known of both sides of a migration, and what follows (checks: one per rule of
 * data/rules that applies to migrations).
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include <stdbool.h>

#include "model/host.h"
#include "schema/schema.h"

#define MIGRATION_FACT_SIZE 128
#define MIGRATION_MAX_CHECKS 1024 /* of a stored document, or another host's */

/* X(symbol, name, what it is). Rules speak of them as source.NAME and target.NAME; an unknown one
 * is
 * "". Names are part of the API. */
#define MIGRATION_FACT_MAP(X)                                                                      \
    X(MODE, "mode", "mode of the VM's device")                                                     \
    X(BOARD, "board", "board")                                                                     \
    X(BOARD_ID, "board-id", "PCI device and subsystem")                                            \
    X(TYPE, "type", "vGPU type")                                                                   \
    X(PROFILE, "profile", "GPU instance profile")                                                  \
    X(DRIVER, "driver", "NVIDIA host driver")                                                      \
    X(COMPATIBLE, "compatible", "NVML's answer: none, cold, hibernate, sleep or live")             \
    X(ECC, "ecc", "ECC: on or off")                                                                \
    X(NVLINK, "nvlink", "NVLink: number of active links")                                          \
    X(UVM, "uvm", "unified memory: on or off")                                                     \
    X(DEBUGGING, "debugging", "GPU debugging: on or off")                                          \
    X(PROFILING, "profiling", "GPU profiling: on or off")                                          \
    X(SCHEDULER, "scheduler", "scheduling policy of the GPU")                                      \
    X(SIZES, "sizes", "equal or mixed vGPU sizes")                                                 \
    X(GUEST, "guest", "guest operating system")                                                    \
    X(GUEST_DRIVER_MODEL, "guest-driver-model", "driver model in the guest: tcc or wddm")          \
    X(ROOM, "room", "can the target make the device? yes or no")                                   \
    X(ROOM_PROBLEM, "room-problem", "why the target can't make the device")                        \
    X(CLAIM_NAME, "claim-name", "is the claim's name free on the target? yes or no")               \
    X(VM_NAME, "vm-name", "is the VM's name free on the target? yes or no")                        \
    X(VM_STATE, "vm-state", "state of the VM")                                                     \
    X(HOST, "host", "name of the host")                                                            \
    X(LIBVIRT, "libvirt", "libvirt's version")                                                     \
    X(OWN_DEVICES, "own-devices", "host devices of the VM without a claim")                        \
    X(QEMU, "qemu", "QEMU's version")                                                              \
    X(KERNEL, "kernel", "Linux's version")                                                         \
    X(OS, "os", "operating system of the host")                                                    \
    X(ARCH, "arch", "architecture of the host's processors")                                       \
    X(CPU_VENDOR, "cpu-vendor", "maker of the host's processors")                                  \
    X(CPU_MODEL, "cpu-model", "model of the host's processors")                                    \
    X(HOST_CPU, "host-cpu", "does the VM see the host's processor as it is? on or off")            \
    X(THREADS, "threads", "threads per core of the VM")                                            \
    X(VIOMMU, "viommu", "virtual IOMMU of the VM: on or off")                                      \
    X(SECURITY, "security", "how the VM's memory is encrypted; none if it is not")                 \
    X(INTERFACE, "interface", "kernel interface of vGPUs: mdev or vendor-vfio")

enum migration_fact {
#define MIGRATION_FACT_ENUM(sym, name, text) FACT_##sym,
    MIGRATION_FACT_MAP(MIGRATION_FACT_ENUM)
#undef MIGRATION_FACT_ENUM
        MIGRATION_FACT_COUNT
};
WORDS_DECLARE(migration_fact, migration_fact_words)

/* Of one claim, or of the VM as a whole, on one side. */
struct migration_facts {
    char values[MIGRATION_FACT_COUNT][MIGRATION_FACT_SIZE];
};

enum check_result { CHECK_OK, CHECK_WARNING, CHECK_UNKNOWN, CHECK_FAILED };
WORDS_DECLARE(check_result, check_result_words)

/* One rule, asked of both sides. */
struct check {
    char rule[48];
    char claim[NAME_SIZE]; /* "": about the VM or the hosts */
    enum check_result result;
    char source[MIGRATION_FACT_SIZE], target[MIGRATION_FACT_SIZE]; /* what was compared */
    char message[ERROR_TEXT_SIZE], hint[ERROR_TEXT_SIZE];          /* unless CHECK_OK */
    char document[400];                                            /* where the rule is from */
};
struct checks {
    struct check *items;
    size_t n;
    size_t cap;
};
void checks_done(struct checks *checks);
/* The first that failed (or isn't ok, with `strict`); NULL if none has. */
const struct check *checks_refusal(const struct checks *checks, bool strict);

extern const struct schema migration_facts_schema;
extern const struct schema check_schema;

#endif
