/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vgpu_licence.h"

#include <jansson.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define NEW_YEAR_2030_US (UINT64_C(1893456000) * 1000000)

static const struct {
    struct vgpu_licence licence;
    bool missing;
    const char *text, *json;
} rows[] = {
    {{0}, false, "", "null"},
    {{VGPU_LICENCE_UNINITIALIZED, VGPU_LICENCE_EXPIRY_UNKNOWN, 0},
     false,
     "not asked for yet",
     "{\"state\":\"uninitialized\",\"expiry\":null,\"expires\":null,\"text\":\"not asked for "
     "yet\"}"},
    {{VGPU_LICENCE_UNRESTRICTED, VGPU_LICENCE_EXPIRY_NOT_APPLICABLE, 0},
     true,
     "no licence, unrestricted",
     "{\"state\":\"unrestricted\",\"expiry\":\"not-applicable\",\"expires\":null,"
     "\"text\":\"no licence, unrestricted\"}"},
    {{VGPU_LICENCE_RESTRICTED, VGPU_LICENCE_EXPIRY_UNKNOWN, 0},
     true,
     "no licence, restricted",
     "{\"state\":\"restricted\",\"expiry\":null,\"expires\":null,"
     "\"text\":\"no licence, restricted\"}"},
    {{VGPU_LICENCE_UNLICENSED, VGPU_LICENCE_EXPIRY_UNKNOWN, 0},
     true,
     "no licence",
     "{\"state\":\"unlicensed\",\"expiry\":null,\"expires\":null,\"text\":\"no licence\"}"},
    {{VGPU_LICENCE_LICENSED, VGPU_LICENCE_EXPIRY_VALID, NEW_YEAR_2030_US},
     false,
     "licensed until 2030-01-01",
     "{\"state\":\"licensed\",\"expiry\":\"valid\",\"expires\":\"2030-01-01T00:00:00.000000Z\","
     "\"text\":\"licensed until 2030-01-01\"}"},
    {{VGPU_LICENCE_LICENSED, VGPU_LICENCE_EXPIRY_PERMANENT, 0},
     false,
     "licensed permanently",
     "{\"state\":\"licensed\",\"expiry\":\"permanent\",\"expires\":null,"
     "\"text\":\"licensed permanently\"}"},
    {{VGPU_LICENCE_LICENSED, VGPU_LICENCE_EXPIRY_INVALID, 0},
     false,
     "licensed",
     "{\"state\":\"licensed\",\"expiry\":\"invalid\",\"expires\":null,\"text\":\"licensed\"}"},
};

static void each_state_has_its_words_and_unknown_is_null(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[VGPU_LICENCE_TEXT_SIZE];
        CLEANUP_JSON json_t *json =
            schema_to_json(&vgpu_licence_schema, &rows[i].licence, FACE_API);
        CLEANUP_FREE char *dump = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(vgpu_licence_text(&rows[i].licence, text), rows[i].text);
        assert_string_equal(dump, rows[i].json);
        assert_int_equal(vgpu_licence_is_missing(&rows[i].licence), rows[i].missing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_its_words_and_unknown_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
