/* SPDX-License-Identifier: Apache-2.0 */
/* Where a client finds its way: "/" and "/v1" list the paths of the API, and "/openapi.yaml" is its
 * description, as it was when this cleaved was built. */
#ifndef API_INDEX_H
#define API_INDEX_H

#include <stdbool.h>

#include "api/http.h"

/* False: the request is for none of these. Else *ret_response is the answer. */
bool index_answer(const struct http_request *request, struct http_response *ret_response);

#endif
