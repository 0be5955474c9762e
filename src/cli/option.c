/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include "base/str.h"

int option_take_once(const char *option, const char *given, const char **value, struct error *err)
{
    if (*value != NULL && !str_eq(*value, given)) {
        error_set(err, REASON_INVALID, "", "option %s is given twice: \"%s\" and \"%s\"", option,
                  *value, given);
        error_hint(err, "give the option once, or run the command once for each value");
        return -REASON_INVALID;
    }
    *value = given;
    return 0;
}
