/* SPDX-License-Identifier: Apache-2.0 */
/* Replays every file of the folders given, and each file cut off at every byte, through one target.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "fuzz.h"

#define CORPUS_MAX_BYTES (256 * 1024)
#define CUT_MAX_BYTES 4096

static int replay(const char *path)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int result = fs_read(path, CORPUS_MAX_BYTES, &text, &len);
    if (result != 0) {
        fprintf(stderr, "can't read %s\n", path);
        return 1;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)text, len);
    for (size_t cut = 0; cut < len && cut < CUT_MAX_BYTES; cut++) {
        /* A copy of exactly that size, so that a sanitizer sees a read past the end. */
        CLEANUP_FREE char *part = xcalloc(cut + 1, 1);
        __builtin_memcpy(part, text, cut);
        LLVMFuzzerTestOneInput((const uint8_t *)part, cut);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int files = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        CLEANUP_STRLIST struct strlist names = {0};
        if (fs_list(argv[i], &names) != 0) {
            fprintf(stderr, "can't list %s\n", argv[i]);
            return 1;
        }
        for (size_t k = 0; k < names.n; k++) {
            CLEANUP_FREE char *path = xasprintf("%s/%s", argv[i], names.items[k]);
            failed += replay(path);
            files++;
        }
    }
    printf("1..1\n%s 1 - %d corpus files, each also cut off at every byte\n",
           failed == 0 && files > 0 ? "ok" : "not ok", files);
    return failed == 0 && files > 0 ? 0 : 1;
}
