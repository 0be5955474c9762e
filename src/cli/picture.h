/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of a GPU in text: who has which memory slices, or which share of the framebuffer. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <jansson.h>

#include "base/str.h"

enum picture_style { PICTURE_UTF8, PICTURE_ASCII };

/* `width` columns at most (0: as wide as it is): a narrow terminal gets the same in words.
 * `gpu` is the API's Gpu, `profiles` its ProfileList for that GPU (NULL: not known; then a type's
 * size is not shown), `claims` its ClaimList (NULL: not known; then only running VMs are named). */
void picture_draw(const json_t *gpu, const json_t *profiles, const json_t *claims,
                  enum picture_style style, size_t width, struct strbuf *out);

#endif
