/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of settings says, as documents: the manual pages and an example of the file. */
#ifndef DAEMON_SETTINGS_DOCS_H
#define DAEMON_SETTINGS_DOCS_H

#include "base/str.h"

/* cleaved(8) and cleaved.yaml(5), in roff. */
void settings_docs_daemon(struct strbuf *out);
void settings_docs_file(struct strbuf *out);
/* A file in which each setting stands as a comment, with its default. */
void settings_docs_example(struct strbuf *out);

#endif
