/* SPDX-License-Identifier: Apache-2.0 */
/* Strict number and identifier readers: the whole text must match, ranges are checked. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 to 15, or -1. */
int parse_hex_digit(char c);
/* Decimal without sign or leading blanks. */
bool parse_u32(const char *text, uint32_t *ret_value);
bool parse_u64(const char *text, uint64_t *ret_value);
/* "0x20B5", "0x10de"; the prefix is required. */
bool parse_hex32(const char *text, uint32_t *ret_value);
/* "26b9" as sysfs prints ids after 0x, or with it; at most 8 digits. */
bool parse_hex32_bare(const char *text, uint32_t *ret_value);
/* Lower-case xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx. */
bool parse_uuid(const char *text);
/* [A-Za-z0-9][A-Za-z0-9._-]*, at most 63 bytes: names of claims, tenants, sites. */
bool parse_name(const char *text);
/* The same with another limit: names that cleave gives VMs. */
bool parse_long_name(const char *text, size_t max_len);

#endif
