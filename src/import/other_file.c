/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes' device plugin (NVIDIA/k8s-device-plugin, config file), mig-parted's hooks and
 * clients, KubeVirt's and Harvester's resources, Slurm's gres.conf, OpenStack's nova.conf and
 * Proxmox VE's qm.conf, by what each of their manuals has at a line's beginning.
 */
#include "import/other_file.h"

#include <strings.h>

#include "base/attr.h"
#include "base/str.h"
#include "import/unwrap.h"

struct mark {
    const char *mark; /* a key at the top, a kind, or the beginning of a line */
    const char *what, *hint;
};

#define IN_MIG_PARTED "instances are in the mig-configs of mig-parted"

static const struct mark keys[] = {
    {"sharing", "a config of Kubernetes' device plugin: containers share a device in turn",
     IN_MIG_PARTED},
    {"flags", "a config of Kubernetes' device plugin, without instances or vGPUs", IN_MIG_PARTED},
    {"hooks", "a file of hooks for mig-parted, without configs", IN_MIG_PARTED},
    {"systemd-services", "a list of services for mig-parted to stop, without configs",
     IN_MIG_PARTED},
    {"claims", "a site", "`cleave apply -f FILE --dry-run` checks it"},
};

static const struct mark kinds[] = {
    {"ConfigMap", NULL, "a ConfigMap has them as text in a key of its data"},
    {"KubeVirt", NULL, "its mdevNameSelector names a type: check that by --vgpu TYPE=COUNT"},
    {"HyperConverged", NULL, "its mdevNameSelector names a type: check that by --vgpu TYPE=COUNT"},
    {"VGPUDevice", NULL, "its vGPUTypeName names a type: check that by --vgpu TYPE=COUNT"},
    {"MigConfiguration", NULL, "its profileSpec names profiles: check those as PROFILE=COUNT"},
};

/* A word at the beginning of a line in a ConfigMap's text. */
static const struct mark in_maps[] = {
    {"mig-devices:", "has entries without mig-configs and a label above them",
     "write version: v1, then mig-configs: and a label"},
    {"vgpu-devices:", "has entries without vgpu-configs and a label above them",
     "write version: v1, then vgpu-configs: and a label"},
    {"sharing:", "is a config of Kubernetes' device plugin", IN_MIG_PARTED},
    {"systemd-services:", "is a list of services for mig-parted to stop", IN_MIG_PARTED},
};

static const struct mark lines[] = {
    {"[devices]", "OpenStack's nova.conf", "check its types: --vgpu nvidia-35=COUNT"},
    {"enabled_mdev_types", "OpenStack's nova.conf", "check its types: --vgpu nvidia-35=COUNT"},
    {"enabled_vgpu_types", "OpenStack's nova.conf", "check its types: --vgpu nvidia-35=COUNT"},
    {"AutoDetect=", "Slurm's gres.conf", "check its Type= and Count=: 1g.5gb=COUNT"},
    {"NodeName=", "Slurm's gres.conf", "check its Type= and Count=: 1g.5gb=COUNT"},
    {"Name=gpu", "Slurm's gres.conf", "check its Type= and Count=: 1g.5gb=COUNT"},
    {"hostpci", "Proxmox VE's file of a guest", "check the type of its mdev=: --vgpu nvidia-47"},
};

static int refuse(const struct mark *mark, const char *origin, struct error *err)
{
    error_set(err, REASON_INVALID, origin, "this is %s", mark->what);
    error_hint(err, "%s", mark->hint);
    return -REASON_INVALID;
}

/* The first mark that begins a line of the text; NULL if there is none. */
static const struct mark *find_line(const char *text, const struct mark *marks, size_t n)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n");
        for (size_t i = 0; i < n; i++) {
            if (strncasecmp(line, marks[i].mark, strlen(marks[i].mark)) == 0) {
                return &marks[i];
            }
        }
    }
    return NULL;
}

/* What a ConfigMap's text is, where it is known; else 0. */
static int refuse_map(const json_t *document, const char *origin, struct error *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(json_object_get(document, "data"), key, value)
    {
        const char *text = json_string_value(value);
        const struct mark *mark =
            text != NULL ? find_line(text, in_maps, ARRAY_SIZE(in_maps)) : NULL;
        if (mark != NULL && str_is_clean(key)) {
            error_set(err, REASON_INVALID, origin, "data.%.64s %s", key, mark->what);
            error_hint(err, "%s", mark->hint);
            return -REASON_INVALID;
        }
    }
    return 0;
}

int other_document_refuse(const json_t *document, const char *origin, struct error *err)
{
    const char *kind = unwrap_kind(document);
    for (size_t i = 0; kind == NULL && i < ARRAY_SIZE(keys); i++) {
        if (json_object_get(document, keys[i].mark) != NULL) {
            return refuse(&keys[i], origin, err);
        }
    }
    if (kind == NULL) {
        return 0;
    }
    int r = str_eq(kind, "ConfigMap") ? refuse_map(document, origin, err) : 0;
    if (r != 0) {
        return r;
    }
    error_set(err, REASON_INVALID, origin,
              "a Kubernetes %s without mig-configs or vgpu-configs in it", kind);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (str_eq(kinds[i].mark, kind)) {
            error_hint(err, "%s", kinds[i].hint);
        }
    }
    return -REASON_INVALID;
}

int other_text_refuse(const char *text, const char *origin, struct error *err)
{
    const struct mark *mark = find_line(text, lines, ARRAY_SIZE(lines));
    return mark != NULL ? refuse(mark, origin, err) : 0;
}
