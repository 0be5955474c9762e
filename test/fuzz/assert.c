/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

void fuzz_assert(int holds, const char *sentence)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", sentence);
        abort();
    }
}
