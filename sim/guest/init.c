/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole user space of a demo guest: names the GPUs it finds on the serial console, then lives
 * until its power button is pressed. One line per GPU, for scripts to read: cleave-guest: vm=web1
 * gpu="NVIDIA …" uuid=… framebuffer=8192MiB gi=1 profile=1g.24gb+gfx kind=vgpu or, without any,
 * "cleave-guest: vm=web1 no GPU", and then "cleave-guest: vm=web1 ready gpus=N".
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
#include <time.h>
#include <unistd.h>

#include "sim/guest/page.h"

#define PCI_DIR "/sys/bus/pci/devices"
#define MAX_GPUS 16
#define BEAT_NS 500000000L

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

struct guest {
    char vm[64];
    int console;
    struct guest_page *pages[MAX_GPUS];
    unsigned n_pages;
    unsigned pm_base; /* 0: none */
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

/* "cleave.vm=NAME" of the kernel command line; else what the first GPU's page says. */
static void find_vm_name(struct guest *guest)
{
    char line[1024];
    read_text("/proc/cmdline", line, sizeof(line));
    const char *word = strstr(line, "cleave.vm=");
    if (word != NULL) {
        word += strlen("cleave.vm=");
        snprintf(guest->vm, sizeof(guest->vm), "%.*s", (int)strcspn(word, " \n"), word);
    } else if (guest->n_pages > 0) {
        struct guest_page *page = guest->pages[0];
        snprintf(guest->vm, sizeof(guest->vm), "%.*s", (int)sizeof(page->vm_name), page->vm_name);
    }
    if (guest->vm[0] == '\0') {
        snprintf(guest->vm, sizeof(guest->vm), "?");
    }
}

static struct guest_page *map_page(const char *device)
{
    char path[300];
    snprintf(path, sizeof(path), PCI_DIR "/%s/resource%d", device, GUEST_PCI_BAR);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    void *map = mmap(NULL, GUEST_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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
    if (vendor != GUEST_PCI_VENDOR || id != GUEST_PCI_DEVICE || guest->n_pages == MAX_GPUS) {
        return;
    }
    struct guest_page *page = map_page(device);
    if (page == NULL) {
        dprintf(guest->console, "cleave-guest: %s: can't map its memory: %s\n", device,
                strerror(errno));
    } else if (memcmp(page->magic, GUEST_PAGE_MAGIC, sizeof(page->magic)) != 0 ||
               page->version != GUEST_PAGE_VERSION) {
        dprintf(guest->console, "cleave-guest: %s: shared memory, but not a GPU\n", device);
    } else {
        guest->pages[guest->n_pages++] = page;
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

static void print_gpu(const struct guest *guest, const struct guest_page *page)
{
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
        for (unsigned i = 0; i < guest->n_pages; i++) {
            guest->pages[i]->heartbeat++;
        }
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
    find_vm_name(&guest);
    for (unsigned i = 0; i < guest.n_pages; i++) {
        print_gpu(&guest, guest.pages[i]);
    }
    if (guest.n_pages == 0) {
        dprintf(guest.console, "cleave-guest: vm=%s no GPU\n", guest.vm);
    }
    dprintf(guest.console, "cleave-guest: vm=%s ready gpus=%u\n", guest.vm, guest.n_pages);
    live(&guest);
    /* init must not return: the kernel would panic. */
    for (;;) {
        pause();
    }
}
