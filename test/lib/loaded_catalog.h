/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog, loaded once for a group of tests: load_catalog() and unload_catalog() are the
 * group's setup and teardown. */
#ifndef TEST_LIB_LOADED_CATALOG_H
#define TEST_LIB_LOADED_CATALOG_H

#include "catalog/catalog.h"
#include "test.h"

static struct catalog *catalog;

static inline int load_catalog(void **state)
{
    (void)state;
    struct error err = {0};
    if (catalog_load_default(&catalog, &err) != 0) {
        print_error("%s: %s\n", err.subject, err.message);
        return -1;
    }
    return 0;
}

static inline int unload_catalog(void **state)
{
    (void)state;
    catalog_free(catalog);
    return 0;
}

#endif
