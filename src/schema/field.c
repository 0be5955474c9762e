/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/field.h"

#include "base/parse.h"

const struct text_form name_form = {.fits = parse_name,
                                    .complaint =
                                        "is not a name: use up to 63 letters, digits, '.', '_' and "
                                        "'-', starting with a letter or digit",
                                    .or_empty = true};
const struct text_form uuid_form = {.fits = parse_uuid, .complaint = "is not a UUID"};
