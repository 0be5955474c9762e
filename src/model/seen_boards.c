/* SPDX-License-Identifier: Apache-2.0 */
#include "model/seen_boards.h"

#include "base/str.h"

#define MAX_SEEN_BOARDS 1024

void seen_boards_done(struct seen_boards *seen)
{
    vec_done(&seen->places);
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
        const struct assignment *got = &claim->assigned;
        if (claim_holds(claim) && got->gpu_uuid[0] != '\0' &&
            find_uuid(seen, got->gpu_uuid) == NULL && seen->n < MAX_SEEN_BOARDS) {
            struct seen_board *board = vec_push(seen);
            *board = (struct seen_board){.addr = got->gpu, .pci_id = NO_ID};
            STR_SET(board->uuid, got->gpu_uuid);
        }
    }
    STR_SET(seen->boot_id, boot_id);
    seen->moved = false;
    seen->places.n = 0;
}

/* ---- numbers ---- */

uint32_t seen_boards_number(const struct seen_boards *seen, const struct pci_addr *addr)
{
    for (size_t i = 0; i < seen->places.n; i++) {
        if (pci_addr_cmp(&seen->places.items[i].addr, addr) == 0) {
            return (uint32_t)i;
        }
    }
    return NO_ID;
}

/* NVIDIA's GPUs come first, as they are what is named most; then the lower address. */
static bool comes_before(const struct gpu *gpu, const struct gpu *other)
{
    bool ours = gpu->other_vendor == 0;
    bool theirs = other->other_vendor == 0;
    return ours != theirs ? ours : pci_addr_cmp(&gpu->addr, &other->addr) < 0;
}

static const struct gpu *next_without_number(const struct seen_boards *seen,
                                             const struct host *host)
{
    const struct gpu *next = NULL;
    for (vec_each(&host->gpus, gpu)) {
        if (seen_boards_number(seen, &gpu->addr) == NO_ID &&
            (next == NULL || comes_before(gpu, next))) {
            next = gpu;
        }
    }
    return next;
}

/* True if there is a new one. */
static bool number_gpus(struct seen_boards *seen, struct host *host)
{
    size_t before = seen->places.n;
    for (const struct gpu *gpu = next_without_number(seen, host);
         gpu != NULL && seen->places.n < MAX_SEEN_BOARDS; gpu = next_without_number(seen, host)) {
        vec_push(&seen->places)->addr = gpu->addr;
    }
    for (vec_each(&host->gpus, gpu)) {
        gpu->number = seen_boards_number(seen, &gpu->addr);
    }
    return seen->places.n > before;
}

/* ---- one look ---- */

/* Another board is at the address, or the address is no longer there. */
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

/* The board at each place, which a GPU that falls off the bus no longer says. */
static bool note_place(struct seen_place *place, struct gpu *gpu)
{
    const char *uuid = gpu_known_uuid(gpu);
    bool same = uuid[0] == '\0' || place->uuid[0] == '\0' || str_eq_case(uuid, place->uuid);
    if (gpu->fault != GPU_FAULT_NONE && gpu->name[0] == '\0' && same) {
        STR_SET(gpu->name, place->name);
        return false;
    }
    if (str_eq(place->uuid, uuid) && str_eq(place->name, gpu->name) &&
        str_eq(place->model, gpu->model)) {
        return false;
    }
    STR_SET(place->uuid, uuid);
    STR_SET(place->name, gpu->name);
    STR_SET(place->model, gpu->model);
    return true;
}

static bool note_places(struct seen_boards *seen, struct host *host)
{
    bool changed = false;
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->number != NO_ID) {
            changed = note_place(&seen->places.items[gpu->number], gpu) || changed;
        }
    }
    return changed;
}

const struct seen_place *seen_boards_find_left(const struct seen_boards *seen,
                                               const struct pci_addr *addr, const char *uuid)
{
    uint32_t number = seen_boards_number(seen, addr);
    const struct seen_place *place = number == NO_ID ? NULL : &seen->places.items[number];
    bool other = place != NULL && uuid[0] != '\0' && place->uuid[0] != '\0' &&
                 !str_eq_case(uuid, place->uuid);
    return other ? NULL : place;
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
    changed = number_gpus(seen, host) || changed;
    return note_places(seen, host) || changed;
}

/* ---- stored ---- */

static const struct field board_fields[] = {
    FIELD_ADDRESS(struct seen_board, addr, "address", FACE_STORE),
    FIELD_ID(struct seen_board, pci_id, "pciId", FACE_STORE),
    FIELD_ID(struct seen_board, pci_subsystem_id, "pciSubsystemId", FACE_STORE),
    FIELD_STRING(struct seen_board, uuid, "uuid", FACE_STORE),
    FIELD_BOOL(struct seen_board, now, "now", FACE_STORE, .required = true),
};
static const struct schema seen_board_schema = SCHEMA(seen_board, board_fields);

static const struct field place_fields[] = {
    FIELD_ADDRESS(struct seen_place, addr, "address", FACE_STORE),
    FIELD_STRING(struct seen_place, uuid, "uuid", FACE_STORE),
    FIELD_STRING(struct seen_place, name, "name", FACE_STORE),
    FIELD_STRING(struct seen_place, model, "model", FACE_STORE),
};
static const struct schema seen_place_schema = SCHEMA(seen_place, place_fields);

static const struct field boards_fields[] = {
    FIELD_STRING(struct seen_boards, boot_id, "bootId", FACE_STORE),
    FIELD_BOOL(struct seen_boards, moved, "moved", FACE_STORE, .required = true),
    /* The struct is the list. */
    {.key = "boards",
     .kind = KIND_LIST,
     .offset = offsetof(struct seen_boards, items),
     .schema = &seen_board_schema,
     .max = MAX_SEEN_BOARDS,
     .faces = FACE_STORE},
    {.key = "places",
     .kind = KIND_LIST,
     .offset = offsetof(struct seen_boards, places),
     .schema = &seen_place_schema,
     .max = MAX_SEEN_BOARDS,
     .faces = FACE_STORE},
};
const struct schema seen_boards_schema = SCHEMA(seen_boards, boards_fields);

json_t *seen_boards_to_json(const struct seen_boards *seen)
{
    return schema_to_json(&seen_boards_schema, seen, FACE_STORE);
}

int seen_boards_from_stored_json(const json_t *json, struct seen_boards *ret_seen,
                                 struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "stored boards", .face = FACE_STORE};
    struct seen_boards seen = {0};
    int r = schema_parse(&seen_boards_schema, &in, &seen, err);
    if (r != 0) {
        seen_boards_done(&seen);
        return r;
    }
    *ret_seen = seen;
    return 0;
}
