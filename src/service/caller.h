/* SPDX-License-Identifier: Apache-2.0 */
/* The caller that passes the door, and its roles. */
#ifndef SERVICE_CALLER_H
#define SERVICE_CALLER_H

#include "model/host.h"

/* Bits of a set. A verb's row names the one that it takes to call it. */
enum role {
    ROLE_VIEWER = 1 << 0,   /* sees all, changes nothing */
    ROLE_TENANT = 1 << 1,   /* claims and VMs */
    ROLE_OPERATOR = 1 << 2, /* GPUs, the host, migrations */
    ROLE_ADMIN = 1 << 3,    /* speaks for another cleaved */
    ROLE_ROOT = 1 << 4, /* the kernel says so: libvirt's hook, addresses that only root may name */
};

/* All who may connect have every role but root's: there are no identities yet. */
#define ROLES_CONNECTED (ROLE_VIEWER | ROLE_TENANT | ROLE_OPERATOR | ROLE_ADMIN)
#define ROLES_ALL (ROLES_CONNECTED | ROLE_ROOT)

struct caller {
    char author[NAME_SIZE]; /* of what is stored, for the reader */
    char tenant[NAME_SIZE]; /* "": of no tenant */
    unsigned roles;         /* set of enum role */
};

static inline bool caller_is_root(const struct caller *caller)
{
    return (caller->roles & ROLE_ROOT) != 0;
}

#endif
