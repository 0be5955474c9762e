/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people and tools write them. Private to the catalog. */
#ifndef CATALOG_FIND_H
#define CATALOG_FIND_H

#include <stdbool.h>

/* Same name: case ignored, ' ' and '_' count as '-'. */
bool cat_same_name(const char *a, const char *b);

#endif
