/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/field.h"

#include "base/parse.h"

const struct text_form name_form = {
    .fits = parse_name,
    .complaint = "is no name: letters, digits, '.', '_' and '-', starting with a letter or digit, "
                 "at most 63",
    .or_empty = true};
const struct text_form uuid_form = {.fits = parse_uuid, .complaint = "is no UUID"};
