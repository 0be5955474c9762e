/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the headers it needs before it, in the one order that works. */
#ifndef TEST_LIB_TEST_H
#define TEST_LIB_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
