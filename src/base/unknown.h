/* SPDX-License-Identifier: Apache-2.0 */
/* Values for what is not known, where 0 and false would say something. */
#ifndef BASE_UNKNOWN_H
#define BASE_UNKNOWN_H

#include <stdint.h>

/* No number: of an id, a place, a size. */
#define NO_ID UINT32_MAX

enum tristate { TRI_UNKNOWN, TRI_NO, TRI_YES };

#endif
