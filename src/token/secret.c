/* SPDX-License-Identifier: Apache-2.0 */
#include "token/secret.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void secret_init(struct secret *secret, size_t size)
{
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        fputs("cleave: out of memory\n", stderr);
        abort();
    }
    (void)madvise(map, size, MADV_DONTDUMP);
    (void)madvise(map, size, MADV_DONTFORK);
    (void)mlock(map, size); /* a limit may forbid it */
    *secret = (struct secret){.bytes = map, .size = size};
}

void secret_done(struct secret *secret)
{
    if (secret->bytes != NULL) {
        explicit_bzero(secret->bytes, secret->size);
        (void)munmap(secret->bytes, secret->size);
    }
    *secret = (struct secret){0};
}

void secret_add(struct secret *secret, const char *bytes, size_t len)
{
    assert(secret->len + len < secret->size);
    memcpy(secret->bytes + secret->len, bytes, len);
    secret->len += len;
}

void secret_add_text(struct secret *secret, const char *text)
{
    secret_add(secret, text, strlen(text));
}

void secret_protect_process(void)
{
    const struct rlimit none = {0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files' sizes is a failed write, and no crash */
}
