/* SPDX-License-Identifier: Apache-2.0 */
/* Options that say what a VM needs. A command has them by NEED_OPTIONS in its table; it reads those
 * that it has, so a table may also name some of them itself. */
#ifndef CLI_NEED_OPTIONS_H
#define CLI_NEED_OPTIONS_H

#include "cli/command.h"
#include "model/need.h"

/* clang-format off */
#define NEED_OPTIONS                                                                               \
    {"memory", 0, "SIZE", "at least this much framebuffer, such as 20G"},                          \
    {"usable", 0, NULL, "the memory is what the guest sees, not a type's size"},                   \
    {"compute", 0, "SHARE", "at least this share of one GPU, such as 25%"},                        \
    {"isolation", 0, "KIND", "none, memory (and faults), or hardware (compute, too)"},             \
    {"boundary", 0, "KIND", "between single VMs (vm) or groups of them (group)"},                  \
    {"predictable", 0, NULL, "other VMs must not change how fast it is"},                          \
    {"graphics", 0, NULL, "a display, or a graphics API"},                                         \
    {"live-migration", 0, NULL, "it must move while it runs"},                                     \
    {"unified-memory", 0, NULL, "CUDA unified memory"},                                            \
    {"gpus", 0, "N", "so many GPUs in one VM"},                                                    \
    {"peer-traffic", 0, NULL, "several GPUs in one VM exchange data"},                             \
    {"scheduler", 0, "POLICY", "best-effort, equal-share or fixed-share"},                         \
    {"licences", 0, "LIST", "products that you have: any (default), none, vPC,vWS,vApps,nvaie"},   \
    {"for", 0, "WHAT", "vm (default), or host: a process on the host"}
/* clang-format on */

/* Whether one of them is given that only a need has. */
bool need_options_given(const struct arguments *arguments);
/* -INVALID with the option that is wrong. */
int need_options_read(const struct arguments *arguments, struct need *ret_need, struct error *err);
/* -INVALID where two of them can't both be meant, with both. */
int need_options_check(const struct need *need, struct error *err);

#endif
