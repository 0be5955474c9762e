/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up manager moves no VMs. */
#include "fake_manager.h"

static void refuse(manager_reply_fn *reply, void *data)
{
    struct error err = {0};
    error_set(&err, REASON_UNSUPPORTED, "cleaved", "this cleaved can't migrate VMs");
    reply(NULL, &err, data);
}

static void not_found(const char *id, manager_reply_fn *reply, void *data)
{
    struct error err = {0};
    error_set(&err, REASON_NOT_FOUND, SUBJECT("migration", id), "there is no migration \"%s\"", id);
    reply(NULL, &err, data);
}

void manager_migrate_vm(struct manager *m UNUSED, const struct caller *caller UNUSED,
                        const json_t *body UNUSED, bool dry_run UNUSED, manager_reply_fn *reply,
                        void *data)
{
    refuse(reply, data);
}

void manager_list_migrations(struct manager *m UNUSED, manager_reply_fn *reply, void *data)
{
    reply(json_pack("{s:[], s:[]}", "migrations", "incoming"), NULL, data);
}

void manager_get_migration(struct manager *m UNUSED, const char *id, manager_reply_fn *reply,
                           void *data)
{
    not_found(id, reply, data);
}

void manager_cancel_migration(struct manager *m UNUSED, const struct caller *caller UNUSED,
                              const char *id, bool dry_run UNUSED, manager_reply_fn *reply,
                              void *data)
{
    not_found(id, reply, data);
}

void manager_settle_migration(struct manager *m UNUSED, const struct caller *caller UNUSED,
                              const char *id, const json_t *body UNUSED, bool dry_run UNUSED,
                              manager_reply_fn *reply, void *data)
{
    not_found(id, reply, data);
}

void manager_offer_incoming(struct manager *m UNUSED, const struct caller *caller UNUSED,
                            const json_t *body UNUSED, bool dry_run UNUSED, manager_reply_fn *reply,
                            void *data)
{
    refuse(reply, data);
}

void manager_get_incoming(struct manager *m UNUSED, const char *id, manager_reply_fn *reply,
                          void *data)
{
    not_found(id, reply, data);
}

void manager_commit_incoming(struct manager *m UNUSED, const struct caller *caller UNUSED,
                             const char *id, bool dry_run UNUSED, manager_reply_fn *reply,
                             void *data)
{
    not_found(id, reply, data);
}

void manager_abort_incoming(struct manager *m UNUSED, const struct caller *caller UNUSED,
                            const char *id, bool dry_run UNUSED, manager_reply_fn *reply,
                            void *data)
{
    not_found(id, reply, data);
}
