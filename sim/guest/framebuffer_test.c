/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/framebuffer.h"

#include <string.h>

#include "test.h"

#define CHUNKS 4
#define WORDS (CHUNKS * FRAMEBUFFER_CHUNK_BYTES / sizeof(uint64_t))

static uint64_t memory[WORDS + 10];

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct framebuffer fb;
    uint64_t sum = 0;
    uint64_t again = 0;
    framebuffer_init(&fb, memory, sizeof(memory), 7);
    assert_int_equal(fb.n_chunks, CHUNKS);
    assert_int_equal(framebuffer_check(&fb, &sum), -1);
    assert_int_equal(framebuffer_check(&fb, &again), -1);
    assert_int_equal(sum, again);
    framebuffer_init(&fb, memory, sizeof(memory), 8);
    framebuffer_check(&fb, &again);
    assert_int_not_equal(sum, again);
}

static void one_changed_bit_is_found_where_it_is(void **state)
{
    (void)state;
    struct framebuffer fb;
    uint64_t sum = 0;
    framebuffer_init(&fb, memory, sizeof(memory), 7);
    memory[WORDS - 3] ^= 1u << 5;
    assert_int_equal(framebuffer_check(&fb, &sum), (WORDS - 3) * sizeof(uint64_t));
    memory[0] ^= 1;
    assert_int_equal(framebuffer_check(&fb, &sum), 0);
}

/* What a move does that forgets pages which were written while it ran. */
static void a_chunk_of_an_earlier_round_is_found(void **state)
{
    (void)state;
    struct framebuffer fb;
    uint64_t sum = 0;
    uint64_t page[512];
    framebuffer_init(&fb, memory, sizeof(memory), 7);
    framebuffer_dirty(&fb, CHUNKS + 1);
    assert_int_equal(framebuffer_check(&fb, &sum), -1);
    memcpy(page, memory, sizeof(page));
    framebuffer_dirty(&fb, CHUNKS);
    assert_int_equal(framebuffer_check(&fb, &sum), -1);
    memcpy(memory, page, sizeof(page));
    assert_int_equal(framebuffer_check(&fb, &sum), 0);
}

static void what_fits_no_chunk_is_left_alone(void **state)
{
    (void)state;
    struct framebuffer fb;
    uint64_t sum = 1;
    memory[0] = 42;
    framebuffer_init(&fb, memory, FRAMEBUFFER_CHUNK_BYTES - 1, 7);
    framebuffer_dirty(&fb, 3);
    assert_int_equal(framebuffer_check(&fb, &sum), -1);
    assert_int_equal(memory[0], 42);
    assert_int_equal(sum, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(one_changed_bit_is_found_where_it_is),
        cmocka_unit_test(a_chunk_of_an_earlier_round_is_found),
        cmocka_unit_test(what_fits_no_chunk_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
