/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the simulated host's libvirtd only. libvirt raises the limit on locked memory for
 * a VM with an assigned device, because real VFIO pins guest memory; a container without
 * CAP_SYS_RESOURCE may not. Nothing is pinned here, so that refusal is turned into success.
 *
 * Most containers lack dmidecode. libvirt would translate the message about that after fork, and
 * wait forever if another thread changed its locale at the fork: the child ends here instead.
 * LD_PRELOAD reaches hooks and the emulator too, whose other failures are theirs to handle.
 */
/* Both names of the call are defined below, so neither may be renamed. */
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *wanted,
            struct rlimit *ret_old)
{
    long result = syscall(SYS_prlimit64, pid, resource, wanted, ret_old);
    return result < 0 && errno == EPERM && resource == RLIMIT_MEMLOCK ? 0 : (int)result;
}

/* Programs built for 64-bit file offsets call it by this name; on 64-bit machines it is the same.
 */
int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *wanted,
              struct rlimit64 *ret_old)
{
    return prlimit(pid, resource, (const struct rlimit *)wanted, (struct rlimit *)ret_old);
}

extern char **environ;

int execve(const char *program, char *const argv[], char *const envp[])
{
    long result = syscall(SYS_execve, program, argv, envp);
    const char *name = strrchr(program, '/');
    if (errno == ENOENT && name && strcmp(name, "/dmidecode") == 0) {
        _exit(127); /* as libvirt's child does */
    }
    return (int)result;
}

int execv(const char *program, char *const argv[])
{
    return execve(program, argv, environ);
}
