/* SPDX-License-Identifier: Apache-2.0 */
#include "model/seen_boards.h"

#include "base/json.h"
#include "base/str.h"
#include "model/decode.h"
#include "model/encode.h"

#define MAX_SEEN_BOARDS 1024

void seen_boards_done(struct seen_boards *seen)
{
    vec_done(seen);
}

static struct seen_board *find_uuid(struct seen_boards *seen, const char *uuid)
{
    for (vec_each(seen, board)) {
        if (str_eq_case(board->uuid, uuid)) {
            return board;
        }
    }
    return NULL;
}

static bool is_kind(const struct seen_board *board, const struct gpu *gpu)
{
    return board->pci_id == gpu->pci_id && board->pci_subsystem_id == gpu->pci_subsystem_id;
}

/* ---- a new boot ---- */

/* Boards that the last boot did not show are known only by the claims that have them. */
static void begin_boot(struct seen_boards *seen, const char *boot_id, const struct claims *claims)
{
    for (size_t i = seen->n; i > 0; i--) {
        if (!seen->items[i - 1].now) {
            vec_remove(seen, i - 1);
        }
    }
    for (vec_each(seen, board)) {
        board->now = false;
    }
    for (vec_each(claims, claim)) {
        const struct assignment *got = &claim->got;
        if (claim_holds(claim) && got->gpu_uuid[0] != '\0' &&
            find_uuid(seen, got->gpu_uuid) == NULL && seen->n < MAX_SEEN_BOARDS) {
            struct seen_board *board = vec_push(seen);
            *board = (struct seen_board){.addr = got->gpu, .pci_id = NO_ID};
            STR_SET(board->uuid, got->gpu_uuid);
        }
    }
    STR_SET(seen->boot_id, boot_id);
    seen->moved = false;
}

/* ---- one look ---- */

/* What is at the address is not the board, or the address is no longer there. */
static bool has_left(const struct seen_board *board, const struct host *host)
{
    const struct gpu *gpu = host_find_gpu_addr(host, &board->addr);
    if (gpu == NULL) {
        return host->pci_problem[0] == '\0';
    }
    return (board->pci_id != NO_ID && !is_kind(board, gpu)) ||
           (gpu->uuid[0] != '\0' && !str_eq_case(gpu->uuid, board->uuid));
}

/* A board that left its address within a boot is known no more: another may come there. */
static bool note_left(struct seen_boards *seen, const struct host *host)
{
    bool changed = false;
    for (size_t i = seen->n; i > 0; i--) {
        struct seen_board *board = &seen->items[i - 1];
        if (!has_left(board, host)) {
            continue;
        }
        if (board->now) {
            vec_remove(seen, i - 1);
            changed = true;
        } else if (!seen->moved) {
            changed = seen->moved = true;
        }
    }
    return changed;
}

static bool note_board(struct seen_boards *seen, const struct gpu *gpu)
{
    struct seen_board *board = find_uuid(seen, gpu->uuid);
    bool here = board != NULL && pci_addr_cmp(&board->addr, &gpu->addr) == 0;
    if (here && board->now && is_kind(board, gpu)) {
        return false;
    }
    seen->moved = seen->moved || (board != NULL && !board->now && !here);
    if (board == NULL && seen->n == MAX_SEEN_BOARDS) {
        return false;
    }
    board = board == NULL ? vec_push(seen) : board;
    *board = (struct seen_board){.addr = gpu->addr,
                                 .pci_id = gpu->pci_id,
                                 .pci_subsystem_id = gpu->pci_subsystem_id,
                                 .now = true};
    STR_SET(board->uuid, gpu->uuid);
    return true;
}

static void name_board(const struct seen_boards *seen, struct gpu *gpu)
{
    for (vec_each(seen, board)) {
        if (board->now && pci_addr_cmp(&board->addr, &gpu->addr) == 0 && is_kind(board, gpu)) {
            STR_SET(gpu->seen_uuid, board->uuid);
        }
    }
}

bool seen_boards_look(struct seen_boards *seen, struct host *host, const struct claims *claims)
{
    bool changed = false;
    bool tells = host->boot_id[0] != '\0';
    if (!str_eq(seen->boot_id, host->boot_id) || (!seen->begun && !tells)) {
        begin_boot(seen, host->boot_id, claims);
        changed = seen->n > 0;
    }
    seen->begun = true;
    changed = note_left(seen, host) || changed;
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->uuid[0] != '\0' && gpu->other_vendor == 0) {
            changed = note_board(seen, gpu) || changed;
        }
    }
    for (vec_each(&host->gpus, gpu)) {
        name_board(seen, gpu);
    }
    return changed;
}

/* ---- stored ---- */

json_t *seen_boards_to_json(const struct seen_boards *seen)
{
    json_t *list = json_array();
    for (vec_each(seen, board)) {
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:s, s:b}", "address",
                                              encode_addr(&board->addr), "pciId",
                                              encode_id(board->pci_id), "pciSubsystemId",
                                              encode_id(board->pci_subsystem_id), "uuid",
                                              board->uuid, "now", board->now));
    }
    return json_pack("{s:s, s:b, s:o}", "bootId", seen->boot_id, "moved", seen->moved, "boards",
                     list);
}

static void read_board(struct reader *r, struct seen_board *board)
{
    decode_addr(r, "address", &board->addr);
    board->pci_id = decode_id(r, "pciId");
    board->pci_subsystem_id = decode_id(r, "pciSubsystemId");
    decode_text(r, "uuid", board->uuid, sizeof(board->uuid));
    board->now = reader_bool(r, "now");
}

int seen_boards_from_stored_json(const json_t *json, struct seen_boards *ret_seen,
                                 struct error *err)
{
    struct error local = {0};
    struct reader r;
    struct seen_boards seen = {0};
    reader_init(&r, json, "stored boards", "", err != NULL ? err : &local);
    decode_text(&r, "bootId", seen.boot_id, sizeof(seen.boot_id));
    seen.moved = reader_bool(&r, "moved");
    json_t *list = reader_array_or_null(&r, "boards", MAX_SEEN_BOARDS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[160];
        struct reader each;
        reader_path(&r, "boards", (int)i, path, sizeof(path));
        reader_init(&each, json_array_get(list, i), r.origin, path, r.err);
        read_board(&each, vec_push(&seen));
        int result = reader_end(&each);
        r.result = r.result != 0 ? r.result : result;
    }
    int result = reader_end(&r);
    if (result != 0) {
        seen_boards_done(&seen);
        return result;
    }
    *ret_seen = seen;
    return 0;
}
