/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource names: k8s-device-plugin (nvidia.com/mig-<profile>, "+" written as ".", ".shared" behind
 * a time-sliced one), kubevirt-gpu-device-plugin (a vGPU type with "_" for blanks), Slurm's
 * gres.conf manual (gpu:<type>:<count>, MIG types as <board>_<profile>), the kernel's mdev
 * documentation (nvidia-<type id>), the manual of Proxmox VE's qm.conf (mdev=<type>), vSphere's
 * vGPU profiles (grid_<type>).
 */
#include "catalog/spelling.h"

#include <strings.h>

#include "base/parse.h"
#include "base/pci.h"
#include "base/str.h"
#include "catalog/profile_name.h"

/* What stands before a name, outermost first; `counts`: a number behind ":" is a count then. */
static const struct {
    const char *text;
    bool counts;
} prefixes[] = {
    {"requests.", true},   {"limits.", true},   {"gres=", true},
    {"nvidia.com/", true}, {"gres/gpu:", true}, {"gres:gpu:", true},
    {"gpu:", true},        {"mig-", false},     {"mig ", false},
};

/* A setting whose value is a name: gres.conf, sbatch, qm.conf, nova.conf. */
static const char *const keys[] = {
    "--gres", "gres", "--gpus", "type", "mdev", "enabled_mdev_types", "enabled_vgpu_types",
};

static const char *skip(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncasecmp(text, prefix, len) == 0 ? text + len : NULL;
}

const char *spelling_behind_key(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *rest = skip(text, keys[i]);
        if (rest == NULL) {
            continue;
        }
        rest += strspn(rest, " ");
        if (*rest == '=') {
            return rest + 1 + strspn(rest + 1, " ");
        }
    }
    return text;
}

bool spelling_has_count(const char *text)
{
    text = spelling_behind_key(text);
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (prefixes[i].counts && skip(text, prefixes[i].text) != NULL) {
            return true;
        }
    }
    return false;
}

static const char *skip_all(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        const char *rest = skip(text, prefixes[i].text);
        text = rest != NULL ? rest : text;
    }
    return text;
}

/* False where the word is not there. */
static bool cut_at(char *text, const char *word)
{
    for (char *at = text; *at != '\0'; at++) {
        if (skip(at, word) != NULL) {
            *at = '\0';
            return true;
        }
    }
    return false;
}

/* "1g.24gb.me.all" and "1g.5gb.me" as "1g.24gb+me.all" and "1g.5gb+me". */
static void restore_plus(char *name)
{
    char *at = strchr(name, '.');
    while (at != NULL) {
        if (skip(at, ".me") != NULL || skip(at, ".gfx") != NULL) {
            *at = '+';
        }
        at = strchr(at + 1, '.');
    }
}

/* "a100_1g.5gb" as board and profile. */
static void split_board(struct spelling *spelling)
{
    char *mark = strrchr(spelling->name, '_');
    struct profile_name ignored;
    if (mark == NULL || mark == spelling->name ||
        profile_name_parse(mark + 1, &ignored, NULL) != 0) {
        return;
    }
    *mark = '\0';
    STR_SET(spelling->board, spelling->name);
    memmove(spelling->name, mark + 1, strlen(mark + 1) + 1);
}

/* White space around it gone; false, and no name, if it is longer than any. */
static bool take_trimmed(struct spelling *spelling, const char *text)
{
    char copy[SPELLING_SIZE];
    bool whole = STR_SET(copy, text);
    (void)STR_SET(spelling->name, whole ? str_trim(copy) : "");
    return whole;
}

struct spelling spelling_of_profile(const char *text)
{
    struct spelling spelling = {.name = ""};
    if (!take_trimmed(&spelling, text)) {
        return spelling;
    }
    (void)take_trimmed(&spelling, skip_all(spelling_behind_key(spelling.name)));
    (void)cut_at(spelling.name, " device ");
    spelling.shared = cut_at(spelling.name, ".shared");
    (void)take_trimmed(&spelling, spelling.name);
    restore_plus(spelling.name);
    split_board(&spelling);
    return spelling;
}

/* "NVIDIA_A10-24Q": a resource's name has no blanks. */
static bool has_underscored_brand(const char *name)
{
    return skip(name, "nvidia_") != NULL || skip(name, "grid_") != NULL;
}

struct spelling spelling_of_type(const char *text)
{
    struct spelling spelling = {.name = ""};
    if (!take_trimmed(&spelling, text)) {
        return spelling;
    }
    (void)take_trimmed(&spelling, spelling_behind_key(spelling.name));
    const char *slash = strrchr(spelling.name, '/');
    bool is_path = spelling.name[0] == '/' && slash != NULL;
    const char *name = skip(spelling.name, "nvidia.com/");
    bool is_resource = name != NULL;
    name = is_path ? slash + 1 : is_resource ? name : spelling.name;
    const char *section = skip(name, "mdev_"); /* of nova.conf: [mdev_nvidia-474] */
    name = section != NULL ? section : name;
    uint32_t id = 0;
    const char *number = skip(name, "nvidia-");
    if (number != NULL && parse_u32(number, &id)) {
        name = number;
    }
    (void)take_trimmed(&spelling, name);
    bool underscored = is_resource || has_underscored_brand(spelling.name);
    for (char *at = spelling.name; underscored && *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    (void)take_trimmed(&spelling, spelling.name);
    return spelling;
}

/* ---- what is neither ---- */

/* A word that begins, or goes on, like this is no name but `what`. */
struct other {
    const char *begins, *has;
    const char *what, *hint;
};

#define GRES_HINT "its Type= names the profile and its Count= how many: 1g.5gb=2"
#define PVE_HINT "its mdev= names the type: nvidia-474"
#define LABEL_HINT "a part of a GPU is a resource there: nvidia.com/mig-1g.5gb"

/* Keys of Slurm's gres.conf, labels that NVIDIA's gpu-feature-discovery and mig-manager give to
 * nodes, labels of mig-parted's default config, Proxmox VE's qm.conf, OpenStack's resource classes.
 */
static const struct other others[] = {
    {"nodename=", NULL, "a line of Slurm's gres.conf", GRES_HINT},
    {"name=", NULL, "a line of Slurm's gres.conf", GRES_HINT},
    {"multiplefiles=", NULL, "a setting of Slurm's gres.conf", GRES_HINT},
    {"file=", NULL, "a setting of Slurm's gres.conf", GRES_HINT},
    {"autodetect=", NULL, "a setting of Slurm's gres.conf", GRES_HINT},
    {"count=", NULL, "a setting of Slurm's gres.conf", GRES_HINT},
    {"cores=", NULL, "a setting of Slurm's gres.conf", GRES_HINT},
    {"nvidia.com/gpu.", NULL, "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/vgpu.", NULL, "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/cuda.", NULL, "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig.", NULL, "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig-", ".count", "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig-", ".product", "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig-", ".replicas", "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig-", ".memory", "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig-", ".slices.", "a label of a Kubernetes node", LABEL_HINT},
    {"nvidia.com/mig-", ".engines.", "a label of a Kubernetes node", LABEL_HINT},
    {"all-", NULL, "a label of a mig-parted file",
     "check the file with -f, or say how many: 1g.5gb=7"},
    {"hostpci", NULL, "a setting of a Proxmox VE guest", PVE_HINT},
    {"mapping=", NULL, "a setting of a Proxmox VE guest", PVE_HINT},
    {"host=", NULL, "a setting of a Proxmox VE guest", PVE_HINT},
    {"pcie=", NULL, "a setting of a Proxmox VE guest", PVE_HINT},
    {"rombar=", NULL, "a setting of a Proxmox VE guest", PVE_HINT},
    {"x-vga=", NULL, "a setting of a Proxmox VE guest", PVE_HINT},
    {"shard:", NULL, "a share of a GPU that jobs of Slurm use in turn, and no part of one",
     "an instance is gpu:1g.5gb"},
    {"resources:", NULL, "an OpenStack resource class",
     "nova.conf's enabled_mdev_types names the types: nvidia-474"},
    {"custom_", NULL, "an OpenStack resource class",
     "nova.conf's enabled_mdev_types names the types: nvidia-474"},
};

static bool has_word(const char *text, const char *word)
{
    for (; *text != '\0'; text++) {
        if (skip(text, word) != NULL) {
            return true;
        }
    }
    return false;
}

static int refuse_address(const char *text, struct error *err)
{
    error_set(err, REASON_INVALID, text, "\"%s\" is the PCI address of a device", text);
    error_hint(err, "name a type or a profile, without where it is to be");
    return -REASON_INVALID;
}

int spelling_refuse(const char *text, struct error *err)
{
    struct pci_addr addr;
    if (pci_addr_parse(text, &addr)) {
        return refuse_address(text, err);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        const struct other *other = &others[i];
        if (skip(text, other->begins) == NULL ||
            (other->has != NULL && !has_word(text, other->has)) ||
            skip(text, "nvidia.com/gpu.shared") != NULL) {
            continue;
        }
        error_set(err, REASON_INVALID, text, "\"%s\" is %s", text, other->what);
        error_hint(err, "%s", other->hint);
        return -REASON_INVALID;
    }
    return 0;
}
