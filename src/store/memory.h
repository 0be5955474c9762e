/* SPDX-License-Identifier: Apache-2.0 */
/* A store that forgets at exit: for tests, and for a daemon set to keep nothing. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/store.h"

struct store *memory_store_new(void);

#endif
