/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP statuses that the server itself answers with, and the phrase of any status. */
#ifndef API_HTTP_STATUS_H
#define API_HTTP_STATUS_H

enum http_status {
    HTTP_BAD_REQUEST = 400,
    HTTP_REQUEST_TIMEOUT = 408,
    HTTP_CONTENT_TOO_LARGE = 413,
    HTTP_URI_TOO_LONG = 414,
    HTTP_UNSUPPORTED_MEDIA_TYPE = 415,
    HTTP_EXPECTATION_FAILED = 417,
    HTTP_HEAD_TOO_LARGE = 431,
    HTTP_NOT_IMPLEMENTED = 501,
    HTTP_SERVICE_UNAVAILABLE = 503,
    HTTP_VERSION_NOT_SUPPORTED = 505,
};

/* "Not Found" of 404; "" for one that is not known here (RFC 9112, 4: a phrase may be empty). */
const char *http_status_phrase(int status);

#endif
