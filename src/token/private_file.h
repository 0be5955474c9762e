/* SPDX-License-Identifier: Apache-2.0 */
/* Files that their owner alone may read, written whole or not at all. */
#ifndef TOKEN_PRIVATE_FILE_H
#define TOKEN_PRIVATE_FILE_H

#include "base/error.h"
#include "token/secret.h"

enum private_file_mode { PRIVATE_FILE_NEW, PRIVATE_FILE_REPLACE };

/* The file has mode 0600. NEW: -CONFLICT if something is there already. REPLACE: a file that is
 * there is replaced; what is no file, such as a symbolic link, is refused, not followed. After a
 * failure nothing of it is left on the disk. */
int private_file_write(const char *path, const struct secret *content, enum private_file_mode mode,
                       struct error *err);

#endif
