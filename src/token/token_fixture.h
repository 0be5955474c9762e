/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for tests: of the form that NVIDIA's have, with claims that a test chooses. */
#ifndef TOKEN_TOKEN_FIXTURE_H
#define TOKEN_TOKEN_FIXTURE_H

#define FIXTURE_HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\"}"
#define FIXTURE_SIGNATURE "c2lnbmF0dXJlLW1hcmtlci0x"

/* header.claims.signature, the first two encoded, the third as it is; the caller frees. */
char *token_fixture(const char *header, const char *claims, const char *signature);

#endif
