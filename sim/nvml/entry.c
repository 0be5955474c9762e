/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which exported function a thread is in: requests carry its name, because faults are armed by it.
 * The compiler calls the two hooks below around every function of the library
 * (-finstrument-functions), which saves each of NVML's hundreds of functions from saying its own
 * name.
 */
#include <dlfcn.h>

#include "sim/rpc/client.h"

#define PLAIN __attribute__((no_instrument_function))

static __thread struct {
    unsigned depth;
    void *outermost;
    void *named; /* what `name` belongs to */
    const char *name;
} entry;

void __cyg_profile_func_enter(void *function, void *call_site);
void __cyg_profile_func_exit(void *function, void *call_site);

PLAIN void __cyg_profile_func_enter(void *function, void *call_site)
{
    (void)call_site;
    if (entry.depth++ == 0) {
        entry.outermost = function;
    }
}

PLAIN void __cyg_profile_func_exit(void *function, void *call_site)
{
    (void)function;
    (void)call_site;
    entry.depth--;
}

PLAIN static const char *function_name(void)
{
    if (entry.named != entry.outermost) {
        Dl_info info = {0};
        entry.named = entry.outermost;
        entry.name = dladdr(entry.outermost, &info) != 0 ? info.dli_sname : NULL;
    }
    return entry.name;
}

PLAIN __attribute__((constructor)) static void tell_the_client(void)
{
    rpc_function_name = function_name;
}
