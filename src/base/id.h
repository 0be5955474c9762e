/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers from getrandom(2). */
#ifndef BASE_ID_H
#define BASE_ID_H

#define UUID_SIZE 37

/* A version 4 UUID, lower case. */
void id_uuid(char out[UUID_SIZE]);

#endif
