/* SPDX-License-Identifier: Apache-2.0 */
/* No listing is wider than the terminal, whatever is in it, and what is needed to act is there. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "answered.h"
#include "base/mem.h"
#include "cli/help.h"
#include "cli/text.h"
#include "cli/waiting.h"
#include "test.h"

#define UUID "7d0f3c1e-2b41-4c59-8000-000000000001"
#define VM "build-runner-windows-2022-gpu-07"
#define LONG_VM VM "-" VM "-" VM "-" VM
#define MODEL "rtx-pro-6000-blackwell-max-q"
#define TIME "2026-01-02T03:04:05.123456Z"
#define PROBLEM                                                                                    \
    "the driver answers no call since 03:04:05 (Xid 79, GPU has fallen off the bus), see journal"

#define GPU(vm, problem)                                                                           \
    "{\"gpus\":[{\"address\":\"0000:41:00.0\",\"index\":12,\"name\":\"NVIDIA RTX PRO 6000 "        \
    "Blackwell Max-Q Workstation Edition\",\"mode\":\"time-sliced\",\"memory\":{\"totalBytes\":"   \
    "103079215104,\"usedBytes\":96636764160},\"gpuInstances\":[],\"vgpus\":[1,2],\"vm\":" vm       \
    ",\"problem\":" problem "}]}"
#define CLAIM(name, vm, device)                                                                    \
    "{\"claims\":[{\"name\":\"" name "\",\"state\":\"releasing\",\"vm\":\"" vm "\",\"mode\":"      \
    "\"time-sliced-mig-backed\",\"type\":\"NVIDIA RTX PRO 6000 Blackwell DC-1-24Q\","              \
    "\"got\":{\"profile\":\"1g.24gb+gfx\",\"gpu\":\"0000:41:00.0\"," device                        \
    "},\"site\":\"frankfurt-2\"}]}"

struct listing {
    const char *command;
    const char *reply;
    const char *whole; /* at 80 columns in one piece, words between blanks */
};

static const struct listing listings[] = {
    {"gpu list", GPU("\"web1\"", "null"), "0000:41:00.0 12 time-sliced 90.0 web1 NVIDIA"},
    {"gpu list", GPU("null", "\"" PROBLEM "\""), "0000:41:00.0 time-sliced Xid 79, journal"},
    {"gpu list", GPU("\"" LONG_VM "\"", "null"), "0000:41:00.0 time-sliced"},
    {"claim list", CLAIM("web1", "web1", "\"device\":\"0000:41:00.5\""),
     "web1 releasing 0000:41:00.0 0000:41:00.5 DC-1-24Q"},
    {"claim list", CLAIM("web1", "web1", "\"mdevUuid\":\"" UUID "\""),
     "web1 releasing 0000:41:00.0 " UUID},
    {"claim list", CLAIM(VM, VM, "\"device\":\"0000:41:00.5\""),
     "releasing 0000:41:00.0 0000:41:00.5"},
    {"claim list", CLAIM(LONG_VM, LONG_VM, "\"mdevUuid\":\"" UUID "\""),
     "releasing 0000:41:00.0 " UUID},
    {"claim list --released",
     "{\"released\":[{\"claim\":{\"name\":\"" VM "\",\"vm\":\"" VM "\",\"mode\":"
     "\"time-sliced-mig-backed\",\"type\":\"NVIDIA DC-1-24Q\"},\"releasedAt\":\"" TIME
     "\",\"reason\":\"its VM was undefined\"}]}",
     "DC-1-24Q its VM undefined"},
    {"plan list",
     "{\"plans\":[{\"id\":\"" UUID "\",\"state\":\"running\",\"steps\":[{},{}],\"createdAt\":"
     "\"" TIME "\",\"author\":\"root\",\"reason\":\"claim create " VM "\"}]}",
     UUID " running claim create"},
    {"plan show x",
     "{\"id\":\"" UUID "\",\"state\":\"failed\",\"createdAt\":\"" TIME "\",\"problem\":\"" PROBLEM
     "\",\"reason\":\"claim create\",\"steps\":[{\"state\":\"failed\",\"text\":\"create vGPU "
     "DC-1-24Q on 0000:41:00.5\",\"problem\":\"" PROBLEM "\",\"claim\":\"" VM "\",\"vm\":\"" VM
     "\"}],\"instances\":[{\"gpu\":\"0000:41:00.0\",\"profile\":\"1g.24gb+me.all\",\"start\":9,"
     "\"size\":3,\"what\":\"destroyed\"}]}",
     UUID " failed 0000:41:00.5: 0000:41:00.0 destroyed"},
    {"plan show y",
     "{\"id\":\"" UUID "\",\"state\":\"done\",\"reason\":\"claim delete\",\"steps\":[],\"claims\":"
     "[{\"verb\":\"release\",\"claim\":{\"name\":\"" VM "\",\"got\":{\"gpu\":\"0000:41:00.0\"}}}],"
     "\"moves\":[{\"claim\":\"b\",\"text\":\"move claim b from 0 to 4: " PROBLEM
     "\"}],\"vms\":[\"" VM "\",\"" VM "\",\"" VM "\"],\"bars\":[{\"vm\":\"" VM
     "\",\"device\":\"0000:41:00.5\"}],"
     "\"left\":[\"GPU 0000:41:00.0: " PROBLEM "\"]}",
     UUID " 0000:41:00.0 0000:41:00.5, journal"},
    {"vm lint x",
     "{\"vm\":\"" VM
     "\",\"errors\":1,\"findings\":[{\"severity\":\"error\",\"line\":12,\"element\":"
     "\"hostdev\",\"message\":\"" PROBLEM "\",\"rule\":\"saved-state\",\"why\":\"" PROBLEM
     "\",\"source\":\"QEMU, docs/pcie.txt\",\"advice\":\"" PROBLEM "\"}]}",
     "error: <hostdev>: [saved-state] docs/pcie.txt)"},
    {"gc",
     "{\"garbage\":[],\"kept\":[{\"text\":\"vGPU DC-1-24Q: " PROBLEM "\",\"reason\":\"" PROBLEM
     "\"}]}",
     "DC-1-24Q: journal"},
    {"vm list",
     "{\"vms\":[{\"name\":\"" VM "\",\"state\":\"shut-off\",\"vcpus\":128,\"memoryKib\":536870912,"
     "\"devices\":[{\"address\":\"0000:41:00.5\"},{\"mdevUuid\":\"" UUID "\"},{\"mdevUuid\":\"" UUID
     "\"}]}]}",
     VM " shut-off 0000:41:00.5, " UUID ", " UUID},
    {"profile list",
     "{\"profiles\":[{\"name\":\"1g.24gb+me.all\",\"profileId\":147,\"memoryMib\":24167,"
     "\"memorySlices\":3,\"multiprocessors\":46,\"maxInstances\":4,\"remaining\":4,\"placements\":"
     "[{\"start\":0},{\"start\":3},{\"start\":6},{\"start\":9}],\"model\":\"" MODEL
     "\"}],\"types\":[{\"name\":\"NVIDIA RTX Pro 6000 Blackwell "
     "DC-1-24Q\",\"typeId\":1500,\"framebufferMib\":24576,"
     "\"migBacked\":true,\"profile\":\"1g.24gb+gfx\",\"maxPerGpu\":12,\"maxPerInstance\":3,"
     "\"model\":\"" MODEL "\"}]}",
     "1g.24gb+me.all 0, 3, 6, 9 DC-1-24Q 1g.24gb+gfx " MODEL},
    {"event list",
     "{\"events\":[{\"seq\":123456,\"time\":\"" TIME "\",\"kind\":\"plan-finished\",\"subject\":"
     "\"plan/" UUID "\",\"author\":\"root\",\"message\":\"" PROBLEM "\"}]}",
     "123456 03:04:05 plan-finished plan/" UUID " Xid journal root"},
    {"rule list",
     "{\"rules\":[{\"id\":\"mig-vgpu-not-for-windows-on-h100\",\"statement\":\"A MIG-backed vGPU "
     "on H100 can't serve a Windows guest.\",\"source\":\"https://docs.nvidia.com/vgpu/latest/"
     "grid-vgpu-release-notes-generic-linux-kvm/index.html\"}]}",
     "mig-vgpu-not-for-windows-on-h100 MIG-backed"},
    {"host show",
     "{\"name\":\"fake\",\"kernel\":\"6.12.0-generic-with-a-long-name-of-its-distribution\","
     "\"driverVersion\":\"580.82.07\",\"hook\":null}",
     "580.82.07"},
    {"migration list",
     "{\"migrations\":[{\"id\":\"" UUID "\",\"request\":{\"vm\":\"" VM "\",\"destination\":"
     "\"qemu+ssh://host-2.example.org/system\"},\"state\":\"switching\",\"createdAt\":\"" TIME
     "\",\"problem\":{\"message\":\"" PROBLEM "\"}}],\"incoming\":[{\"id\":\"" UUID
     "\",\"vm\":\"" VM "\",\"host\":\"host-2\",\"state\":\"arrived\",\"createdAt\":\"" TIME "\"}]}",
     UUID " switching arrived"},
    {"migration show x",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"failed\",\"request\":{\"vm\":\"" VM
     "\"},\"checks\":[{\"result\":\"unknown\",\"rule\":\"same-driver-branch\",\"claim\":\"" VM
     "\",\"source\":\"580.82.07 on NVIDIA L40S\",\"target\":\"570.124.06 on NVIDIA L40S\","
     "\"message\":\"" PROBLEM "\"}]}}",
     "unknown same-driver-branch journal"},
    {"migration show y",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"switching\",\"answeredAt\":\"" TIME
     "\",\"request\":{\"vm\":\"" LONG_VM "\"},\"problem\":{\"message\":\"" PROBLEM
     "\"},\"settled\":\"away\",\"settledBy\":\"" VM "\",\"progress\":{\"totalBytes\":4294967296,"
     "\"remainingBytes\":2147483648,\"bytesPerSecond\":1073741824}}}",
     "Problem: journal Settled: 03:04:05 settle " UUID "`"},
    {"migration settle x --away --dry-run",
     "{\"migration\":{\"id\":\"" UUID "\",\"target\":\"qemu+ssh://host-2.example.org/system\","
     "\"answeredAt\":\"" TIME "\",\"request\":{\"vm\":\"" VM
     "\"}},\"settlement\":{\"here\":\"" PROBLEM "\",\"silence\":\"" PROBLEM
     "\",\"steps\":[\"" PROBLEM "\"],\"afterwards\":[\"" PROBLEM "\",\"" PROBLEM "\"]}}",
     UUID " journal qemu+ssh://host-2.example.org/system: 03:04:05 libvirt"},
    {"vm migrate x qemu:///system --dry-run",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"checking\",\"target\":\"host-2.example.org\","
     "\"request\":{\"vm\":\"" VM "\"},\"steps\":[\"create vGPU DC-1-24Q: " PROBLEM "\"],\"checks\":"
     "[]}}",
     "DC-1-24Q: journal migrate."},
    {"vm migrate x qemu:///system --no-wait",
     "{\"migration\":{\"id\":\"" UUID "\",\"state\":\"switching\",\"request\":{\"vm\":\"" VM
     "\"}}}",
     VM " show " UUID "`"},
    {"host restore --dry-run",
     "{\"state\":\"planned\",\"plans\":[],\"gpus\":[],\"absent\":[],\"definitions\":[{\"vm\":\"" VM
     "\",\"problem\":\"" PROBLEM "\",\"hint\":\"" PROBLEM "\"}]}",
     VM ": journal"},
    {"host drain --status",
     "{\"drain\":{\"finishedAt\":\"" TIME "\",\"vms\":[{\"vm\":\"" VM
     "\",\"devices\":\"DC-1-24Q on "
     "0000:41:00.0\",\"verdict\":\"stay\",\"target\":\"qemu+ssh://host-2.example.org/system\","
     "\"state\":\"waiting\",\"reason\":\"" PROBLEM "\"}]}}",
     "0000:41:00.0"},
};

/* What `run` writes to standard output; the caller frees. */
static char *output_of(void (*run)(void *data), void *data)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
    run(data);
    (void)fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    char *text = xcalloc((size_t)size + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    (void)fclose(file);
    return text;
}

struct line {
    const char *command;
    const char *more; /* further words */
};

static void run_line(void *data)
{
    const struct line *line = data;
    CLEANUP_FREE char *text = xasprintf("cleave %s%s", line->command, line->more);
    char *argv[ANSWERED_MAX_WORDS] = {NULL};
    int argc = 0;
    struct cli cli = {0};
    struct args args = {0};
    struct error err = {0};
    int r = answered_parse(text, argv, &argc, &cli, &args, &err);
    if (r == 0 && args.want == ARGS_HELP) {
        help_print(args.object, args.words.verb);
    } else if (r == 0 && args.words.verb->run_raw != NULL) {
        r = args.words.verb->run_raw(argc - args.rest + 1, argv + args.rest - 1);
    } else if (r == 0) {
        r = args.words.verb->run(&cli, &args.words, &err);
    }
    client_free(cli.client);
    waiting_free(cli.waiting);
    if (r != 0) {
        fprintf(stderr, "%s: %s\n", line->command, err.message);
    }
}

static char *listed(const struct listing *listing, const char *more, const char *columns)
{
    struct line line = {listing->command, more};
    answer = listing->reply;
    if (columns == NULL) {
        unsetenv("COLUMNS");
    } else {
        setenv("COLUMNS", columns, 1);
    }
    return output_of(run_line, &line);
}

static void assert_width(const char *command, const char *text, size_t width)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    char *rest = copy;
    assert_true(text[0] != '\0');
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (text_width(line) > width) {
            fail_msg("%s: %zu columns, not %zu:\n%s", command, text_width(line), width, text);
        }
    }
}

static void assert_words(const struct listing *listing, const char *text)
{
    CLEANUP_FREE char *words = xstrdup(listing->whole);
    char *rest = words;
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        if (strstr(text, word) == NULL) {
            fail_msg("%s lacks \"%s\":\n%s", listing->command, word, text);
        }
    }
}

static void no_listing_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const size_t widths[] = {60, 72, 80, 100, 132, 200};
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            CLEANUP_FREE char *columns = xasprintf("%zu", widths[k]);
            CLEANUP_FREE char *text = listed(&listings[i], "", columns);
            assert_width(listings[i].command, text, widths[k]);
        }
    }
}

static void what_is_needed_to_act_stays_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        static const char *const widths[] = {"80", "100", "200"};
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            CLEANUP_FREE char *text = listed(&listings[i], "", widths[k]);
            assert_words(&listings[i], text);
        }
    }
}

static void a_wide_table_is_what_a_pipe_gets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        CLEANUP_FREE char *piped = listed(&listings[i], "", NULL);
        CLEANUP_FREE char *wide = listed(&listings[i], " -o wide", "40");
        CLEANUP_FREE char *roomy = listed(&listings[i], "", "2000");
        assert_string_equal(piped, wide);
        assert_string_equal(piped, roomy);
        assert_words(&listings[i], piped);
    }
}

static void everything_listed_is_json_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        CLEANUP_FREE char *text = listed(&listings[i], " -o json", "40");
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_JSON json_t *wanted = NULL;
        struct error err = {0};
        assert_int_equal(json_read(text, strlen(text), "test", &json, &err), 0);
        assert_int_equal(json_read(answer, strlen(answer), "test", &wanted, &err), 0);
        assert_true(json_equal(json, wanted));
    }
}

static void help_fits_everywhere(void **state)
{
    (void)state;
    size_t n = 0;
    const struct verb *verbs = verbs_all(&n);
    for (size_t i = 0; i < n; i++) {
        struct line object = {verbs[i].object, " --help"};
        if (verbs[i].name != NULL || verbs[i].run != NULL) {
            CLEANUP_FREE char *of_object = output_of(run_line, &object);
            assert_width(verbs[i].object, of_object, 80);
        }
        if (verbs[i].name != NULL && verbs[i].run != NULL) {
            CLEANUP_FREE char *command = xasprintf("%s %s", verbs[i].object, verbs[i].name);
            struct line line = {command, " --help"};
            CLEANUP_FREE char *text = output_of(run_line, &line);
            assert_width(command, text, 80);
        }
    }
    static const struct line others[] = {
        {"--help", ""}, {"layout check", " --help"}, {"dial", " --help"}, {"hook qemu", " --help"}};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        struct line line = others[i];
        CLEANUP_FREE char *text = output_of(run_line, &line);
        assert_width(line.command, text, 80);
    }
}

static void wraps(const char *text, size_t width, const char *wanted)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    text_wrap(text, width, "|", &out);
    assert_string_equal(strbuf_str(&out), wanted);
}

static void shortens(const char *text, size_t width, const char *wanted)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    text_shorten(text, width, &out);
    assert_string_equal(strbuf_str(&out), wanted);
}

static void texts_are_broken_between_characters(void **state)
{
    (void)state;
    wraps("", 4, "");
    wraps("ab cd", 5, "ab cd");
    wraps("ab cd", 4, "ab|cd");
    wraps("ab cdefghij k", 4, "ab|cdef|ghij|k");
    wraps("a  b", 4, "a  b");
    wraps("äö üß", 4, "äö|üß");
    wraps("日本語", 4, "日本|語");
    shortens("abcdefghij", 10, "abcdefghij");
    shortens("abcdefghij", 7, "abc…hij");
    shortens("abcdefghij", 6, "abc…ij");
    shortens("äöüßäöüß", 5, "äö…üß");
    shortens("日本語日本語", 7, "日…語");
    shortens("abc", 2, "ab");
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("a\xff"), 5); /* "a\xff", as the table writes it */
}

int main(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_listing_is_wider_than_the_terminal),
        cmocka_unit_test(what_is_needed_to_act_stays_whole),
        cmocka_unit_test(a_wide_table_is_what_a_pipe_gets),
        cmocka_unit_test(everything_listed_is_json_too),
        cmocka_unit_test(help_fits_everywhere),
        cmocka_unit_test(texts_are_broken_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
