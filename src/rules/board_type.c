/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/board_type.h"

#include "base/str.h"

const struct board_type *board_type_of(const struct rule_facts *f)
{
    for (size_t i = 0; f->gpu != NULL && f->type != NULL && i < f->gpu->board.types.n; i++) {
        const struct board_type *type = &f->gpu->board.types.items[i];
        if (type->type_id == f->type->type_id || str_ends(type->name, f->type->name)) {
            return type;
        }
    }
    return NULL;
}
