/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/schema.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/vec.h"
#include "test.h"

#define ROUNDS 2000
#define MAX_PARTS 4

/* ---- a struct with a field of each kind ---- */

enum color { COLOR_RED, COLOR_GREEN, COLOR_ANY };
static const struct word color_rows[] = {WORD(COLOR_RED, "red"), WORD(COLOR_GREEN, "green"),
                                         WORD(COLOR_ANY, "any")};
static const struct words color_words = {
    .what = "color", .rows = color_rows, .n = ARRAY_SIZE(color_rows)};

struct shade {
    bool set;
    char maker[16];
    uint32_t slot;
};
static const struct field shade_fields[] = {
    FIELD_TEXT(struct shade, maker, "maker", FACE_ALL, .required = true),
    FIELD_ID(struct shade, slot, "slot", FACE_KEPT),
};
static const struct schema shade_schema = SCHEMA_OPTIONAL(shade, shade_fields, set);

struct bulb {
    uint64_t watts;
    struct shade shade;
};
static const struct field bulb_fields[] = {
    FIELD_COUNT(struct bulb, watts, "watts", FACE_ALL, .required = true, .max = 500),
    FIELD_OBJECT(struct bulb, shade, "shade", shade, FACE_ALL),
};
static const struct schema bulb_schema = SCHEMA(bulb, bulb_fields);

struct line {
    char text[12];
};

struct lamp {
    char name[64];
    char room[16];
    char owner[16];
    char uuid[40];
    bool lit, dimmed;
    uint32_t hours;
    uint64_t joules;
    size_t parallel;
    uint64_t size;
    struct amount lumens;
    uint32_t id;
    int32_t node;
    enum color color;
    enum tristate warm;
    uint32_t code;
    uint64_t made_us;
    struct pci_addr address;
    struct shade shade;
    struct shade spare;
    char problem[16];
    char hint[16];
    VEC(struct bulb) bulbs;
    struct bulb parts[MAX_PARTS];
    uint32_t n_parts;
    VEC(struct line) lines;
    uint32_t twice; /* of `hours`, when read */
};

static json_t *put_twice(const void *object)
{
    const struct lamp *lamp = object;
    return lamp->hours == 0 ? NULL : json_integer(2 * (json_int_t)lamp->hours);
}

static void read_twice(struct reader *r, const char *key, void *object)
{
    struct lamp *lamp = object;
    lamp->twice = (uint32_t)reader_int_or(r, key, 0, UINT32_MAX, 2 * (int64_t)lamp->hours);
}

static const struct field_hook twice_hook = {put_twice, read_twice};

static const struct field problem_fields[] = {
    FIELD_TEXT(struct lamp, problem, "message", FACE_ALL),
    FIELD_TEXT(struct lamp, hint, "hint", FACE_ALL),
};
static const struct schema problem_schema = SCHEMA_GROUP(struct lamp, problem_fields, problem);

static const struct field lamp_fields[] = {
    FIELD_NAME(struct lamp, name, "name", FACE_ALL, .required = true,
               .missing = "a lamp needs a name"),
    FIELD_TEXT(struct lamp, room, "room", FACE_ALL),
    FIELD_STRING(struct lamp, owner, "owner", FACE_KEPT, .text = "ada"),
    FIELD_TEXT(struct lamp, uuid, "uuid", FACE_ALL, .form = &uuid_form),
    FIELD_BOOL(struct lamp, lit, "lit", FACE_KEPT, .required = true),
    FIELD_BOOL(struct lamp, dimmed, "dimmed", FACE_ALL, .fallback = true, .left_out = true),
    FIELD_COUNT(struct lamp, hours, "hours", FACE_ALL, .max = 1000000),
    FIELD_COUNT(struct lamp, joules, "joules", FACE_KEPT, .required = true),
    FIELD_COUNT(struct lamp, parallel, "parallel", FACE_ALL, .min = 1, .max = 8, .fallback = 1),
    FIELD_SIZE(struct lamp, size, "size", FACE_ALL),
    FIELD_AMOUNT(struct lamp, lumens, "lumens", FACE_ALL),
    FIELD_ID(struct lamp, id, "id", FACE_ALL, .max = 63),
    FIELD_NODE(struct lamp, node, "node", FACE_ALL),
    FIELD_WORD(struct lamp, color, "color", color, FACE_ALL, .fallback = COLOR_ANY),
    FIELD_TRISTATE(struct lamp, warm, "warm", FACE_ALL),
    FIELD_HEX(struct lamp, code, "code", FACE_API),
    FIELD_TIME(struct lamp, made_us, "madeAt", FACE_KEPT),
    FIELD_COUNT(struct lamp, made_us, "madeUs", FACE_STORE),
    FIELD_ADDRESS(struct lamp, address, "address", FACE_ALL),
    FIELD_OBJECT(struct lamp, shade, "shade", shade, FACE_ALL),
    FIELD_OBJECT(struct lamp, spare, "spare", shade, FACE_ALL, .left_out = true),
    FIELD_GROUP("problem", problem_schema, FACE_ALL),
    FIELD_LIST(struct lamp, bulbs, "bulbs", bulb, FACE_ALL, .required = true, .max = 3),
    FIELD_ARRAY(struct lamp, parts, n_parts, "parts", bulb, FACE_ALL, .left_out = true),
    FIELD_LINES(struct lamp, lines, text, "lines", "a line is text", FACE_ALL, .max = 3),
    FIELD_HOOK("twice", twice_hook, FACE_ALL),
    FIELD_IGNORED("old", FACE_STORE),
};
static const struct schema lamp_schema = SCHEMA(lamp, lamp_fields);

/* What a user must say. */
#define LEAST "name: a, address: '0000:41:00.0', bulbs: []"

static void lamp_done(struct lamp *lamp)
{
    vec_done(&lamp->bulbs);
    vec_done(&lamp->lines);
}

static int read_yaml(const char *yaml, enum face face, struct lamp *lamp, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    assert_int_equal(yaml_read(yaml, strlen(yaml), "test", &json, NULL), 0);
    const struct schema_input in = {.json = json, .origin = "lamps.yaml", .face = face};
    return schema_parse(&lamp_schema, &in, lamp, err);
}

/* ---- both ways ---- */

static void the_tables_are_sound(void **state)
{
    (void)state;
    const char *problem = schema_check(&lamp_schema);
    if (problem != NULL) {
        fail_msg("%s", problem);
    }
}

static void a_table_that_is_not_sound_is_found(void **state)
{
    (void)state;
    static const struct field endless[] = {
        {.key = "a", .kind = KIND_LIST, .faces = FACE_ALL, .schema = &bulb_schema}};
    static const struct field twice[] = {FIELD_SIZE(struct bulb, watts, "a", FACE_API),
                                         FIELD_COUNT(struct bulb, watts, "a", FACE_KEPT)};
    static const struct field faceless[] = {FIELD_SIZE(struct bulb, watts, "a", 0)};
    static const struct field outside[] = {FIELD_SIZE(struct lamp, joules, "a", FACE_API)};
    static const struct field unclear[] = {
        FIELD_SIZE(struct bulb, watts, "a", FACE_API, .left_out = true)};
    static const struct {
        struct schema schema;
        const char *problem;
    } rows[] = {
        {SCHEMA(bulb, endless), "a list has no limit"},
        {SCHEMA(bulb, twice), "a key is there twice"},
        {SCHEMA(bulb, faceless), "a field is part of no face"},
        {SCHEMA(bulb, outside), "a field lies outside of the struct"},
        {SCHEMA(bulb, unclear), "a field is both null and left out"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(schema_check(&rows[i].schema), rows[i].problem);
    }
}

/* The text of a lamp that says this much; "": the key is left out. */
struct form {
    const char *yaml; /* behind LEAST */
    const char *key;
    const char *text; /* in the store's form */
};

static const struct form forms[] = {
    {"", "name", "\"a\""},
    {"", "room", "null"},
    {"room: ''", "room", "null"},
    {"room: hall", "room", "\"hall\""},
    {"", "owner", "\"ada\""},
    {"owner: ''", "owner", "\"\""},
    {"uuid: b5b1a8f0-0000-4000-8000-000000000001", "uuid",
     "\"b5b1a8f0-0000-4000-8000-000000000001\""},
    {"", "lit", "true"},
    {"", "dimmed", ""},
    {"dimmed: null", "dimmed", ""},
    {"dimmed: false", "dimmed", "false"},
    {"", "hours", "0"},
    {"hours: 1000000", "hours", "1000000"},
    {"", "joules", "9223372036854775807"},
    {"", "parallel", "1"},
    {"parallel: 8", "parallel", "8"},
    {"", "size", "null"},
    {"size: 0", "size", "null"},
    {"size: 5000000000", "size", "5000000000"},
    {"", "lumens", "null"},
    {"lumens: null", "lumens", "null"},
    {"lumens: 0", "lumens", "0"},
    {"lumens: 9223372036854775807", "lumens", "9223372036854775807"},
    {"", "id", "null"},
    {"id: 0", "id", "0"},
    {"", "node", "null"},
    {"node: 2147483647", "node", "2147483647"},
    {"", "color", "\"any\""},
    {"color: red", "color", "\"red\""},
    {"", "warm", "null"},
    {"warm: false", "warm", "false"},
    {"warm: true", "warm", "true"},
    {"", "madeAt", "null"},
    {"madeUs: 1764000000123456", "madeAt", "\"2025-11-24T16:00:00.123456Z\""},
    {"madeAt: not read", "madeAt", "null"},
    {"", "address", "\"0000:41:00.0\""},
    {"", "shade", "null"},
    {"shade: {maker: x}", "shade", "{\"maker\":\"x\",\"slot\":null}"},
    {"shade: {maker: x, slot: 3}", "shade", "{\"maker\":\"x\",\"slot\":3}"},
    {"", "spare", ""},
    {"spare: {maker: ''}", "spare", "{\"maker\":null,\"slot\":null}"},
    {"", "problem", "null"},
    {"problem: {message: dark}", "problem", "{\"hint\":null,\"message\":\"dark\"}"},
    {"", "bulbs", "[]"},
    {"parts: [{watts: 1}, {watts: 2, shade: {maker: x}}]", "parts",
     "[{\"shade\":null,\"watts\":1},{\"shade\":{\"maker\":\"x\",\"slot\":null},\"watts\":2}]"},
    {"", "parts", ""},
    {"lines: [one, twelve and more]", "lines", "[\"one\",\"twelve and \"]"},
    {"", "lines", "[]"},
    {"", "twice", ""},
    {"hours: 4", "twice", "8"},
    {"old: [1]", "old", ""},
};

/* Older versions took such characters: what they stored is read, and shown without them. */
static void what_can_not_be_seen_is_read_from_the_store_alone(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP(lamp_done) struct lamp lamp = {0};
    static const char yaml[] = "{" LEAST ", lit: true, joules: 1, room: \"a\\u200Bb\"}";
    if (read_yaml(yaml, FACE_STORE, &lamp, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(lamp.room, "a?b");
}

static void each_kind_is_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct error err = {0};
        CLEANUP(lamp_done) struct lamp lamp = {0};
        CLEANUP_FREE char *yaml =
            xasprintf("{" LEAST ", lit: true, joules: 9223372036854775807%s%s}",
                      forms[i].yaml[0] != '\0' ? ", " : "", forms[i].yaml);
        if (read_yaml(yaml, FACE_STORE, &lamp, &err) != 0) {
            fail_msg("%s: %s", yaml, err.message);
        }
        CLEANUP_JSON json_t *json = schema_to_json(&lamp_schema, &lamp, FACE_STORE);
        const json_t *value = json_object_get(json, forms[i].key);
        CLEANUP_FREE char *text = value == NULL ? xstrdup("") : json_text(value);
        if (!str_eq(text, forms[i].text)) {
            fail_msg("%s: \"%s\" is %s, not %s", yaml, forms[i].key, text, forms[i].text);
        }
    }
}

static void a_face_has_its_own_keys(void **state)
{
    (void)state;
    struct lamp lamp = {.code = 0x26b9, .made_us = 1, .id = NO_ID};
    CLEANUP_JSON json_t *api = schema_to_json(&lamp_schema, &lamp, FACE_API);
    CLEANUP_JSON json_t *user = schema_to_json(&lamp_schema, &lamp, FACE_USER);
    assert_string_equal(json_string_value(json_object_get(api, "code")), "0x26b9");
    assert_non_null(json_object_get(api, "madeAt"));
    assert_null(json_object_get(api, "madeUs"));
    assert_null(json_object_get(user, "madeAt"));
    assert_null(json_object_get(user, "joules"));
    CLEANUP(lamp_done) struct lamp back = {.joules = 7, .lit = true};
    assert_int_equal(read_yaml("{" LEAST "}", FACE_USER, &back, NULL), 0);
    assert_int_equal(back.joules, 0);
    assert_false(back.lit);
    assert_string_equal(back.owner, "ada");
}

static void what_is_no_text_is_written_without_it(void **state)
{
    (void)state;
    struct lamp lamp = {.room = "a\xff"};
    CLEANUP_JSON json_t *json = schema_to_json(&lamp_schema, &lamp, FACE_API);
    assert_string_equal(json_string_value(json_object_get(json, "room")), "a?");
}

/* ---- refusals ---- */

struct refusal {
    const char *yaml; /* without its braces */
    const char *message;
};

static const struct refusal refusals[] = {
    {"address: '0000:41:00.0', bulbs: []", "name: a lamp needs a name"},
    {LEAST ", name2: 1", "unknown key \"name2\"; did you mean \"name\"?"},
    {LEAST ", joules: 1", "unknown key \"joules\""},
    {"name: 5, address: '0000:41:00.0', bulbs: []", "name: must be a string, not an integer"},
    {"name: '-', address: '0000:41:00.0', bulbs: []",
     "name: \"-\" is not a name: use up to 63 letters, digits, '.', '_' and '-', starting with a "
     "letter or digit"},
    {LEAST ", uuid: x", "uuid: \"x\" is not a UUID"},
    {LEAST ", uuid: ''", "uuid: \"\" is not a UUID"},
    {LEAST ", room: a long name of a room", "room: has 21 bytes, at most 15 are allowed"},
    {LEAST ", room: \"a\\tb\"", "room: contains control characters"},
    {LEAST ", room: \"a\\u202Eb\"", "room: contains the character U+202E, which can't be seen"},
    {LEAST ", dimmed: 1", "dimmed: must be true or false, not an integer"},
    {LEAST ", hours: -1", "hours: is -1, must be from 0 to 1000000"},
    {LEAST ", hours: many", "hours: must be an integer, not a string"},
    {LEAST ", parallel: 0", "parallel: is 0, must be from 1 to 8"},
    {LEAST ", lumens: -1", "lumens: is -1, must be from 0 to 9223372036854775807"},
    {LEAST ", lumens: many", "lumens: must be an integer, not a string"},
    {LEAST ", id: 64", "id: is 64, must be from 0 to 63"},
    {LEAST ", node: 2147483648", "node: is 2147483648, must be from 0 to 2147483647"},
    {LEAST ", color: gren", "color: \"gren\" is not a known value; did you mean \"green\"?"},
    {LEAST ", warm: lukewarm", "warm: must be true or false, not a string"},
    {"name: a, bulbs: []", "address: is missing"},
    {"name: a, address: null, bulbs: []", "address: must not be null"},
    {"name: a, address: there, bulbs: []", "address: \"there\" is not a PCI address"},
    {LEAST ", shade: 1", "shade: must be an object, not an integer"},
    {LEAST ", shade: {}", "shade.maker: is missing"},
    {LEAST ", shade: {maker: x, slot: 1}", "shade: unknown key \"slot\""},
    {LEAST ", problem: {hint: 1}", "problem.hint: must be a string, not an integer"},
    {"name: a, address: '0000:41:00.0'", "bulbs: is missing"},
    {"name: a, address: '0000:41:00.0', bulbs: [{}]", "bulbs[0].watts: is missing"},
    {"name: a, address: '0000:41:00.0', bulbs: [{watts: 501}]",
     "bulbs[0].watts: is 501, must be from 0 to 500"},
    {"name: a, address: '0000:41:00.0', bulbs: [{watts: 1}, {watts: 1, shade: {maker: 7}}]",
     "bulbs[1].shade.maker: must be a string, not an integer"},
    {"name: a, address: '0000:41:00.0', bulbs: [{watts: 1}, {watts: 1}, {watts: 1}, {watts: 1}]",
     "bulbs: has 4 items, at most 3 are allowed"},
    {LEAST ", parts: [{watts: 1}, 5]", "parts[1]: must be an object, not an integer"},
    {LEAST ", parts: [{}, {}, {}, {}, {}]", "parts: has 5 items, at most 4 are allowed"},
    {LEAST ", parts: [{watts: x}, {watts: 501}]",
     "parts[0].watts: must be an integer, not a string"},
    {LEAST ", lines: [1]", "lines: a line is text"},
    {LEAST ", lines: [\"a\\tb\"]", "lines: a line is text"},
    {LEAST ", lines: text", "lines: must be a list, not a string"},
};

static void each_refusal_names_the_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        struct error err = {0};
        CLEANUP(lamp_done) struct lamp lamp = {0};
        CLEANUP_FREE char *yaml = xasprintf("{%s}", refusals[i].yaml);
        if (read_yaml(yaml, FACE_USER, &lamp, &err) != -REASON_INVALID) {
            fail_msg("%s: was read", yaml);
        }
        assert_string_equal(err.subject, "lamps.yaml");
        assert_string_equal(err.message, refusals[i].message);
    }
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct lamp lamp = {0};
    CLEANUP_JSON json_t *json = json_integer(1);
    const struct schema_input in = {
        .json = json, .origin = "site.yaml", .path = "lamps[2]", .face = FACE_USER};
    assert_int_equal(schema_parse(&lamp_schema, &in, &lamp, &err), -REASON_INVALID);
    assert_string_equal(err.message, "lamps[2]: must be an object, not an integer");
}

/* ---- random ones ---- */

static uint32_t seed;

/* Numerical Recipes' generator: the same on each machine. */
static uint32_t random_below(uint32_t n)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % n;
}

static void random_text(char *out, size_t size)
{
    static const char letters[] = "abc.- \"\\7";
    size_t len = random_below((uint32_t)size);
    for (size_t i = 0; i < len; i++) {
        out[i] = letters[random_below(sizeof(letters) - 1)];
    }
    out[len] = '\0';
}

static struct shade random_shade(void)
{
    struct shade shade = {.set = random_below(2) == 0, .slot = NO_ID};
    if (shade.set) {
        shade.slot = random_below(3) == 0 ? NO_ID : random_below(UINT32_MAX);
        do {
            random_text(shade.maker, sizeof(shade.maker));
        } while (shade.maker[0] == '\0'); /* it is required, and "" is null */
    }
    return shade;
}

static struct bulb random_bulb(void)
{
    return (struct bulb){.watts = random_below(501), .shade = random_shade()};
}

static void random_lamp(struct lamp *lamp)
{
    *lamp = (struct lamp){
        .lit = random_below(2) == 0,
        .dimmed = random_below(2) == 0,
        .hours = random_below(1000001),
        .joules = (uint64_t)random_below(UINT32_MAX) << random_below(31),
        .parallel = 1 + random_below(8),
        .size = random_below(2) == 0 ? 0 : random_below(UINT32_MAX),
        .lumens = random_below(2) == 0 ? (struct amount){0} : amount_of(random_below(3)),
        .id = random_below(2) == 0 ? NO_ID : random_below(64),
        .node = (int32_t)random_below(3) - 1,
        .color = (enum color)random_below(3),
        .warm = (enum tristate)random_below(3),
        .made_us = random_below(UINT32_MAX),
        .address = {random_below(UINT32_MAX), (uint8_t)random_below(256), (uint8_t)random_below(32),
                    (uint8_t)random_below(8)},
        .shade = random_shade(),
        .spare = random_shade(),
        .n_parts = random_below(MAX_PARTS + 1),
    };
    STR_SET(lamp->name, "lamp-1");
    random_text(lamp->room, sizeof(lamp->room));
    random_text(lamp->owner, sizeof(lamp->owner));
    random_text(lamp->problem, sizeof(lamp->problem));
    if (lamp->problem[0] != '\0') {
        random_text(lamp->hint, sizeof(lamp->hint));
    }
    for (size_t i = 0; i < lamp->n_parts; i++) {
        lamp->parts[i] = random_bulb();
    }
    for (uint32_t n = random_below(4); n > 0; n--) {
        *vec_push(&lamp->bulbs) = random_bulb();
        random_text(vec_push(&lamp->lines)->text, sizeof(struct line));
    }
}

/* A member that reading lost would show in what is written again. */
static void what_is_written_is_read_again(void **state)
{
    (void)state;
    for (seed = 1; seed < ROUNDS * 7; seed += 7) {
        uint32_t kept = seed;
        struct error err = {0};
        CLEANUP(lamp_done) struct lamp lamp = {0};
        CLEANUP(lamp_done) struct lamp back = {0};
        random_lamp(&lamp);
        CLEANUP_JSON json_t *json = schema_to_json(&lamp_schema, &lamp, FACE_STORE);
        const struct schema_input in = {.json = json, .origin = "store", .face = FACE_STORE};
        if (schema_parse(&lamp_schema, &in, &back, &err) != 0) {
            fail_msg("seed %u: %s", kept, err.message);
        }
        assert_int_equal(back.twice, 2 * lamp.hours);
        assert_memory_equal(&back.shade, &lamp.shade, offsetof(struct shade, maker));
        assert_int_equal(back.joules, lamp.joules);
        assert_int_equal(back.node, lamp.node);
        assert_int_equal(back.bulbs.n, lamp.bulbs.n);
        assert_int_equal(back.n_parts, lamp.n_parts);
        CLEANUP_JSON json_t *again = schema_to_json(&lamp_schema, &back, FACE_STORE);
        assert_true(json_equal(json, again));
        seed = kept;
    }
}

/* ---- what is there already, and is read onto ---- */

struct socket {
    char wall[8]; /* who made the socket says it */
    uint32_t volts;
    uint32_t limit; /* of the volts: the context */
};
struct strip {
    struct socket sockets[2];
};

static void read_limit(struct reader *r, const char *key, void *object)
{
    struct socket *socket = object;
    const uint32_t *limit = r->context;
    socket->limit = *limit;
    (void)reader_has(r, key);
}

static const struct field_hook limit_hook = {.read = read_limit};
static const struct field socket_fields[] = {
    FIELD_STRING(struct socket, wall, "wall", FACE_STORE, .ignored = true),
    FIELD_COUNT(struct socket, volts, "volts", FACE_STORE, .required = true),
    FIELD_HOOK("limit", limit_hook, FACE_STORE),
};
static const struct schema socket_schema = SCHEMA(socket, socket_fields);

static void read_sockets(struct reader *r, const char *key, void *object)
{
    static const uint32_t limit = 240;
    struct strip *strip = object;
    const json_t *list = reader_array(r, key, ARRAY_SIZE(strip->sockets));
    r->context = &limit;
    for (size_t i = 0; i < json_array_size(list) && r->result == 0; i++) {
        const struct schema_place place = {key, (int)i, json_array_get(list, i)};
        schema_read_below(&socket_schema, r, &place, &strip->sockets[i], FACE_STORE);
    }
}

static const struct field_hook sockets_hook = {.read = read_sockets};
static const struct field strip_fields[] = {FIELD_HOOK("sockets", sockets_hook, FACE_STORE)};
static const struct schema strip_schema = SCHEMA(strip, strip_fields);

static int parse_strip(const char *text, struct strip *strip, struct error *err)
{
    CLEANUP_JSON json_t *json = json_loads(text, 0, NULL);
    const struct schema_input in = {.json = json, .origin = "store", .face = FACE_STORE};
    return schema_parse(&strip_schema, &in, strip, err);
}

static void a_hook_reads_onto_what_is_there(void **state)
{
    (void)state;
    struct strip strip = {.sockets = {{.wall = "north"}, {.wall = "south"}}};
    struct error err = {0};
    const char *text = "{\"sockets\": [{\"wall\": 7, \"volts\": 230}, {\"volts\": 110}]}";
    assert_int_equal(parse_strip(text, &strip, &err), 0);
    assert_string_equal(strip.sockets[0].wall, "north");
    assert_int_equal(strip.sockets[0].volts, 230);
    assert_int_equal(strip.sockets[1].volts, 110);
    assert_int_equal(strip.sockets[1].limit, 240);
    text = "{\"sockets\": [{\"volts\": 230}, {\"wall\": \"east\"}]}";
    assert_true(parse_strip(text, &strip, &err) < 0);
    assert_string_equal(err.message, "sockets[1].volts: is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_are_sound),
        cmocka_unit_test(a_table_that_is_not_sound_is_found),
        cmocka_unit_test(what_can_not_be_seen_is_read_from_the_store_alone),
        cmocka_unit_test(each_kind_is_read_and_written),
        cmocka_unit_test(a_face_has_its_own_keys),
        cmocka_unit_test(what_is_no_text_is_written_without_it),
        cmocka_unit_test(each_refusal_names_the_path),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_hook_reads_onto_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
