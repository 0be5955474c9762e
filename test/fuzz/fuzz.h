/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz target is one function over bytes. Linked with replay.c it replays a corpus as an ordinary
 * test; built with -Dfuzz=true it is libFuzzer's entry. */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts with the sentence when a property does not hold. */
void fuzz_assert(int holds, const char *sentence);

#endif
