/* SPDX-License-Identifier: Apache-2.0 */
/* Files of other tools that people take for a config: named, with what to do instead. */
#ifndef IMPORT_OTHER_FILE_H
#define IMPORT_OTHER_FILE_H

#include "base/json.h"

/* -INVALID if the document, which has no config, is known; else 0. */
int other_document_refuse(const json_t *document, const char *origin, struct error *err);
/* The same for a text that is no config and, mostly, no YAML. */
int other_text_refuse(const char *text, const char *origin, struct error *err);

#endif
