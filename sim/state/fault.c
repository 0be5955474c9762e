/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/fault.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "nvml/abi_base.h"
#include "sim/state/internal.h"

#define MAX_TEXT 127
#define MAX_ERRNO 133
#define MAX_SECONDS 86400
#define POLL_US 10000u /* how often a held call looks whether it may go on */

WORDS_LOCAL(access_words, "access", 3, WORD(0, "any"), WORD(1, "read"), WORD(2, "write"))
WORDS_LOCAL(ecc_words, "ECC error", 2, WORD(0, "corrected"), WORD(1, "uncorrected"))

const char *const sim_tools[SIM_TOOLS] = {
    [SIM_TOOL_OPEN] = "open", [SIM_TOOL_RESET] = "reset", [SIM_TOOL_SRIOV] = "sriov-manage"};

/* ---- reading ---- */

/* 19, "NVML_ERROR_IN_USE" or "IN_USE". */
static int read_nvml(struct reader *r)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {
#define X(sym, number, since, text) {#sym, number},
        NVML_RETURN_MAP(X)
#undef X
    };
    static const char prefix[] = "NVML_ERROR_";
    if (json_is_integer(json_object_get(r->object, "nvml"))) {
        return (int)reader_int(r, "nvml", 1, NVML_ERROR_UNKNOWN);
    }
    const char *text = reader_str_or(r, "nvml", MAX_TEXT, NULL);
    for (size_t i = 1; text != NULL && i < ARRAY_SIZE(codes); i++) {
        if (str_eq(codes[i].name, text) || str_eq(codes[i].name + strlen(prefix), text)) {
            return codes[i].code;
        }
    }
    if (text != NULL) {
        reader_fail(r, "nvml", "\"%s\" is not an error of NVML", text);
    }
    return 0;
}

static int read_errno(struct reader *r)
{
    const char *text = reader_str_or(r, "errno", MAX_TEXT, NULL);
    for (int i = 1; text != NULL && i <= MAX_ERRNO; i++) {
        const char *name = strerrorname_np(i);
        if (name != NULL && str_eq(name, text)) {
            return i;
        }
    }
    if (text != NULL) {
        reader_fail(r, "errno", "\"%s\" is not an errno like EBUSY", text);
    }
    return 0;
}

static double read_probability(struct reader *r)
{
    double value = reader_has(r, "probability") ? reader_real(r, "probability") : 1.0;
    if (value < 0 || value > 1) {
        reader_fail(r, "probability", "is not between 0 and 1");
    }
    return value;
}

static void read_device(struct reader *r, struct sim_fault *fault)
{
    const char *text = reader_str_or(r, "device", MAX_TEXT, NULL);
    struct pci_addr addr;
    if (text == NULL) {
        return;
    }
    if (!pci_addr_parse(text, &addr)) {
        reader_fail(r, "device", "\"%s\" is not a PCI address", text);
        return;
    }
    pci_addr_format(&addr, fault->device);
}

static void read_effects(struct reader *r, struct sim_fault *fault)
{
    fault->nvml = read_nvml(r);
    fault->errnum = read_errno(r);
    fault->delay_us = (uint64_t)reader_int_or(r, "delay_ms", 0, MAX_SECONDS * 1000, 0) * 1000;
    fault->hang = reader_bool_or(r, "hang", false);
    fault->returns = str_eq(json_string_value(json_object_get(r->object, "lost")), "rescan");
    fault->lost = fault->returns || reader_bool_or(r, "lost", false);
    if (fault->returns) {
        reader_str(r, "lost", MAX_TEXT);
    }
    fault->wedged = reader_bool_or(r, "wedged", false);
    fault->xid = (uint32_t)reader_int_or(r, "xid", 1, 1000, 0);
    int ecc = reader_word_or(r, "ecc", &ecc_words, -1);
    fault->corrected = ecc == 0;
    fault->uncorrected = ecc == 1;
}

static bool hits_gpu(const struct sim_fault *fault)
{
    return fault->lost || fault->wedged || fault->xid != 0 || fault->corrected ||
           fault->uncorrected;
}

static bool holds_call(const struct sim_fault *fault)
{
    return fault->nvml != 0 || fault->errnum != 0 || fault->delay_us != 0 || fault->hang;
}

/* A fault at no place would wait for ever, and its test would pass. */
static bool is_place(const struct sim_host *host, const char *at)
{
    for (size_t i = 0; i < SIM_TOOLS; i++) {
        if (fnmatch(at, sim_tools[i], 0) == 0) {
            return true;
        }
    }
    return host->has_place == NULL || host->has_place(at);
}

static int read_fault(const struct sim_host *host, struct reader *r, struct sim_fault *fault)
{
    const char *at = reader_str_or(r, "at", MAX_TEXT, "");
    int access = reader_word_or(r, "access", &access_words, 0);
    STR_SET(fault->at, at);
    fault->reads = access != 2;
    fault->writes = access != 1;
    read_device(r, fault);
    read_effects(r, fault);
    fault->after = (uint32_t)reader_int_or(r, "after", 0, UINT32_MAX - 1, 0);
    fault->count = (uint32_t)reader_int_or(r, "count", 1, UINT32_MAX - 1, SIM_NONE);
    fault->probability = read_probability(r);
    int64_t seconds = reader_int_or(r, "for_s", 1, MAX_SECONDS, 0);
    fault->until_us = seconds == 0 ? 0 : clock_monotonic_us() + (uint64_t)seconds * 1000000;
    if (!hits_gpu(fault) && !holds_call(fault)) {
        reader_fail(r, "at",
                    "the fault does nothing: give nvml, errno, delay_ms, hang, lost, wedged, xid "
                    "or ecc");
    }
    if (at[0] == '\0' && holds_call(fault)) {
        reader_fail(r, "at", "the fault needs `at`: the call that it affects");
    }
    if (at[0] == '\0' && fault->device[0] == '\0') {
        reader_fail(r, "device", "the fault needs `device`: the GPU that it affects");
    }
    if (at[0] != '\0' && !is_place(host, at)) {
        reader_fail(
            r, "at",
            "there is no place \"%s\": give a function of NVML (`cleave-sim coverage` lists "
            "them), a file of the kernel such as nvidia/current_vgpu_type, unbind or "
            "sriov_numvfs, or sriov-manage, reset, open",
            at);
    }
    return reader_end(r) < 0 ? -EINVAL : 0;
}

/* ---- chance ---- */

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return sim_mix(*state);
}

static bool chance(struct sim_fault *fault)
{
    double drawn = (double)(next_random(&fault->random) >> 11) / (double)(1ull << 53);
    return drawn < fault->probability;
}

/* ---- arming ---- */

/* The GPU at an address, or of the VF there. */
static struct sim_gpu *gpu_at(struct sim_host *host, const struct pci_addr *addr)
{
    struct sim_gpu *gpu = NULL;
    return sim_find_vf(host, addr, &gpu) != NULL ? gpu : sim_find_gpu(host, addr);
}

static void hit(struct sim_host *host, const struct sim_fault *fault, struct sim_gpu *gpu)
{
    if (fault->corrected || fault->uncorrected) {
        sim_raise_ecc(host, gpu, fault->uncorrected);
    }
    if (fault->xid != 0) {
        sim_raise_xid(host, gpu, fault->xid);
    }
    if (fault->lost) {
        sim_lose(host, gpu, fault->returns);
    }
    if (fault->wedged) {
        sim_wedge(host, gpu);
    }
}

_Static_assert(SIM_MAX_FAULTS <= 64, "struct sim_met has a bit for each");

static uint32_t free_bit(const struct sim_host *host)
{
    uint64_t taken = 0;
    uint32_t bit = 0;
    for (uint32_t i = 0; i < host->n_faults; i++) {
        taken |= UINT64_C(1) << host->faults[i].bit;
    }
    while ((taken >> bit & 1) != 0) {
        bit++;
    }
    return bit;
}

int sim_fault_add(struct sim_host *host, struct reader *r, uint32_t *ret_id)
{
    struct sim_fault fault = {0};
    int result = read_fault(host, r, &fault);
    if (result < 0) {
        return result;
    }
    *ret_id = 0;
    if (fault.at[0] == '\0') {
        struct pci_addr addr;
        struct sim_gpu *gpu = pci_addr_parse(fault.device, &addr) ? gpu_at(host, &addr) : NULL;
        if (gpu == NULL) {
            return -ENODEV;
        }
        hit(host, &fault, gpu);
        return 0;
    }
    if (host->n_faults == SIM_MAX_FAULTS) {
        return -ENOSPC;
    }
    fault.id = host->next_fault++;
    fault.bit = free_bit(host);
    fault.random = host->seed * 0x100000001b3u ^ fault.id;
    host->faults[host->n_faults++] = fault;
    *ret_id = fault.id;
    return 0;
}

static void drop(struct sim_host *host, uint32_t index)
{
    memmove(&host->faults[index], &host->faults[index + 1],
            (host->n_faults - index - 1) * sizeof(host->faults[0]));
    host->n_faults--;
}

int sim_fault_clear(struct sim_host *host, uint32_t id)
{
    if (id == 0) {
        host->n_faults = 0;
        return 0;
    }
    for (uint32_t i = 0; i < host->n_faults; i++) {
        if (host->faults[i].id == id) {
            drop(host, i);
            return 0;
        }
    }
    return -ENOENT;
}

static void put_effects(const struct sim_fault *fault, json_t *object)
{
    if (fault->nvml != 0) {
        json_object_set_new(object, "nvml", json_integer(fault->nvml));
    }
    if (fault->errnum != 0) {
        json_object_set_new(object, "errno", json_string(strerrorname_np(fault->errnum)));
    }
    if (fault->delay_us != 0) {
        json_object_set_new(object, "delay_ms", json_integer((json_int_t)(fault->delay_us / 1000)));
    }
    if (fault->xid != 0) {
        json_object_set_new(object, "xid", json_integer(fault->xid));
    }
    if (fault->corrected || fault->uncorrected) {
        json_object_set_new(object, "ecc",
                            json_string(words_name(&ecc_words, fault->uncorrected ? 1 : 0)));
    }
    if (fault->hang) {
        json_object_set_new(object, "hang", json_true());
    }
    if (fault->lost) {
        json_object_set_new(object, "lost", fault->returns ? json_string("rescan") : json_true());
    }
    if (fault->wedged) {
        json_object_set_new(object, "wedged", json_true());
    }
}

json_t *sim_fault_list(const struct sim_host *host)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < host->n_faults; i++) {
        const struct sim_fault *fault = &host->faults[i];
        json_t *object =
            json_pack("{s:I, s:s, s:I, s:I}", "id", (json_int_t)fault->id, "at", fault->at, "seen",
                      (json_int_t)fault->seen, "struck", (json_int_t)fault->struck);
        if (fault->device[0] != '\0') {
            json_object_set_new(object, "device", json_string(fault->device));
        }
        if (fault->count != SIM_NONE) {
            json_object_set_new(object, "count", json_integer(fault->count));
        }
        if (fault->probability < 1) {
            json_object_set_new(object, "probability", json_real(fault->probability));
        }
        put_effects(fault, object);
        json_array_append_new(array, object);
    }
    return array;
}

/* ---- striking ---- */

static bool has_run_out(const struct sim_fault *fault)
{
    return fault->count == 0 || (fault->until_us != 0 && clock_monotonic_us() >= fault->until_us);
}

/* A path also by its end: "nvidia/current_vgpu_type". */
static bool name_matches(const struct sim_fault *fault, enum sim_call kind, const char *call)
{
    if (fnmatch(fault->at, call, 0) == 0) {
        return true;
    }
    if (kind == SIM_CALL_NVML || kind == SIM_CALL_TOOL || fault->at[0] == '/') {
        return false;
    }
    char tail[sizeof(fault->at) + 2] = "*/";
    STR_SET(tail, "*/");
    str_copy(tail + 2, sizeof(tail) - 2, fault->at);
    return fnmatch(tail, call, 0) == 0;
}

static bool device_matches(struct sim_host *host, const struct sim_fault *fault,
                           const struct pci_addr *device)
{
    struct pci_addr wanted;
    if (fault->device[0] == '\0') {
        return true;
    }
    if (device == NULL || !pci_addr_parse(fault->device, &wanted)) {
        return false;
    }
    const struct sim_gpu *gpu = gpu_at(host, device);
    return pci_addr_cmp(&wanted, device) == 0 ||
           (gpu != NULL && pci_addr_cmp(&wanted, &gpu->addr) == 0);
}

static bool kind_matches(const struct sim_fault *fault, enum sim_call kind)
{
    return (kind != SIM_CALL_READ || fault->reads) && (kind != SIM_CALL_WRITE || fault->writes);
}

static bool strikes(struct sim_fault *fault)
{
    fault->seen++;
    if (fault->seen <= fault->after || !chance(fault)) {
        return false;
    }
    fault->struck++;
    fault->count -= fault->count != SIM_NONE ? 1 : 0;
    return true;
}

static void add_to(struct sim_strike *strike, const struct sim_fault *fault, enum sim_call kind)
{
    int code = kind == SIM_CALL_NVML ? fault->nvml : -fault->errnum;
    strike->code = strike->code != 0 ? strike->code : code;
    strike->delay_us += fault->delay_us;
    strike->hang = fault->hang ? fault->id : strike->hang;
}

/* A call that meets a matching fault. */
static void meet(struct sim_host *host, struct sim_fault *fault, enum sim_call kind,
                 const struct pci_addr *device, struct sim_met *met, struct sim_strike *strike)
{
    uint64_t bit = UINT64_C(1) << fault->bit;
    if ((met->met & bit) != 0) {
        int code = (met->struck & bit) != 0 ? fault->nvml : 0;
        strike->code = strike->code != 0 ? strike->code : code;
        return;
    }
    met->met |= bit;
    if (has_run_out(fault) || !strikes(fault)) {
        return;
    }
    met->struck |= bit;
    struct sim_gpu *gpu = device != NULL ? gpu_at(host, device) : NULL;
    if (gpu != NULL) {
        hit(host, fault, gpu);
    }
    add_to(strike, fault, kind);
}

static struct sim_strike strike_call(struct sim_host *host, enum sim_call kind, const char *call,
                                     const struct pci_addr *device, struct sim_met *met)
{
    struct sim_strike strike = {0};
    for (uint32_t i = 0; i < host->n_faults;) {
        struct sim_fault *fault = &host->faults[i];
        bool struck = (met->struck >> fault->bit & 1) != 0;
        /* One that ran out goes, unless a call still hangs on it (then its count says 0) or asks
         * again. */
        if (has_run_out(fault) && !struck) {
            if (!fault->hang || fault->count != 0) {
                drop(host, i);
                continue;
            }
        } else if (kind_matches(fault, kind) && name_matches(fault, kind, call) &&
                   device_matches(host, fault, device)) {
            meet(host, fault, kind, device, met, &strike);
        }
        i++;
    }
    return strike;
}

struct sim_strike sim_fault_strike(struct sim_host *host, enum sim_call kind, const char *call,
                                   const struct pci_addr *device)
{
    struct sim_met met = {0};
    return strike_call(host, kind, call, device, &met);
}

struct sim_strike sim_fault_strike_again(struct sim_host *host, const char *call,
                                         const struct pci_addr *device, struct sim_met *met)
{
    return strike_call(host, SIM_CALL_NVML, call, device, met);
}

/* Must a call that was struck at `since_us` still wait? */
static bool must_wait(struct sim_host *host, const struct sim_strike *strike, uint64_t since_us)
{
    uint64_t now = clock_monotonic_us();
    bool waits = now - since_us < strike->delay_us;
    sim_lock(host);
    for (uint32_t i = 0; i < host->n_faults; i++) {
        const struct sim_fault *fault = &host->faults[i];
        bool holds = strike->hang != 0 && fault->id == strike->hang;
        waits = waits || (holds && (fault->until_us == 0 || now < fault->until_us));
    }
    waits = waits && !host->closing;
    sim_unlock(host);
    return waits;
}

bool sim_fault_wait(struct sim_host *host, const struct sim_strike *strike,
                    bool (*gave_up)(void *data), void *data)
{
    if (strike->delay_us == 0 && strike->hang == 0) {
        return true;
    }
    uint64_t since_us = clock_monotonic_us();
    while (must_wait(host, strike, since_us)) {
        if (gave_up != NULL && gave_up(data)) {
            return false;
        }
        uint64_t passed = clock_monotonic_us() - since_us;
        uint64_t left = strike->delay_us > passed ? strike->delay_us - passed : POLL_US;
        struct timespec pause = {.tv_nsec = (long)(left < POLL_US ? left : POLL_US) * 1000};
        nanosleep(&pause, NULL);
    }
    return true;
}

void sim_close(struct sim_host *host)
{
    sim_lock(host);
    host->closing = true;
    sim_unlock(host);
}
