/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that aborts when memory is out; sizes from outside are bounded before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdlib.h>

#include "base/attr.h"

void *xcalloc(size_t count, size_t size);
void *xrealloc_array(void *ptr, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
char *xasprintf(const char *fmt, ...) PRINTF_ATTR(1, 2);

static inline void freep(void *ptr_to_ptr)
{
    free(*(void **)ptr_to_ptr);
    *(void **)ptr_to_ptr = NULL;
}

#define CLEANUP_FREE CLEANUP(freep)

#endif
