/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/picture.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "test.h"

static json_t *read_json(const char *text)
{
    json_t *json = NULL;
    struct error err = {0};
    if (json_read(text, strlen(text), "test", &json, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    return json;
}

static void draws_with(const char *gpu_text, const char *profiles_text, const char *claims_text,
                       const char *wanted)
{
    CLEANUP_JSON json_t *gpu = read_json(gpu_text);
    CLEANUP_JSON json_t *profiles = profiles_text == NULL ? NULL : read_json(profiles_text);
    CLEANUP_JSON json_t *claims = claims_text == NULL ? NULL : read_json(claims_text);
    CLEANUP_STRBUF struct strbuf out = {0};
    picture_draw(gpu, profiles, claims, PICTURE_ASCII, 0, &out);
    assert_string_equal(strbuf_str(&out), wanted);
}

static void draws(const char *gpu_text, const char *profiles_text, const char *wanted)
{
    draws_with(gpu_text, profiles_text, NULL, wanted);
}

#define FOUR_SLICES "{\"models\":[{\"memorySlices\":4,\"memoryMib\":24576}],\"types\":[]}"

static void instances_stand_on_their_slices(void **state)
{
    (void)state;
    draws("{\"mode\":\"mig\",\"gpuInstances\":["
          "{\"id\":5,\"profile\":\"1g.6gb\",\"start\":3,\"size\":1,\"computeInstances\":1}],"
          "\"vgpus\":[]}",
          FOUR_SLICES,
          "    4 memory slices\n"
          "        +------------------------------------------------------------+\n"
          "      0 | free                                                       |\n"
          "      1 | .                                                          |\n"
          "      2 | .                                                          |\n"
          "        +------------------------------------------------------------+\n"
          "      3 | 1g.6gb #5           compute                                |\n"
          "        +------------------------------------------------------------+\n");
}

#define CUT(compute_)                                                                              \
    "{\"address\":\"0000:41:00.0\",\"mode\":\"mig\",\"gpuInstances\":[{\"id\":1,\"profile\":\"3g." \
    "20gb\","                                                                                      \
    "\"start\":0,\"size\":4," compute_ "}],\"vgpus\":[]}"

static void compute_instances_stand_in_their_gpu_instance(void **state)
{
    (void)state;
    static const struct {
        const char *gpu, *lines[4];
    } rows[] = {
        {CUT("\"computeInstances\":2,\"compute\":[{\"id\":0,\"start\":0,\"size\":2},"
             "{\"id\":1,\"start\":2,\"size\":1}]"),
         {"2c #0 at 0-1", "1c #1 at 2", "", ""}},
        {CUT("\"computeInstances\":1,\"compute\":[{\"id\":4,\"start\":1,\"size\":1}]"),
         {"1c #4 at 1", "", "", ""}},
        {CUT("\"computeInstances\":1,\"compute\":[{\"id\":0,\"start\":0,\"size\":3}]"),
         {"compute", "", "", ""}},
        {CUT("\"computeInstances\":2,\"compute\":[]"), {"2 x compute", "", "", ""}},
        {CUT("\"computeInstances\":2,\"compute\":[{\"id\":0,\"start\":0,\"size\":1}]"),
         {"2 x compute", "", "", ""}},
        {CUT("\"computeInstances\":0,\"compute\":[]"), {"no vGPU", "", "", ""}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_STRBUF struct strbuf wanted = {0};
        strbuf_add(&wanted, "    4 memory slices\n"
                            "        +------------------------------------------------------------+"
                            "\n");
        for (int line = 0; line < 4; line++) {
            strbuf_addf(&wanted, "      %d | %-20s%-38s |\n", line, line == 0 ? "3g.20gb #1" : "",
                        rows[i].lines[line]);
        }
        strbuf_add(&wanted, "        +------------------------------------------------------------+"
                            "\n");
        draws(rows[i].gpu, FOUR_SLICES, strbuf_str(&wanted));
    }
}

static void a_claimed_instance_that_was_cut_names_its_claim_and_its_parts(void **state)
{
    (void)state;
    static const char gpu[] =
        CUT("\"computeInstances\":2,\"compute\":[{\"id\":0,\"start\":0,\"size\":2},"
            "{\"id\":1,\"start\":2,\"size\":1}]");
    static const char claims[] =
        "{\"claims\":[{\"name\":\"c3\",\"vm\":null,\"mode\":\"gpu-instance\",\"state\":\"bound\","
        "\"assigned\":{\"gpu\":\"0000:41:00.0\",\"start\":0}}]}";
    CLEANUP_JSON json_t *gpu_json = read_json(gpu);
    CLEANUP_JSON json_t *claims_json = read_json(claims);
    CLEANUP_STRBUF struct strbuf out = {0};
    picture_draw(gpu_json, NULL, claims_json, PICTURE_ASCII, 80, &out);
    assert_non_null(strstr(strbuf_str(&out), "3g.20gb #1          2c #0 at 0-1  claim c3 "));
    assert_non_null(strstr(strbuf_str(&out), "                    1c #1 at 2  "));
    CLEANUP_STRBUF struct strbuf narrow = {0};
    picture_draw(gpu_json, NULL, claims_json, PICTURE_ASCII, 50, &narrow);
    assert_non_null(strstr(strbuf_str(&narrow), "3g.20gb #1: 2c #0 at 0-1,"));
    assert_non_null(strstr(strbuf_str(&narrow), "claim c3"));
}

static void more_vgpus_than_slices_take_more_lines(void **state)
{
    (void)state;
    draws("{\"mode\":\"mig\",\"gpuInstances\":["
          "{\"id\":1,\"profile\":\"1g.6gb\",\"start\":0,\"size\":1,\"computeInstances\":0}],"
          "\"vgpus\":[{\"type\":\"A\",\"gpuInstance\":1,\"vm\":\"one\"},"
          "{\"type\":\"B\",\"gpuInstance\":1,\"vm\":null},"
          "{\"type\":\"C\",\"gpuInstance\":null,\"vm\":null}]}",
          "{\"models\":[{\"memorySlices\":1}],\"types\":[]}",
          "    1 memory slice\n"
          "        +------------------------------------------------------------+\n"
          "      0 | 1g.6gb #1           A             one                      |\n"
          "        |                     B             no VM                    |\n"
          "        +------------------------------------------------------------+\n");
}

static void an_uncatalogued_board_shows_what_is_observed(void **state)
{
    (void)state;
    draws("{\"mode\":\"mig\",\"gpuInstances\":["
          "{\"id\":1,\"profile\":null,\"start\":0,\"size\":2,\"computeInstances\":0}],"
          "\"vgpus\":[]}",
          NULL,
          "    2 memory slices\n"
          "        +------------------------------------------------------------+\n"
          "      0 | ? #1                no vGPU                                |\n"
          "      1 |                                                            |\n"
          "        +------------------------------------------------------------+\n");
    draws("{\"mode\":\"mig\",\"gpuInstances\":[],\"vgpus\":[]}", NULL, "    No GPU instances\n");
}

static void time_sliced_vgpus_have_their_share(void **state)
{
    (void)state;
    draws("{\"mode\":\"time-sliced\",\"gpuInstances\":[],"
          "\"vgpus\":[{\"type\":\"X-12Q\",\"gpuInstance\":null,\"vm\":\"desk\"}]}",
          "{\"models\":[{\"memorySlices\":null,\"memoryMib\":24576}],"
          "\"types\":[{\"name\":\"X-12Q\",\"framebufferMib\":12288}]}",
          "    Framebuffer, 24 GiB\n"
          "        +----------------------------------------------------------------------+\n"
          "        | X-12Q         desk                       12 GiB  ##########          |\n"
          "        | free                                     12 GiB  ..........          |\n"
          "        +----------------------------------------------------------------------+\n");
}

static void pass_through_is_one_line(void **state)
{
    (void)state;
    draws("{\"mode\":\"passthrough\",\"vm\":\"big\"}", NULL, "    The whole GPU: VM big\n");
}

#define BOUND "\"state\":\"bound\",\"assigned\":{\"gpu\":\"0000:41:00.0\","

static void claims_tell_whose_a_part_is_while_its_vm_is_off(void **state)
{
    (void)state;
    const char *claims =
        "{\"claims\":["
        "{\"name\":\"c1\",\"vm\":\"a-vm-with-a-name-of-29-letter\"," BOUND
        "\"device\":\"0000:41:00.4\"}},"
        "{\"name\":\"c2\",\"vm\":null," BOUND "\"mdevUuid\":\"u-2\"}},"
        "{\"name\":\"c3\",\"vm\":null,\"mode\":\"gpu-instance\"," BOUND "\"start\":1}},"
        "{\"name\":\"c4\",\"vm\":\"w\",\"state\":\"failed\",\"assigned\":null}]}";
    draws_with(
        "{\"address\":\"0000:41:00.0\",\"mode\":\"mig\",\"gpuInstances\":["
        "{\"id\":1,\"profile\":\"1g.6gb\",\"start\":0,\"size\":1},"
        "{\"id\":2,\"profile\":\"1g.6gb\",\"start\":1,\"size\":1,\"computeInstances\":1}],"
        "\"vgpus\":[{\"type\":\"A\",\"gpuInstance\":1,\"vm\":\"on\",\"device\":\"x\"},"
        "{\"type\":\"A\",\"gpuInstance\":1,\"vm\":null,\"device\":\"0000:41:00.4\"},"
        "{\"type\":\"A\",\"gpuInstance\":1,\"vm\":null,\"mdevUuid\":\"u-2\"},"
        "{\"type\":\"A\",\"gpuInstance\":1,\"vm\":null,\"mdevUuid\":\"u-3\"}]}",
        NULL, claims,
        "    2 memory slices\n"
        "        +----------------------------------------------------------------------+\n"
        "      0 | 1g.6gb #1           A             on                                 |\n"
        "        |                     A             a-vm-with-a-name-of-29-letter, off |\n"
        "        |                     A             claim c2                           |\n"
        "        |                     A             no claim                           |\n"
        "        +----------------------------------------------------------------------+\n"
        "      1 | 1g.6gb #2           compute       claim c3                           |\n"
        "        +----------------------------------------------------------------------+\n");
    draws_with("{\"address\":\"0000:41:00.0\",\"mode\":\"passthrough\",\"vm\":null}", NULL,
               "{\"claims\":[{\"name\":\"p\",\"vm\":\"big\",\"mode\":\"passthrough\"," BOUND
               "\"start\":null}}]}",
               "    The whole GPU: VM big, off\n");
}

static void a_long_name_keeps_both_its_ends(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    name[0] = 'a';
    name[sizeof(name) - 2] = 'z';
    CLEANUP_FREE char *gpu =
        xasprintf("{\"mode\":\"time-sliced\",\"memoryBytes\":null,\"vgpus\":[{\"type\":"
                  "\"L40S-8Q\",\"vm\":\"%s\"}]}",
                  name);
    CLEANUP_JSON json_t *json = read_json(gpu);
    CLEANUP_STRBUF struct strbuf out = {0};
    picture_draw(json, NULL, NULL, PICTURE_ASCII, 0, &out);
    assert_non_null(strstr(strbuf_str(&out), " axxxxxxxxxxxxxxx...x"));
    assert_non_null(strstr(strbuf_str(&out), "...xxxxxxxxxxxxxxz "));
}

static void names_are_cut_between_characters(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *gpu = read_json(
        "{\"mode\":\"time-sliced\",\"memory\":{\"totalBytes\":25769803776},\"vgpus\":[{\"type\":"
        "\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\",\"vm\":null}]}");
    CLEANUP_STRBUF struct strbuf out = {0};
    picture_draw(gpu, NULL, NULL, PICTURE_ASCII, 0, &out);
    assert_true(str_is_clean(strstr(strbuf_str(&out), "\xc3\xa4") != NULL ? "x" : ""));
    assert_non_null(strstr(strbuf_str(&out), "\xc3\xa4no VM"));
}

static void an_instance_of_one_claim_has_no_room_for_more(void **state)
{
    (void)state;
    static const char *const modes[] = {"mig-backed", "time-sliced-mig-backed"};
    CLEANUP_JSON json_t *gpu = read_json(
        "{\"mode\":\"mig\",\"address\":\"0000:41:00.0\",\"gpuInstances\":[{\"id\":1,"
        "\"profile\":\"1g.24gb+gfx\",\"start\":0,\"size\":3}],\"vgpus\":[{\"type\":\"DC-1-8C\","
        "\"gpuInstance\":1,\"device\":\"0000:41:00.4\",\"mdevUuid\":null,\"vm\":null}]}");
    CLEANUP_JSON json_t *profiles = read_json("{\"models\":[{\"memorySlices\":3}],\"types\":[{"
                                              "\"name\":\"DC-1-8C\",\"maxPerInstance\":3}]}");
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        CLEANUP_FREE char *text = xasprintf("{\"claims\":[{\"name\":\"a\",\"state\":\"bound\","
                                            "\"mode\":\"%s\",\"assigned\":{\"gpu\":"
                                            "\"0000:41:00.0\",\"device\":\"0000:41:00.4\"}}]}",
                                            modes[i]);
        CLEANUP_JSON json_t *claims = read_json(text);
        CLEANUP_STRBUF struct strbuf out = {0};
        picture_draw(gpu, profiles, claims, PICTURE_ASCII, 0, &out);
        assert_int_equal(strstr(strbuf_str(&out), "room for 2 more") == NULL, i == 0);
    }
}

static void a_picture_is_as_wide_as_a_terminal_at_most(void **state)
{
    (void)state;
    static const char *const modes[] = {"time-sliced", "mig"};
    static const size_t lengths[] = {1, 23, 24, 25, 34, 35, 120};
    for (size_t i = 0; i < ARRAY_SIZE(modes) * ARRAY_SIZE(lengths); i++) {
        char name[128] = "";
        memset(name, 'n', lengths[i / ARRAY_SIZE(modes)]);
        CLEANUP_FREE char *text = xasprintf(
            "{\"mode\":\"%s\",\"memory\":{\"totalBytes\":25769803776},\"gpuInstances\":[{\"id\":1,"
            "\"profile\":\"1g.24gb+gfx\",\"start\":0,\"size\":3}],\"vgpus\":[{\"type\":"
            "\"L40S-8Q\",\"gpuInstance\":1,\"vm\":\"%s\"}]}",
            modes[i % ARRAY_SIZE(modes)], name);
        CLEANUP_JSON json_t *gpu = read_json(text);
        CLEANUP_STRBUF struct strbuf out = {0};
        picture_draw(gpu, NULL, NULL, PICTURE_ASCII, 0, &out);
        for (const char *line = strbuf_str(&out); *line != '\0'; line += strcspn(line, "\n") + 1) {
            assert_true(strcspn(line, "\n") <= 80);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_stand_on_their_slices),
        cmocka_unit_test(compute_instances_stand_in_their_gpu_instance),
        cmocka_unit_test(a_claimed_instance_that_was_cut_names_its_claim_and_its_parts),
        cmocka_unit_test(more_vgpus_than_slices_take_more_lines),
        cmocka_unit_test(an_uncatalogued_board_shows_what_is_observed),
        cmocka_unit_test(time_sliced_vgpus_have_their_share),
        cmocka_unit_test(pass_through_is_one_line),
        cmocka_unit_test(claims_tell_whose_a_part_is_while_its_vm_is_off),
        cmocka_unit_test(a_long_name_keeps_both_its_ends),
        cmocka_unit_test(names_are_cut_between_characters),
        cmocka_unit_test(an_instance_of_one_claim_has_no_room_for_more),
        cmocka_unit_test(a_picture_is_as_wide_as_a_terminal_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
