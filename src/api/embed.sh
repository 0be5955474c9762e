#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes a file as an array in C, for the compilers have no #embed yet.
# Usage: embed.sh NAME FILE
set -eu
echo "/* SPDX-License-Identifier: Apache-2.0 */"
echo "extern const char $1[];"
echo "const char $1[] = {"
od -An -v -tu1 "$2" | sed 's/ *\([0-9][0-9]*\)/(char)\1,/g'
echo "0};"
