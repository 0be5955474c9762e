/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what cleave made. Loop thread only. */
#ifndef STATE_MADE_RECORD_H
#define STATE_MADE_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

struct draft;
struct manager;

/* Once, from the journal of a cleaved that kept no record of it. */
void made_record_fill(struct manager *m);
/* With the first plan of a store comes the mark that the record is whole. True: it is put. */
bool made_record_mark(const struct manager *m, struct draft *draft);
/* -INTERNAL: the document is no such mark. */
int made_record_check_mark(const json_t *document, struct error *err);
/* A reboot took it all. */
void made_record_forget(struct draft *draft);

#endif
