/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole user space of a demo guest: names the GPUs it finds on the serial console, then lives
 * until its power button is pressed. One line per GPU, for scripts to read: cleave-guest: vm=web1
 * gpu="NVIDIA …" uuid=… framebuffer=8192MiB gi=1 profile=1g.24gb+gfx kind=vgpu or, without any,
 * "cleave-guest: vm=web1 no GPU", and then "cleave-guest: vm=web1 ready gpus=N". A GPU that has
 * become another under way (the VM was moved) gets such a line again.
 *
 * On the kernel's command line:
 *   cleave.vm=NAME      what the lines call this VM
 *   cleave.fb=SEED      use the GPUs: fill their framebuffers with a pattern, and each second read
 *                       all back: "cleave-guest: vm=web1 tick 7 fb=ok sum=…", or "fb=bad gpu=0
 *                       offset=…"; the sum of what is there stays the same, but with
 *   cleave.dirty=MIB    write so much of each framebuffer again per second
 *
 * Under emulation every instruction counts, so the kernel is booted without ACPI and without
 * modules; the power button is read from the chipset's own registers instead.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/guest/framebuffer.h"
#include "sim/guest/page.h"

#define PCI_DIR "/sys/bus/pci/devices"
#define MAX_GPUS 16
#define BEAT_NS 500000000L
#define BEATS_PER_TICK 2
#define CHUNKS_PER_MIB (1024 * 1024 / FRAMEBUFFER_CHUNK_BYTES)

/* Power management of QEMU's two chipsets: base of the ACPI registers at 0x40 of the function's
 * configuration space (Intel 82371AB datasheet, PMBA; Intel ICH9 datasheet, PMBASE). */
#define INTEL 0x8086
#define PIIX4_PM 0x7113
#define ICH9_LPC 0x2918
#define PM_BASE_REGISTER 0x40
#define PM_BASE_MASK 0xff80
/* ACPI specification, chapter 4: PM1 status, enable and control registers. */
#define PM1_STATUS 0
#define PM1_ENABLE 2
#define PM1_CONTROL 4
#define PM1_BYTES 6
#define PM1_POWER_BUTTON 0x0100
#define PM1_SLEEP_NOW 0x2000 /* with sleep type 0: off, in QEMU's chipsets */

struct gpu {
    struct guest_page *page;
    size_t bytes; /* of the device's memory, page included */
    char uuid[sizeof(((struct guest_page *)NULL)->uuid)]; /* as it was last reported */
    struct framebuffer fb;
};

struct guest {
    char vm[64];
    int console;
    struct gpu gpus[MAX_GPUS];
    unsigned n_gpus;
    unsigned pm_base; /* 0: none */
    bool use_gpus;
    unsigned long long seed;
    unsigned dirty_chunks; /* per beat */
    unsigned long beats;
};

static void read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, out, size - 1) : 0;
    out[len > 0 ? len : 0] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

static unsigned read_hex(const char *device, const char *file)
{
    char path[300];
    char text[32];
    snprintf(path, sizeof(path), PCI_DIR "/%s/%s", device, file);
    read_text(path, text, sizeof(text));
    unsigned value = 0;
    return sscanf(text, "%x", &value) == 1 ? value : 0;
}

/* What follows "cleave.KEY=" on the kernel's command line, or NULL. */
static const char *argument(const char *line, const char *key)
{
    const char *word = strstr(line, key);
    return word != NULL ? word + strlen(key) : NULL;
}

/* Without a name: what the first GPU's page says. */
static void read_arguments(struct guest *guest)
{
    char line[1024];
    unsigned dirty_mib = 0;
    read_text("/proc/cmdline", line, sizeof(line));
    const char *seed = argument(line, "cleave.fb=");
    const char *dirty = argument(line, "cleave.dirty=");
    guest->use_gpus = seed != NULL && sscanf(seed, "%llu", &guest->seed) == 1;
    if (dirty != NULL && sscanf(dirty, "%u", &dirty_mib) == 1) {
        guest->dirty_chunks = dirty_mib * CHUNKS_PER_MIB / BEATS_PER_TICK;
    }
    const char *word = argument(line, "cleave.vm=");
    if (word != NULL) {
        snprintf(guest->vm, sizeof(guest->vm), "%.*s", (int)strcspn(word, " \n"), word);
    } else if (guest->n_gpus > 0) {
        struct guest_page *page = guest->gpus[0].page;
        snprintf(guest->vm, sizeof(guest->vm), "%.*s", (int)sizeof(page->vm_name), page->vm_name);
    }
    if (guest->vm[0] == '\0') {
        snprintf(guest->vm, sizeof(guest->vm), "?");
    }
}

static struct guest_page *map_memory(const char *device, size_t *ret_bytes)
{
    char path[300];
    struct stat stat;
    snprintf(path, sizeof(path), PCI_DIR "/%s/resource%d", device, GUEST_PCI_BAR);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    void *map = MAP_FAILED;
    if (fstat(fd, &stat) == 0 && stat.st_size > GUEST_PAGE_BYTES) {
        *ret_bytes = (size_t)stat.st_size;
        map = mmap(NULL, *ret_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    return map != MAP_FAILED ? map : NULL;
}

static unsigned read_pm_base(const char *device)
{
    char path[300];
    uint16_t base = 0;
    snprintf(path, sizeof(path), PCI_DIR "/%s/config", device);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t len = pread(fd, &base, sizeof(base), PM_BASE_REGISTER);
    close(fd);
    return len == sizeof(base) ? base & PM_BASE_MASK : 0;
}

static void look_at(struct guest *guest, const char *device)
{
    unsigned vendor = read_hex(device, "vendor");
    unsigned id = read_hex(device, "device");
    if (vendor == INTEL && (id == PIIX4_PM || id == ICH9_LPC)) {
        guest->pm_base = read_pm_base(device);
        return;
    }
    if (vendor != GUEST_PCI_VENDOR || id != GUEST_PCI_DEVICE || guest->n_gpus == MAX_GPUS) {
        return;
    }
    size_t bytes = 0;
    struct guest_page *page = map_memory(device, &bytes);
    if (page == NULL) {
        dprintf(guest->console, "cleave-guest: %s: can't map its memory: %s\n", device,
                strerror(errno));
    } else if (memcmp(page->magic, GUEST_PAGE_MAGIC, sizeof(page->magic)) != 0 ||
               page->version != GUEST_PAGE_VERSION) {
        dprintf(guest->console, "cleave-guest: %s: shared memory, but not a GPU\n", device);
    } else {
        guest->gpus[guest->n_gpus++] = (struct gpu){.page = page, .bytes = bytes};
    }
}

static void scan(struct guest *guest)
{
    struct dirent **names = NULL;
    int n = scandir(PCI_DIR, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            look_at(guest, names[i]->d_name);
        }
    }
}

#define TEXT(field) (int)sizeof(field), (field)

static void print_gpu(const struct guest *guest, struct gpu *gpu)
{
    const struct guest_page *page = gpu->page;
    char gi[16] = "none";
    const char *profile = page->gi_profile[0] != '\0' ? page->gi_profile : "none";
    if (page->gi_id != GUEST_PAGE_NONE) {
        snprintf(gi, sizeof(gi), "%u", page->gi_id);
    }
    dprintf(guest->console,
            "cleave-guest: vm=%s gpu=\"%.*s\" uuid=%.*s framebuffer=%lluMiB gi=%s profile=%.*s "
            "kind=%.*s\n",
            guest->vm, TEXT(page->name), TEXT(page->uuid),
            (unsigned long long)page->framebuffer_mib, gi, (int)sizeof(page->gi_profile), profile,
            TEXT(page->kind));
    memcpy(gpu->uuid, page->uuid, sizeof(gpu->uuid));
}

static void fill(struct guest *guest)
{
    for (unsigned i = 0; i < guest->n_gpus; i++) {
        struct gpu *gpu = &guest->gpus[i];
        framebuffer_init(&gpu->fb, (char *)gpu->page + GUEST_PAGE_BYTES,
                         gpu->bytes - GUEST_PAGE_BYTES, guest->seed + i);
    }
}

static void tick(const struct guest *guest)
{
    char bad[64] = "";
    uint64_t sums = 0;
    for (unsigned i = 0; i < guest->n_gpus; i++) {
        uint64_t sum = 0;
        int64_t offset = framebuffer_check(&guest->gpus[i].fb, &sum);
        sums ^= sum;
        if (offset >= 0 && bad[0] == '\0') {
            snprintf(bad, sizeof(bad), "bad gpu=%u offset=%lld", i, (long long)offset);
        }
    }
    dprintf(guest->console, "cleave-guest: vm=%s tick %lu fb=%s sum=%016llx\n", guest->vm,
            guest->beats / BEATS_PER_TICK, bad[0] != '\0' ? bad : "ok", (unsigned long long)sums);
}

static void beat(struct guest *guest)
{
    for (unsigned i = 0; i < guest->n_gpus; i++) {
        struct gpu *gpu = &guest->gpus[i];
        gpu->page->heartbeat++;
        if (memcmp(gpu->uuid, gpu->page->uuid, sizeof(gpu->uuid)) != 0) {
            print_gpu(guest, gpu);
        }
        framebuffer_dirty(&gpu->fb, guest->dirty_chunks);
    }
    guest->beats++;
    if (guest->use_gpus && guest->beats % BEATS_PER_TICK == 0) {
        tick(guest);
    }
}

static bool power_button_pressed(const struct guest *guest)
{
    return guest->pm_base != 0 &&
           (inw((unsigned short)(guest->pm_base + PM1_STATUS)) & PM1_POWER_BUTTON) != 0;
}

static void live(struct guest *guest)
{
    if (guest->pm_base != 0 && ioperm(guest->pm_base, PM1_BYTES, 1) == 0) {
        outw(PM1_POWER_BUTTON, (unsigned short)(guest->pm_base + PM1_ENABLE));
    } else {
        guest->pm_base = 0;
    }
    while (!power_button_pressed(guest)) {
        beat(guest);
        nanosleep(&(struct timespec){.tv_nsec = BEAT_NS}, NULL);
    }
    dprintf(guest->console, "cleave-guest: vm=%s powers off\n", guest->vm);
    outw(PM1_SLEEP_NOW, (unsigned short)(guest->pm_base + PM1_CONTROL));
}

int main(void)
{
    static struct guest guest;
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    guest.console = STDOUT_FILENO;
    scan(&guest);
    read_arguments(&guest);
    for (unsigned i = 0; i < guest.n_gpus; i++) {
        print_gpu(&guest, &guest.gpus[i]);
    }
    if (guest.n_gpus == 0) {
        dprintf(guest.console, "cleave-guest: vm=%s no GPU\n", guest.vm);
    }
    dprintf(guest.console, "cleave-guest: vm=%s ready gpus=%u\n", guest.vm, guest.n_gpus);
    if (guest.use_gpus) {
        fill(&guest);
    }
    live(&guest);
    /* init must not return: the kernel would panic. */
    for (;;) {
        pause();
    }
}
