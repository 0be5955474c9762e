/* SPDX-License-Identifier: Apache-2.0 */
/* Facts and checks of a migration. Schemas MigrationFacts and MigrationCheck in openapi.yaml. */
#include "model/check.h"

#define FACT_FIELD(sym, name, text)                                                                \
    FIELD_TEXT(struct migration_facts, values[FACT_##sym], name, FACE_ALL),
static const struct field facts_fields[] = {MIGRATION_FACT_MAP(FACT_FIELD)};
#undef FACT_FIELD
const struct schema migration_facts_schema = SCHEMA(migration_facts, facts_fields);

static const struct field check_fields[] = {
    FIELD_STRING(struct check, rule, "rule", FACE_KEPT),
    FIELD_TEXT(struct check, claim, "claim", FACE_KEPT),
    FIELD_WORD(struct check, result, "result", check_result, FACE_KEPT, .required = true),
    FIELD_TEXT(struct check, source, "source", FACE_KEPT),
    FIELD_TEXT(struct check, target, "target", FACE_KEPT),
    FIELD_TEXT(struct check, message, "message", FACE_KEPT),
    FIELD_TEXT(struct check, hint, "hint", FACE_KEPT),
    FIELD_TEXT(struct check, document, "document", FACE_KEPT),
};
const struct schema check_schema = SCHEMA(check, check_fields);
