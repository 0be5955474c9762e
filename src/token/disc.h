/* SPDX-License-Identifier: Apache-2.0 */
/* An ISO 9660 image with a few small files, made in memory. */
#ifndef TOKEN_DISC_H
#define TOKEN_DISC_H

#include <stdint.h>

#include "base/error.h"
#include "token/secret.h"

#define DISC_MAX_FILES 8

struct disc_file {
    const char *name;
    const struct secret *content; /* not empty */
    unsigned mode;
};

/* `label`: of the volume, at most 16 letters (Joliet). `made_us`: realtime, of all files. */
int disc_make(const struct disc_file *files, size_t n, const char *label, uint64_t made_us,
              struct secret *ret_image, struct error *err);

#endif
