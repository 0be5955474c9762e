/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The models of this host's GPUs: what the catalog knows of each, overlaid by what the driver says
 * of it (model/board.h). The driver's word counts: it has the profiles, places and types of the
 * board that is there and of the driver that is loaded. The catalog fills in what a driver doesn't
 * say, plans where there is no driver, and is compared: where they disagree, one warning names
 * both. What neither knows stays unknown.
 *
 * Owned by who plans; one thread. A model is valid until the next update.
 */
#ifndef PLAN_BOARDS_H
#define PLAN_BOARDS_H

#include "base/error.h"
#include "base/fs.h"
#include "catalog/catalog.h"
#include "model/host.h"

struct boards;

struct boards *boards_new(const struct catalog *catalog);
void boards_free(struct boards *boards);
DEFINE_FREEP(struct boards *, boards_free)

/* Takes what the observed host's driver says. A GPU that is away from its driver now keeps what was
 * said of it, until the driver is loaded again. Appends a sentence to `warnings` for each board of
 * which driver and catalog say different things, once. */
void boards_update(struct boards *boards, const struct host *host, struct strlist *warnings);

/* The model that a GPU is: overlaid, or as the catalog has it when the driver said nothing; NULL
 * when neither knows anything. `boards` may be NULL: then it is the catalog's. */
const struct gpu_model *boards_find(const struct boards *boards, const struct catalog *catalog,
                                    const struct gpu *gpu);

/* Names the types of the host's vGPUs that are known by number only: the kernel lists the names of
 * those that can still be created, which are none on a full GPU. `boards` may be NULL. */
void boards_name_vgpus(const struct boards *boards, const struct catalog *catalog,
                       struct host *host);

/* 0, or -UNSUPPORTED: the catalog's model has a GPU instance profile of that name, and this host's
 * driver doesn't; the hint says which driver does, if that is known. */
int boards_check_profile(const struct boards *boards, const struct gpu *gpu, const char *profile,
                         struct error *err);
/* False: its driver is known to make no vGPU on it. `boards` may be NULL: unknown. */
bool boards_can_vgpu(const struct boards *boards, const struct gpu *gpu);
/* The same as 0 or -UNAVAILABLE; `what` completes "GPU … can't ". */
int boards_check_vgpu(const struct boards *boards, const struct gpu *gpu, const char *what,
                      struct error *err);
/* 0, or -UNAVAILABLE: the driver can make no vGPU; or -UNSUPPORTED: not of this type here. */
int boards_check_type(const struct boards *boards, const struct gpu *gpu,
                      const struct cat_vgpu_type *type, struct error *err);

/* Is there a GPU that carries vGPUs by what the catalog knows, and none for which the driver has a
 * vGPU manager? */
bool boards_lack_vgpu_manager(const struct boards *boards);

/* Is the type one that the driver is known not to offer on that GPU? */
bool boards_lack_type(const struct boards *boards, const struct gpu *gpu,
                      const struct cat_vgpu_type *type);

#endif
