/* SPDX-License-Identifier: Apache-2.0 */
/* What changed on the host without us: compared between observations, reported as events. */
#include "watch/drift.h"

#include "base/str.h"
#include "state/listeners.h"
#include "state/state.h"
#include "state/txn.h"
#include "watch/looks.h"

static const char *or_none(const char *text)
{
    return text[0] == '\0' ? "none" : text;
}

static size_t count_gis_missing(const struct gpu *from, const struct gpu *in)
{
    size_t n = 0;
    for (vec_each(&from->gis, gi)) {
        const struct gi *other = gpu_find_gi(in, gi->id);
        n += other == NULL || other->start != gi->start || other->profile_id != gi->profile_id;
    }
    return n;
}

static size_t count_vgpus_missing(const struct gpu *from, const struct gpu *in)
{
    size_t n = 0;
    for (vec_each(&from->vgpus, vgpu)) {
        const struct vgpu *other = gpu_find_vgpu(in, vgpu->mdev_uuid, &vgpu->vf);
        bool reborn =
            other != NULL && vgpu->birth != 0 && other->birth != 0 && vgpu->birth != other->birth;
        n += other == NULL || other->type_id != vgpu->type_id || reborn;
    }
    return n;
}

static void append_change(struct strbuf *text, const char *what)
{
    strbuf_addf(text, "%s%s", text->len > 0 ? "; " : "", what);
}

static void say_count(struct strbuf *text, size_t n, const char *what)
{
    if (n > 0) {
        strbuf_addf(text, "%s%zu %s", text->len > 0 ? "; " : "", n, what);
    }
}

/* Functions that go with a GPU that is passed through were bound by someone else. */
static void describe_companions(const struct gpu *was, const struct gpu *is, struct strbuf *text)
{
    char bdf[BDF_SIZE];
    for (vec_each(&is->group_members, now)) {
        for (vec_each(&was->group_members, before)) {
            if (pci_same_slot(&now->addr, &is->addr) &&
                pci_addr_cmp(&now->addr, &before->addr) == 0 &&
                !str_eq(now->driver, before->driver)) {
                strbuf_addf(text, "%s%s in its IOMMU group has driver %s, had %s",
                            text->len > 0 ? "; " : "", pci_addr_format(&now->addr, bdf),
                            or_none(now->driver), or_none(before->driver));
            }
        }
    }
}

/* A vGPU that stays, and whose VM will start with other parameters. */
static void describe_params(const struct gpu *was, const struct gpu *is, struct strbuf *text)
{
    char device[BDF_SIZE];
    for (vec_each(&is->vgpus, now)) {
        const struct vgpu *before = gpu_find_vgpu(was, now->mdev_uuid, &now->vf);
        bool same = before != NULL && before->type_id == now->type_id &&
                    before->birth == now->birth && before->params_known && now->params_known;
        if (same && !str_eq(before->params, now->params)) {
            strbuf_addf(text, "%sparameters of vGPU %s \"%s\", were \"%s\"",
                        text->len > 0 ? "; " : "", device_name(now->mdev_uuid, &now->vf, device),
                        now->params, before->params);
        }
    }
}

static void describe(const struct gpu *was, const struct gpu *is, struct strbuf *text)
{
    if (was->mode != is->mode) {
        strbuf_addf(text, "mode %s, was %s", gpu_mode_name(is->mode), gpu_mode_name(was->mode));
    }
    if (!str_eq(was->driver, is->driver)) {
        strbuf_addf(text, "%sdriver %s, was %s", text->len > 0 ? "; " : "", or_none(is->driver),
                    or_none(was->driver));
    }
    describe_companions(was, is, text);
    if (was->mig_enabled != is->mig_enabled) {
        append_change(text, is->mig_enabled ? "MIG mode was turned on" : "MIG mode was turned off");
    }
    if (was->vfs_enabled != is->vfs_enabled) {
        strbuf_addf(text, "%s%u virtual functions, were %u", text->len > 0 ? "; " : "",
                    is->vfs_enabled, was->vfs_enabled);
    }
    say_count(text, count_gis_missing(was, is), "GPU instances gone");
    say_count(text, count_gis_missing(is, was), "GPU instances new");
    say_count(text, count_vgpus_missing(was, is), "vGPUs gone");
    say_count(text, count_vgpus_missing(is, was), "vGPUs new");
    describe_params(was, is, text);
}

/* True if the GPU works again. */
static bool compare_gpu(struct manager *m, const struct gpu *was, const struct gpu *is)
{
    char bdf[BDF_SIZE];
    char subject[ERROR_SUBJECT_SIZE];
    error_subject("gpu", pci_addr_format(&is->addr, bdf), subject);
    if (!str_eq(was->problem, is->problem)) {
        if (is->problem[0] != '\0') {
            txn_event_alone(m, EVENT_GPU_LOST, subject, "", "%s", is->problem);
        } else {
            txn_event_alone(m, EVENT_GPU_FOUND, subject, "", "works again, after: %s",
                            was->problem);
        }
    }
    if (was->problem[0] != '\0' || is->problem[0] != '\0') {
        return is->problem[0] == '\0'; /* what could not be seen is not known to have changed */
    }
    CLEANUP_STRBUF struct strbuf text = {0};
    describe(was, is, &text);
    if (text.len > 0) {
        txn_event_alone(m, EVENT_GPU_CHANGED, subject, "", "changed by another program: %s",
                        strbuf_str(&text));
    }
    return false;
}

void drift_note_gpus(struct manager *m, struct hardware_look *look)
{
    char bdf[BDF_SIZE];
    const struct host *now = look->now;
    for (vec_each(&m->host->gpus, was)) {
        const struct gpu *is = host_find_gpu_addr(now, &was->addr);
        if (is == NULL && now->pci_problem[0] != '\0') {
            continue; /* it may be there */
        }
        if (is == NULL) {
            txn_event_alone(m, EVENT_GPU_LOST, SUBJECT("gpu", pci_addr_format(&was->addr, bdf)), "",
                            "the GPU is no longer on the PCI bus");
        } else if (!holds_bar(&m->holds, hold_gpu(&was->addr), WANT_GPU_REPORT)) {
            look->works_again = compare_gpu(m, was, is) || look->works_again;
        }
    }
    for (vec_each(&now->gpus, is)) {
        if (host_find_gpu_addr(m->host, &is->addr) == NULL && m->host->pci_problem[0] == '\0') {
            txn_event_alone(m, EVENT_GPU_FOUND, SUBJECT("gpu", pci_addr_format(&is->addr, bdf)), "",
                            "a GPU appeared on the PCI bus");
        }
    }
}
