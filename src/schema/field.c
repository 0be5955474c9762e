/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/field.h"

#include "base/parse.h"

const struct text_form name_form = {
    parse_name, "is no name: letters, digits, '.', '_' and '-', starting with a letter or digit, "
                "at most 63"};
const struct text_form uuid_form = {parse_uuid, "is no UUID"};
