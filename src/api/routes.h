/* SPDX-License-Identifier: Apache-2.0 */
/* Which verb a method and a path are: the table of verbs (service/verb.h) as HTTP sees it. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/target.h"
#include "service/verb.h"

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
/* On ROUTE_FOUND sets verb and name (NULL without a {parameter}); on ROUTE_NO_METHOD sets
 * ret_allow to the Allow header, static text. HEAD is served as GET. */
enum route_found routes_find(const char *method, const struct target *target,
                             const struct verb **ret_verb, const char **ret_name,
                             const char **ret_allow);

#endif
