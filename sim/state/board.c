/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/board.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sim/state/state.h"

#define MAX_TEXT 255
#define DRIVER "580.105.08"
#define KERNEL_VENDOR_VFIO "6.8.0-60-generic"
#define KERNEL_MDEV "5.15.0-113-generic"
#define GPUS_PER_DOMAIN 15 /* buses 11, 21, … f1 leave room for every VF */

struct list {
    json_t *gpus;
    bool sriov;
};

static int add_boards(struct list *list, const struct gpu_model *model, uint32_t n,
                      const char *text, struct error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        size_t at = json_array_size(list->gpus);
        if (at == SIM_MAX_GPUS) {
            return error_set(err, REASON_INVALID, text, "a host has at most %d GPUs", SIM_MAX_GPUS);
        }
        char bdf[32];
        snprintf(bdf, sizeof(bdf), "%04zx:%02zx:00.0", at / GPUS_PER_DOMAIN,
                 0x11 + 0x10 * (at % GPUS_PER_DOMAIN));
        json_array_append_new(list->gpus, json_pack("{s:s, s:s}", "board", model->key, "bdf", bdf));
    }
    list->sriov = list->sriov || model->sriov != CAT_NO;
    return 0;
}

/* "l40s" or "l40s*2". */
static int add_word(struct list *list, char *word, const struct catalog *catalog, const char *text,
                    struct error *err)
{
    uint32_t n = 1;
    char *star = strchr(word, '*');
    if (star != NULL) {
        *star = '\0';
        if (!parse_u32(star + 1, &n) || n == 0) {
            return error_set(err, REASON_INVALID, text, "\"%s\" is not a number of boards",
                             star + 1);
        }
    }
    const struct gpu_model *model = NULL;
    int result = catalog_find(catalog, word, &model, err);
    return result < 0 ? result : add_boards(list, model, n, text, err);
}

/* Half of them on each socket. */
static void spread(json_t *gpus)
{
    size_t n = json_array_size(gpus);
    for (size_t i = 0; i < n; i++) {
        json_object_set_new(json_array_get(gpus, i), "numa_node",
                            json_integer(n > 1 && i >= n / 2 ? 1 : 0));
    }
}

int sim_board_document(const char *text, const struct catalog *catalog, json_t **ret_document,
                       struct error *err)
{
    char words[MAX_TEXT + 1];
    CLEANUP_JSON json_t *gpus = json_array();
    struct list list = {.gpus = gpus};
    if (!STR_SET(words, text + strlen(SIM_BOARD_PREFIX)) || words[0] == '\0') {
        return error_set(err, REASON_INVALID, text, "is not like board:l40s*2,t4");
    }
    char *rest = NULL;
    for (char *word = strtok_r(words, ",", &rest); word != NULL;
         word = strtok_r(NULL, ",", &rest)) {
        int result = add_word(&list, word, catalog, text, err);
        if (result < 0) {
            return result;
        }
    }
    spread(gpus);
    *ret_document =
        json_pack("{s:s, s:s, s:s, s:O}", "name", "gpu-host", "driver", DRIVER, "kernel",
                  list.sriov ? KERNEL_VENDOR_VFIO : KERNEL_MDEV, "gpus", gpus);
    return 0;
}
