/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void gpu_list(const struct call *call)
{
    manager_list_gpus(call->manager, call->reply, call->data);
}

void gpu_get(const struct call *call)
{
    manager_get_gpu(call->manager, call->name, call->reply, call->data);
}

void gpu_set_mode(const struct call *call)
{
    manager_set_gpu_mode(call->manager, &call->caller, call->name, call->body, call->dry_run,
                         call->reply, call->data);
}

void gpu_set_scheduler(const struct call *call)
{
    manager_set_gpu_scheduler(call->manager, &call->caller, call->name, call->body, call->dry_run,
                              call->reply, call->data);
}

void gpu_cordon(const struct call *call)
{
    manager_cordon_gpu(call->manager, &call->caller, call->name, call->body, call->dry_run,
                       call->reply, call->data);
}

void gpu_uncordon(const struct call *call)
{
    manager_uncordon_gpu(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                         call->data);
}

void gpu_recover(const struct call *call)
{
    manager_recover_gpu(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                        call->data);
}

void profile_list(const struct call *call)
{
    manager_list_profiles(call->manager, call->gpu, call->reply, call->data);
}
