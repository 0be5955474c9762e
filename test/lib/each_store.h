/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tests that run over a store in memory and over SQLite's. The fixture of the tests has
 * setup_memory(), setup_sqlite() and teardown(). */
#ifndef TEST_LIB_EACH_STORE_H
#define TEST_LIB_EACH_STORE_H

#define OVER(test, impl)                                                                           \
    {.name = #test " (" #impl ")",                                                                 \
     .test_func = test,                                                                            \
     .setup_func = setup_##impl,                                                                   \
     .teardown_func = teardown}
#define OVER_BOTH(test) OVER(test, memory), OVER(test, sqlite)

#endif
