/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters that no eye sees and that change what it sees: two names that look the same differ by
 * one of zero width, and one that turns the direction makes a line say something else (Unicode
 * Technical Report 36, "Visual Security Issues").
 */
#ifndef BASE_UNSEEN_H
#define BASE_UNSEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is the code point one of them? The general categories Cf, Zl and Zp, and what the property
 * Default_Ignorable_Code_Point has: Unicode 15, UnicodeData.txt and DerivedCoreProperties.txt. */
bool unseen_is(uint32_t code);
/* The first and last code point of the range at `index`, or false behind the last range. */
bool unseen_range(size_t index, uint32_t *ret_first, uint32_t *ret_last);

#endif
