/* SPDX-License-Identifier: Apache-2.0 */
/* Records: small documents by kind and key. Private to src/store. */
#ifndef STORE_SQLITE_RECORD_H
#define STORE_SQLITE_RECORD_H

#include "store/store.h"

int sqlite_put_record(struct store *store, enum record_kind kind, const char *key,
                      const json_t *document, struct error *err);
int sqlite_delete_record(struct store *store, enum record_kind kind, const char *key,
                         struct error *err);
int sqlite_load_records(struct store *store, enum record_kind kind, json_t **ret_documents,
                        struct error *err);

#endif
