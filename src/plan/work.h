/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GPU's part of a plan: the claims that stay, go and come, and the steps that follow. Private
 * to src/plan. Each work_<mode>() fills `steps` and the assignments of `added`, or says why not.
 */
#ifndef PLAN_WORK_H
#define PLAN_WORK_H

#include "layout/layout.h"
#include "plan/admit.h"

#define WORK_MAX_CLAIMS 64

struct gpu_work {
    const struct planner *planner;
    const struct plan_request *request;
    const struct policy *policy; /* of the request */
    const struct gpu *gpu;
    char bdf[BDF_SIZE]; /* its address, and what errors about it are about */
    char subject[ERROR_SUBJECT_SIZE];
    const struct gpu_model *model; /* NULL: not catalogued */
    const struct claim *kept[WORK_MAX_CLAIMS];
    size_t n_kept;
    const struct claim *gone[WORK_MAX_CLAIMS];
    size_t n_gone;
    struct admitted added[WORK_MAX_CLAIMS];
    /* Per added: the stored claim, one of `gone` of this GPU or another, that is given another
     * place; NULL: a new one. */
    const struct claim *moved[WORK_MAX_CLAIMS];
    size_t n_added;
    bool whole;       /* passed through though no claim says so: by hand, or again after a boot */
    bool by_hand;     /* the GPU whose mode is changed by hand */
    enum gpu_mode to; /* then: the mode */
    struct gpu_work *all; /* of all GPUs of the host, this one among them */
    size_t n_all;
    /* Results of the last work_solve(): */
    VEC(struct step) steps;
    struct assignment assigned[WORK_MAX_CLAIMS]; /* per added */
    VEC(struct plan_instance) instances;
    VEC(struct plan_left) left;
};

/* All GPUs of the host, in its order. */
struct works {
    struct gpu_work *items;
    size_t n;
};

/* The works with what stays and what goes by the request, and nothing that comes yet. works_done()
 * frees. */
int works_init(struct works *works, const struct planner *planner,
               const struct plan_request *request, struct error *err);
void works_done(struct works *works);

/* One GPU's alone, with no claims; works_init() makes those of all. work_done() frees. */
void work_init(struct gpu_work *work, const struct planner *planner, enum plan_purpose purpose,
               const struct gpu *gpu);
void work_done(struct gpu_work *work);
/* The largest vGPU goes last, so that an undo, in reverse, makes it first: the driver, not cleave,
 * picks the instance of a vGPU, and a small one could take the only place of a large one. */
void work_sort_gone(struct gpu_work *work);
/* Is the claim, one of `gone`, given another place? */
bool work_is_moved(const struct gpu_work *work, const struct claim *gone);
/* Takes a claim out of a list. */
void work_take_out(const struct claim **list, size_t *n, const struct claim *claim);

/* Helpers that the parts share. */
struct step *work_step(struct gpu_work *work, enum step_kind kind);
bool work_has_step(const struct gpu_work *work, enum step_kind kind);
/* The type of an observed vGPU: by name, by number (the kernel offers no names once every virtual
 * function is taken), or as the claim that holds it says; NULL unknown. */
const struct cat_vgpu_type *work_type_of(const struct gpu_work *work, const struct vgpu *vgpu);
/* How many staying claims have a vGPU on the instance, and its type. mdev doesn't tell the instance
 * of a vGPU, so the claims' word counts next to what is observed. */
uint32_t work_claims_on(const struct gpu_work *work, const struct gi *gi,
                        const struct cat_vgpu_type **ret_type);
/* Is the device (VF or mdev) one that a leaving claim holds? */
bool work_vgpu_is_released(const struct gpu_work *work, const struct vgpu *vgpu);
/* The same of a staying claim. */
bool work_stays(const struct gpu_work *work, const struct vgpu *vgpu);
/* Is the vGPU another tool's: no claim's that stays or goes? */
bool work_is_foreign(const struct gpu_work *work, const struct vgpu *vgpu);
/* Is the instance the claim's, on the claim's GPU? */
bool work_stands_on(const struct claim *claim, const struct gi *gi);
/* A VM whose definition has the device though no leaving claim put it there; NULL if none has. */
const struct vm *work_defined_in(const struct gpu_work *work, const struct pci_addr *device);
/* Says that a VM has the whole GPU in its definition; -REASON_CONFLICT. */
int work_refuse_defined(const struct gpu_work *work, const struct vm *vm, struct error *err);
/* Destroys what instances are left, then virtual functions and MIG mode; the guard was asked. */
void work_to_idle(struct gpu_work *work);
/* A step about a GPU instance, with its CI_* or GI_* kind. */
struct step *work_gi_step(struct gpu_work *work, enum step_kind kind, const char *profile,
                          uint32_t profile_id, uint32_t start, uint32_t size);
/* Tells the reader what becomes of an instance: "kept", "created", "destroyed". */
void work_report_instance(struct gpu_work *work, const char *profile, uint32_t start, uint32_t size,
                          const char *what);
/* The driver's own number for a type, as it offers it now; else the catalog's, or NO_ID. */
uint32_t work_type_id(const struct gpu *gpu, const struct cat_vgpu_type *type);
/* Of a refusal by layout the hint is about all that the GPU would carry together, kept claims among
 * it; what comes nearest to one claim is nearby_tell()'s to say. */
void work_drop_layout_hint(int result, struct error *err);

#endif
