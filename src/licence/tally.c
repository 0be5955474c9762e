/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

/* A licence that one VM takes, and of which product is to be chosen. */
struct unit {
    licence_set any_of;
    enum licence product;
    bool on;
    size_t first, n; /* its holders in `order` */
};

struct counting {
    const struct licence_pools *pools;
    uint64_t now_us;
    struct licence_holder **order; /* by VM */
    size_t n;
    VEC(struct unit) units;
    uint32_t used[LICENCE_COUNT];
};

bool licence_holders_add(struct licence_holders *holders, const struct claim *claim, bool on)
{
    licence_set products = licence_products_of(claim);
    if (products == 0) {
        return false;
    }
    struct licence_holder *holder = vec_push(holders);
    holder->any_of = products;
    holder->on = on;
    if (claim->vm[0] != '\0') {
        STR_SET(holder->vm, claim->vm);
    } else { /* no VM has a slash in its name */
        (void)str_print(holder->vm, sizeof(holder->vm), "/%s", claim->name);
    }
    if (claim->assigned.set) {
        (void)pci_addr_format(&claim->assigned.gpu, holder->gpu);
    }
    return true;
}

/* ---- room ---- */

static uint32_t capacity(const struct licence_pools *pools, enum licence product, uint64_t now_us)
{
    const struct licence_pool *pool = &pools->items[product];
    return !pool->set ? UINT32_MAX : licence_pool_has_expired(pool, now_us) ? 0 : pool->count;
}

static bool has_room(const struct counting *c, enum licence product)
{
    return c->used[product] < capacity(c->pools, product, c->now_us);
}

/* The preferred one that is so; LICENCE_COUNT: none of the set is. */
static enum licence find_first(const struct counting *c, licence_set any_of,
                               bool (*is_so)(const struct counting *c, enum licence product))
{
    for (licence_set left = any_of; left != 0;) {
        enum licence product = licence_preferred(left);
        if (is_so(c, product)) {
            return product;
        }
        left &= ~LICENCE_SET(product);
    }
    return LICENCE_COUNT;
}

static bool is_pool_with_room(const struct counting *c, enum licence product)
{
    return c->pools->items[product].set && has_room(c, product);
}

static bool is_unknown(const struct counting *c, enum licence product)
{
    return !c->pools->items[product].set;
}

static bool is_lenient(const struct counting *c, enum licence product)
{
    return c->pools->items[product].policy == LICENCE_WARN;
}

/* Of a full product: gives one of its VMs another product. `tried`: these are of no use. */
static bool make_room(struct counting *c, enum licence product, licence_set *tried)
{
    *tried |= LICENCE_SET(product);
    for (vec_each(&c->units, unit)) {
        licence_set others = unit->product == product ? unit->any_of & ~*tried : 0;
        while (others != 0) {
            enum licence other = licence_preferred(others);
            if (has_room(c, other) || make_room(c, other, tried)) {
                c->used[product]--;
                c->used[other]++;
                unit->product = other;
                return true;
            }
            others &= ~*tried & ~LICENCE_SET(other);
        }
    }
    return false;
}

static enum licence choose(struct counting *c, licence_set any_of)
{
    enum licence product = find_first(c, any_of, is_pool_with_room);
    product = product != LICENCE_COUNT ? product : find_first(c, any_of, is_unknown);
    if (product != LICENCE_COUNT) {
        return product;
    }
    licence_set tried = 0;
    for (licence_set left = any_of; left != 0; left &= ~LICENCE_SET(product)) {
        product = licence_preferred(left);
        if (make_room(c, product, &tried)) {
            return product;
        }
    }
    product = find_first(c, any_of, is_lenient);
    return product != LICENCE_COUNT ? product : licence_preferred(any_of);
}

/* ---- products that are counted by VM ---- */

static int by_vm(const void *a, const void *b)
{
    const struct licence_holder *const *x = a;
    const struct licence_holder *const *y = b;
    int order = strcmp((*x)->vm, (*y)->vm);
    return order != 0 ? order : (*x)->any_of<(*y)->any_of ? -1 : (*x)->any_of>(*y)->any_of;
}

static bool is_single(licence_set products)
{
    return (products & (products - 1)) == 0;
}

static void add_unit(struct counting *c, licence_set any_of, size_t first, size_t n)
{
    struct unit *unit = vec_push(&c->units);
    *unit = (struct unit){.any_of = any_of, .product = LICENCE_COUNT, .first = first, .n = n};
    for (size_t i = first; i < first + n; i++) {
        unit->on = unit->on || c->order[i]->on;
    }
    if (is_single(any_of)) { /* it has no choice, and comes before those that have one */
        unit->product = licence_preferred(any_of);
        c->used[unit->product]++;
    }
}

/* The licences of one VM: of each product that it can't do without, and of one that does for as
 * many of the rest as possible. */
static void add_vm(struct counting *c, size_t first, size_t n)
{
    licence_set covered = 0;
    licence_set rest = 0;
    for (size_t i = first; i < first + n; i++) {
        licence_set one = c->order[i]->any_of;
        if (is_single(one) && (covered & one) == 0) {
            covered |= one;
            add_unit(c, one, first, n);
        }
    }
    for (size_t i = first; i < first + n; i++) {
        licence_set any_of = c->order[i]->any_of;
        if ((any_of & covered) != 0) {
            continue;
        }
        if (rest != 0 && (rest & any_of) == 0) {
            add_unit(c, rest, first, n);
            rest = 0;
        }
        rest = rest == 0 ? any_of : rest & any_of;
    }
    if (rest != 0) {
        add_unit(c, rest, first, n);
    }
}

static void count_by_vm(struct counting *c, struct licence_tally *tally)
{
    if (c->n > 0) {
        qsort((void *)c->order, c->n, sizeof(c->order[0]), by_vm);
    }
    for (size_t i = 0; i < c->n;) {
        size_t n = 1;
        while (i + n < c->n && str_eq(c->order[i]->vm, c->order[i + n]->vm)) {
            n++;
        }
        add_vm(c, i, n);
        i += n;
    }
    for (size_t i = 0; i < c->units.n; i++) { /* choosing for one may change others */
        if (c->units.items[i].product == LICENCE_COUNT) {
            enum licence product = choose(c, c->units.items[i].any_of);
            c->units.items[i].product = product;
            c->used[product]++;
        }
    }
    for (vec_each(&c->units, unit)) {
        struct licence_count *count = &tally->counts[unit->product];
        *(unit->on ? &count->in_use : &count->reserved) += 1;
        for (size_t i = unit->first; i < unit->first + unit->n; i++) {
            if ((c->order[i]->any_of & LICENCE_SET(unit->product)) != 0) {
                c->order[i]->product = unit->product;
            }
        }
    }
}

/* ---- products that are counted by GPU ---- */

static bool is_by_gpu(const struct licence_holder *holder)
{
    return is_single(holder->any_of) &&
           licence_unit(licence_preferred(holder->any_of)) == LICENCE_PER_GPU;
}

static uint32_t licences_of_gpu(uint32_t vgpus)
{
    return (vgpus + LICENCE_VGPUS_PER_GPU - 1) / LICENCE_VGPUS_PER_GPU;
}

static int by_gpu(const void *a, const void *b)
{
    const struct licence_holder *const *x = a;
    const struct licence_holder *const *y = b;
    int order = (int)(*x)->product - (int)(*y)->product;
    return order != 0 ? order : strcmp((*x)->gpu, (*y)->gpu);
}

static void count_by_gpu(struct counting *c, struct licence_holder **holders, size_t n,
                         struct licence_tally *tally)
{
    for (size_t i = 0; i < n; i++) {
        holders[i]->product = licence_preferred(holders[i]->any_of);
    }
    if (n > 0) {
        qsort((void *)holders, n, sizeof(holders[0]), by_gpu);
    }
    for (size_t i = 0; i < n;) {
        size_t last = i;
        uint32_t on = 0;
        while (last < n && by_gpu((const void *)&holders[i], (const void *)&holders[last]) == 0) {
            on += holders[last++]->on;
        }
        uint32_t all = licences_of_gpu((uint32_t)(last - i));
        struct licence_count *count = &tally->counts[holders[i]->product];
        count->in_use += licences_of_gpu(on);
        count->reserved += all - licences_of_gpu(on);
        c->used[holders[i]->product] += all;
        i = last;
    }
}

/* ---- all ---- */

/* A product is roomy, too, if one of its VMs could have another one that is. */
static licence_set find_roomy(const struct counting *c)
{
    licence_set roomy = 0;
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        roomy |= has_room(c, (enum licence)i) ? LICENCE_SET(i) : 0;
    }
    for (uint32_t round = 0; round < LICENCE_COUNT; round++) {
        for (vec_each(&c->units, unit)) {
            if ((unit->any_of & roomy) != 0) {
                roomy |= LICENCE_SET(unit->product);
            }
        }
    }
    return roomy;
}

void licence_tally(struct licence_holders *holders, const struct licence_pools *pools,
                   uint64_t now_us, struct licence_tally *ret_tally)
{
    CLEANUP_FREE struct licence_holder **of_vms =
        xcalloc(holders->n + 1, sizeof(struct licence_holder *));
    CLEANUP_FREE struct licence_holder **of_gpus =
        xcalloc(holders->n + 1, sizeof(struct licence_holder *));
    struct counting c = {.pools = pools, .now_us = now_us, .order = of_vms};
    size_t n_of_gpus = 0;
    for (vec_each(holders, holder)) {
        if (is_by_gpu(holder)) {
            of_gpus[n_of_gpus++] = holder;
        } else {
            of_vms[c.n++] = holder;
        }
    }
    *ret_tally = (struct licence_tally){0};
    count_by_gpu(&c, of_gpus, n_of_gpus, ret_tally);
    count_by_vm(&c, ret_tally);
    ret_tally->roomy = find_roomy(&c);
    vec_done(&c.units);
}

static uint32_t total(const struct licence_tally *tally, enum licence product)
{
    return tally->counts[product].in_use + tally->counts[product].reserved;
}

uint32_t licence_excess(const struct licence_tally *tally, const struct licence_pools *pools,
                        enum licence product, uint64_t now_us)
{
    uint32_t has = capacity(pools, product, now_us);
    return total(tally, product) > has ? total(tally, product) - has : 0;
}

uint32_t licence_free(const struct licence_tally *tally, const struct licence_pools *pools,
                      enum licence product, uint64_t now_us)
{
    uint32_t has = capacity(pools, product, now_us);
    return has > total(tally, product) ? has - total(tally, product) : 0;
}

/* ---- one more ---- */

void licence_room_done(struct licence_room *room)
{
    vec_done(&room->holders);
}

const char *licence_lack_text(const struct licence_pool *pool, uint32_t needed, uint64_t now_us,
                              char *out, size_t size)
{
    if (licence_pool_has_expired(pool, now_us)) {
        (void)str_print(out, size, "the pool has expired (%s)", pool->expires);
    } else {
        (void)str_print(out, size, "%u licence%s would be in use or reserved, and the pool has %u",
                        needed, needed == 1 ? "" : "s", pool->count);
    }
    return out;
}

/* One more vGPU on a GPU takes a licence only where those that are there fill theirs. */
static bool takes_gpu(const struct licence_room *room, enum licence product, const char *gpu)
{
    uint32_t there = 0;
    for (vec_each(&room->holders, holder)) {
        there += holder->product == product && str_eq(holder->gpu, gpu);
    }
    return there % LICENCE_VGPUS_PER_GPU != 0 || (room->tally.roomy & LICENCE_SET(product)) != 0;
}

static bool takes_vm(const struct licence_room *room, licence_set products, const char *vm)
{
    if ((room->tally.roomy & products) != 0) {
        return true;
    }
    for (vec_each(&room->holders, holder)) {
        if (vm[0] != '\0' && str_eq(holder->vm, vm) &&
            (LICENCE_SET(holder->product) & products) != 0) {
            return true;
        }
    }
    return false;
}

int licence_room_check(const struct licence_room *room, const struct claim *claim, const char *gpu,
                       struct error *err)
{
    char text[256];
    licence_set products = licence_products_of(claim);
    enum licence product = licence_preferred(products);
    if (products == 0 ||
        (licence_unit(product) == LICENCE_PER_GPU ? takes_gpu(room, product, gpu)
                                                  : takes_vm(room, products, claim->vm))) {
        return 0;
    }
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if ((products & LICENCE_SET(i)) != 0 && room->pools.items[i].policy == LICENCE_WARN) {
            return 0;
        }
    }
    error_set(err, REASON_NO_LICENCE, SUBJECT("licence", licence_name(product)),
              "claim \"%s\" needs a licence of %s: %s", claim->name,
              licence_describe(products, (char[64]){0}, 64),
              licence_lack_text(&room->pools.items[product], total(&room->tally, product) + 1,
                                room->now_us, text, sizeof(text)));
    error_hint(err,
               "`cleave licence list` shows the pools, `cleave licence pool set --help` how one is "
               "changed");
    return -REASON_NO_LICENCE;
}
