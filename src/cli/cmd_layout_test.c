/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"

#define MAX_WORDS 32

/* What a command printed, and its exit status. */
struct run {
    int status;
    char out[16384];
    char err[2048];
};

/* Puts a temporary file in the place of a stream. */
struct diverted {
    int fd;
    int saved;
    FILE *file;
};

static struct diverted divert(int fd)
{
    struct diverted diverted = {.fd = fd, .saved = dup(fd), .file = tmpfile()};
    assert_non_null(diverted.file);
    assert_true(dup2(fileno(diverted.file), fd) >= 0);
    return diverted;
}

static void restore(struct diverted *diverted, char *text, size_t size)
{
    assert_true(dup2(diverted->saved, diverted->fd) >= 0);
    (void)close(diverted->saved);
    rewind(diverted->file);
    text[fread(text, 1, size - 1, diverted->file)] = '\0';
    (void)fclose(diverted->file);
}

/* `line`: what follows "layout check", with blanks between. */
/* `cleave layout check` */
static const struct command *find_check(void)
{
    for (size_t i = 0; i < commands_count(); i++) {
        if (str_eq(commands_at(i)->object, "layout")) {
            return commands_at(i);
        }
    }
    fail_msg("there is no command layout");
    return NULL;
}

static struct run run(const char *line)
{
    char storage[512];
    char *argv[MAX_WORDS + 1] = {"check"};
    int argc = 1;
    assert_true(STR_SET(storage, line));
    char *rest = storage;
    while (rest != NULL && rest[0] != '\0') {
        assert_true(argc < MAX_WORDS);
        argv[argc++] = strsep(&rest, " ");
    }
    const struct command *check = find_check();
    (void)fflush(stdout);
    struct run result = {.status = -1};
    struct diverted out = divert(STDOUT_FILENO);
    struct diverted err = divert(STDERR_FILENO);
    result.status = check->run_raw(argc, argv);
    (void)fflush(stdout);
    restore(&err, result.err, sizeof(result.err));
    restore(&out, result.out, sizeof(result.out));
    return result;
}

static void assert_run(const char *line, int status, const char *in_out, const char *in_err)
{
    struct run result = run(line);
    if (result.status != status || strstr(result.out, in_out) == NULL ||
        strstr(result.err, in_err) == NULL) {
        fail_msg("%s: exit status %d\n%s%s", line, result.status, result.out, result.err);
    }
}

static void what_fits_is_drawn_and_listed(void **state)
{
    (void)state;
    assert_run("--gpu a100 4g.20gb 2g.10gb 1g.5gb --vgpu A100-4-20C A100-2-10C A100-1-5C", 0,
               "[4g.20gb                    |2g.10gb      |1g.5gb|······]", "");
    assert_run("--gpu a100 2g.10gb=3 --vgpu A100-2-10C=3", 0,
               "2g.10gb      4    2 new   A100-2-10C", "");
    assert_run("--gpu 0x2BB5:0x204E --vgpu DC-1-8C=12", 0,
               "1g.24gb+gfx     9    3 new   3 x DC-1-8C", "");
    assert_run("--gpu a100 --existing 1g.5gb@4 3g.20gb", 0, "3g.20gb      0    4 new", "");
    assert_run("--gpu a100 1c.3g.20gb=3", 0, "|3g.20gb (3 x 1c)   ]", "");
    assert_run("--gpu a100 1c.3g.20gb=3", 0, "3g.20gb (3 x 1c)     4    4 new", "");
    assert_run("--gpu l40s --mixed --vgpu L40S-24Q=1 L40S-8Q=2", 0,
               "L40S-24Q   24576 MiB         0", "");
}

static void what_does_not_fit_says_why_and_what_would(void **state)
{
    (void)state;
    assert_run("--gpu a100 --vgpu A100-3-20C=3", 1, "Slices : [",
               "cleave: A100 PCIe 40GB takes at most 2 of \"A100-3-20C\", and 3 are wanted\n"
               "hint: nearest that fits: 2 × A100-3-20C\n");
    assert_run("--gpu a100 1g.5gb=48", 1, "",
               "takes at most 7 GPU instances, and 48 of \"1g.5gb\" are wanted");
    assert_run("--gpu a100 2g.10gb@6", 1, "",
               "cannot start at memory slice 6: it starts only at 0, 2 or 4");
    assert_run("--gpu a100 --existing 1g.5gb@1,1g.5gb@5 3g.20gb", 1, "1g.5gb",
               "1g.5gb@1 and 1g.5gb@5 are in the way");
    assert_run("--gpu rtx-pro-6000 1g.24gb --vgpu DC-1-24C", 1, "",
               "needs a \"1g.24gb+gfx\" GPU instance, and there is only 1g.24gb@0");
    assert_run("--gpu l40s --vgpu L40S-24Q L40S-8Q", 1, "",
               "hint: allow mixed sizes (--mixed), or take one size");
}

static void slips_are_distinguished_from_refusals(void **state)
{
    (void)state;
    assert_run("", 2, "", "--gpu is missing");
    assert_run("--gpu a100", 2, "", "nothing to check");
    assert_run("--gpu a10O 1g.5gb", 3, "", "did you mean \"a10\"");
    assert_run("--gpu a100 2g.20gb", 3, "", "did you mean \"2g.10gb\"?");
    assert_run("--gpu a100 --vgpu A100-2-11C", 3, "", "did you mean \"A100-2-10C\"?");
    assert_run("--gpu a100 1g.5gb=0", 2, "", "a count is from 1 to 4096");
    assert_run("--gpu a100 1g.5gb@99", 2, "", "@99: a memory slice is from 0 to 31");
    assert_run("--gpu a100 1g.5gb=x", 2, "", "is not NAME[@START][=COUNT]");
    assert_run("--gpu a100 --existing 1g.5gb 2g.10gb", 2, "", "needs a start: PROFILE@START");
    assert_run("--gpu a100 --exsting 1g.5gb@0", 2, "", "did you mean --existing?");
    assert_run("--gpu a100 -o xml 1g.5gb", 2, "", "there is no output format \"xml\"");
    assert_run("--gpu", 2, "", "option --gpu needs a value");
    assert_run("--gpu a100 1g.5gb -f x.yaml", 2, "", "-f checks a file");
    assert_run("--gpu a100 -f /nowhere/x.yaml", 3, "", "/nowhere/x.yaml");
    assert_run("--gpu a100 -f x.yaml -f y.yaml", 2, "", "-f is given twice");
    assert_run("--gpu a100 --gpu a30 1g.5gb", 2, "", "--gpu is given twice");
}

static void a_placement_id_is_taken_in_mixed_size_mode_only(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int status;
        const char *in_out, *in_err;
    } rows[] = {
        {"--gpu a40 --vgpu A40-16Q@17", 2, "", "@17 after \"A40-16Q\": only mixed-size mode"},
        {"--gpu a40 --vgpu A40-16Q@0", 2, "", "leave out @0, or add --mixed"},
        {"--gpu a40 --mixed --vgpu A40-16Q@17", 1, "", "17 is not one of"},
        {"--gpu a40 --mixed --vgpu A40-16Q@0", 0, "A40-16Q", ""},
        {"--gpu rtx-pro-6000-blackwell-se --vgpu DC-1-12C@3", 2, "", "this type is MIG-backed"},
        {"--gpu rtx-pro-6000-blackwell-se --vgpu DC-1-12C@3", 2, "", "1g.24gb+gfx@START"},
        {"--gpu rtx-pro-6000-blackwell-se --mixed --vgpu DC-1-12C@3", 2, "", "MIG-backed"},
        {"--gpu rtx-pro-6000-blackwell-se 1g.24gb+gfx --vgpu DC-1-12C@0", 2, "", "MIG-backed"},
        {"--gpu rtx-pro-6000-blackwell-se 1g.24gb+gfx@3 --vgpu DC-1-12C", 0, "1g.24gb+gfx", ""},
        {"--gpu a100 --vgpu A100-2-10C@0=2", 2, "", "2g.10gb@START"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_run(rows[i].line, rows[i].status, rows[i].in_out, rows[i].in_err);
    }
}

/* nvidia-smi, mdev, Kubernetes, Slurm, and cleave's own hints. */
static void other_tools_words_are_taken_or_refused_with_the_right_one(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int status;
        const char *in_out, *in_err;
    } rows[] = {
        {"--gpu a100 9:0", 0, "3g.20gb      0    4 new", ""},
        {"--gpu a100 9:0,14:4,19:6", 0, "[3g.20gb                    |2g.10gb      |1g.5gb|", ""},
        {"--gpu a100 9,14,19", 0, "1g.5gb ", ""},
        {"--gpu a100 3g.20gb:4", 0, "3g.20gb      4    4 new", ""},
        {"--gpu a100 3g.20gb:2", 1, "", "starts only at 0 or 4"},
        {"--gpu a100 nvidia.com/mig-1g.5gb.me", 0, "1g.5gb+me ", ""},
        {"--gpu a100 gpu:3g.20gb:2", 0, "3g.20gb      0    4 new", ""},
        {"--gpu a100 a100_3g.20gb:0", 0, "3g.20gb      0    4 new", ""},
        {"--gpu a100 2x3g.20gb", 0, "3g.20gb      0    4 new", ""},
        {"--gpu a100 1C.3G.20GB=3", 0, "3g.20gb (3 x 1c)     4    4 new", ""},
        {"--gpu a100 --existing 19:1,19:3 2g.10gb", 0, "2g.10gb      4", ""},
        {"--gpu a100 --vgpu nvidia-474", 0, "A100-1-5C", ""},
        {"--gpu a100 --vgpu 474,475", 0, "A100-2-10C", ""},
        {"--gpu a100 --vgpu nvidia.com/GRID_A100-1-5C", 0, "A100-1-5C", ""},
        {"--gpu l40s --mixed --vgpu L40S-24Q@0 L40S-12Q@36", 0, "L40S-12Q   12288 MiB        36",
         ""},
        {"--gpu l40s --mixed --vgpu L40S-12Q@37", 1, "", "placement id 37 is not one of"},
        {"--gpu a100 nvidia.com/mig-1g.5gb.shared", 2, "", "several containers use in turn"},
        {"--gpu a100 nvidia.com/mig-1g.5gb.count", 2, "", "a label of a Kubernetes node"},
        {"--gpu a100 all-1g.5gb", 2, "", "a label of a mig-parted file"},
        {"--gpu a100 MultipleFiles=/dev/nvidia0", 2, "", "a setting of Slurm's gres.conf"},
        {"--gpu a100 --gres=gpu:a100_1g.5gb:1", 2, "", "name: gpu:a100_1g.5gb:1"},
        {"--gpu a100-80gb gpu:nvidia_a100_80gb_pcie_3g.39gb:2", 0, "3g.40gb      4    4 new", ""},
        {"--gpu gb200 3g.95gb 1g.24gb", 0, "3g.93gb      4    4 new", ""},
        {"--gpu a100-80gb Gres=gpu:1g.10gb:7", 0, "1g.10gb      6", ""},
        {"--gpu a10 --vgpu nvidia.com/A10_8Q", 0, "A10-8Q", ""},
        {"--gpu a10 --vgpu nvidia_a10-8q", 0, "A10-8Q", ""},
        {"--gpu a100 -cgi 9,14", 2, "", "leave out -cgi: the profiles behind it are enough"},
        {"--gpu a100 gpu:a100:2", 2, "", "is a whole GPU, not a part of one"},
        {"--gpu a100 a100", 2, "", "is a whole GPU"},
        {"--gpu a100 gpu:nvidia_a100-pcie-40gb:1", 2, "", "is a whole GPU"},
        {"--gpu a100 A100-1-6C", 3, "", "has no GPU instance profile \"A100-1-6C\""},
        {"--gpu a100 GPU-5c5b2f1e-0000-5de3-91c7-45d71c87eb3f", 2, "", "is a whole GPU"},
        {"--gpu a100 Type=1g.5gb=2", 0, "1g.5gb       5", ""},
        {"--gpu a100 gpu:a100_1g.5gb:2(S:0-15)", 0, "1g.5gb       5", ""},
        {"--gpu a100 --vgpu mdev=nvidia-474", 0, "A100-1-5C", ""},
        {"--gpu a100 --vgpu A100-1-5C:3", 2, "", "write A100-1-5C=3 for 3 of them"},
        {"--gpu nvidia.com/gpu.product=NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED 1g.5gb", 0,
         "a100-sxm4-40gb", ""},
        {"--gpu NVIDIA-A100-SXM4-40GB-SHARED 1g.5gb", 0, "a100-sxm4-40gb", ""},
        {"--gpu a100 h100_1g.5gb", 2, "", "of a board \"h100\", but this board is A100 PCIe 40GB"},
        {"--gpu a100 A100-1-5C", 2, "", "is a vGPU type, not a GPU instance profile"},
        {"--gpu a100 474", 2, "", "hint: give it as a type: A100-1-5C"},
        {"--gpu a100 nvidia.com/gpu", 2, "", "is a whole GPU"},
        {"--gpu a100 --vgpu nvidia-558", 3, "", "no vGPU type of A100 PCIe 40GB is known to have"},
        {"--gpu a100 --vgpu 3g.39gb", 3, "", "has no GPU instance profile \"3g.39gb\""},
        {"--gpu rtx-pro-6000 --vgpu DC-1-12=3", 2, "", "did you mean DC-1-12Q, DC-1-12A or "},
        {"--gpu a100 --vgpu A100-40", 3, "",
         "has no vGPU type \"A100-40\"; did you mean A100-40C?"},
        {"--gpu l40s --vgpu L40S-8", 3, "", "did you mean L40S-8Q, L40S-8A or L40S-8C?"},
        {"--gpu rtx-pro-6000 --vgpu 1611", 0, "DC-1-12", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_run(rows[i].line, rows[i].status, rows[i].in_out, rows[i].in_err);
    }
}

static void json_says_the_same_for_programs(void **state)
{
    (void)state;
    struct run fits = run("--gpu a100 -o json 1g.5gb 4g.20gb@0 --vgpu A100-1-5C");
    assert_int_equal(fits.status, 0);
    assert_string_equal(
        fits.out,
        "{\"fits\":true,\"gpu\":{\"model\":\"a100-pcie-40gb\",\"name\":\"A100 PCIe 40GB\"},"
        "\"instances\":[{\"existing\":false,\"profile\":\"1g.5gb\",\"size\":1,\"start\":6},"
        "{\"existing\":false,\"profile\":\"4g.20gb\",\"size\":4,\"start\":0}],"
        "\"vgpus\":[{\"instance\":0,\"placementId\":null,\"type\":\"A100-1-5C\"}]}\n");
    struct run refused = run("--gpu a100 -o json 4g.20gb=2");
    assert_int_equal(refused.status, 1);
    assert_string_equal(
        refused.out,
        "{\"fits\":false,\"gpu\":{\"model\":\"a100-pcie-40gb\",\"name\":\"A100 PCIe 40GB\"},"
        "\"hint\":\"nearest that fits: 4g.20gb@0 and 3g.20gb@4 (4g.20gb shrunk to 3g.20gb)\","
        "\"message\":\"A100 PCIe 40GB takes at most 1 of \\\"4g.20gb\\\", and 2 are wanted\","
        "\"reason\":\"no-capacity\"}\n");
    assert_run("--gpu a100 -o yaml 7g.40gb", 0, "fits: true", "");
}

/* Writes the file, and checks every label of it against the GPU. */
static struct run run_file(const char *gpu, const char *yaml)
{
    char path[] = "/tmp/layout-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
    (void)close(fd);
    char line[256];
    (void)snprintf(line, sizeof(line), "--gpu %s -f %s", gpu, path);
    struct run result = run(line);
    (void)unlink(path);
    return result;
}

static void each_label_of_a_file_gets_a_line(void **state)
{
    (void)state;
    static const char yaml[] = "version: v1\n"
                               "mig-configs:\n"
                               "  off: [{devices: all, mig-enabled: false}]\n"
                               "  two:\n"
                               "    - devices: [0, 1]\n"
                               "      mig-enabled: true\n"
                               "      mig-devices: {3g.20gb: 2}\n"
                               "    - devices: [2]\n"
                               "      mig-enabled: true\n"
                               "      mig-devices: {}\n"
                               "  other:\n"
                               "    - devices: all\n"
                               "      mig-enabled: true\n"
                               "      mig-devices: {1g.24gb+gfx: 4}\n";
    struct run result = run_file("a100", yaml);
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "off   fits      MIG off\n"));
    assert_non_null(
        strstr(result.out,
               "two   fits      GPUs 0,1: 3g.20gb@0, 3g.20gb@4; GPU 2: MIG on, no instances\n"));
    assert_non_null(strstr(result.out, "other other-gpu \"1g.24gb+gfx\" is a profile of "));
}

/* Typed and in a file, compute instances mean the same. */
static void compute_instances_share_in_words_as_in_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *words, *devices;
        int status;
        const char *in_out, *in_file;
    } rows[] = {
        {"2c.3g.20gb 1c.3g.20gb", "{2c.3g.20gb: 1, 1c.3g.20gb: 1}", 0, "3g.20gb (2c, 1c)",
         "3g.20gb@4 (2c, 1c)"},
        {"1c.3g.20gb=4", "{1c.3g.20gb: 4}", 0, "3g.20gb (3 x 1c)",
         "3g.20gb@0 (3 x 1c), 3g.20gb@4 (1c)"},
        {"3c.3g.20gb 1g.5gb", "{3c.3g.20gb: 1, 1g.5gb: 1}", 0, "3g.20gb      4", "3g.20gb@4, 1g"},
        {"5c.7g.40gb", "{5c.7g.40gb: 1}", 3, "", "4c.7g.40gb or 7g.40gb"},
        {"3c.4g.20gb", "{3c.4g.20gb: 1}", 3, "", "1c.4g.20gb, 2c.4g.20gb or 4g.20gb"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *line = xasprintf("--gpu a100 %s", rows[i].words);
        CLEANUP_FREE char *yaml = xasprintf("version: v1\nmig-configs: {a: [{devices: all, "
                                            "mig-enabled: true, mig-devices: %s}]}\n",
                                            rows[i].devices);
        assert_run(line, rows[i].status, rows[i].in_out, "");
        struct run result = run_file("a100 -o json", yaml);
        assert_int_equal(result.status, rows[i].status == 0 ? 0 : 1);
        if (strstr(result.out, rows[i].in_file) == NULL) {
            fail_msg("%s: exit status %d\n%s%s", yaml, result.status, result.out, result.err);
        }
    }
    struct run json = run("--gpu a100 -o json 2c.3g.20gb 1c.3g.20gb");
    assert_non_null(strstr(json.out, "\"computeInstances\":[\"2c.3g.20gb\",\"1c.3g.20gb\"]"));
}

/* Sizes that an example of NVIDIA's puts on one A10: 24 GB in all, and no places for them. */
static void sizes_that_sum_up_and_have_no_places_are_refused(void **state)
{
    (void)state;
    static const char yaml[] = "version: v1\nvgpu-configs: {a: [{devices: all, vgpu-devices: "
                               "{A10-4Q: 3, A10-6Q: 2}}]}\n";
    struct run equal = run_file("a10", yaml);
    assert_int_equal(equal.status, 1);
    assert_non_null(strstr(equal.out, "allow mixed sizes (--mixed), or take one size"));
    struct run mixed = run_file("a10 --mixed", yaml);
    assert_int_equal(mixed.status, 1);
    assert_non_null(strstr(mixed.out, "these vGPUs overlap wherever they are put on A10 24GB"));
}

static void a_label_that_can_not_be_applied_is_refused(void **state)
{
    (void)state;
    static const char head[] = "version: v1\nmig-configs:\n  a: ";
    static const struct {
        const char *entries;
        int status;
        const char *in_out, *in_err;
    } rows[] = {
        {"[{devices: all, mig-enabled: false}, {devices: [0], mig-enabled: true, mig-devices: "
         "{1g.5gb: 1}}]",
         1, "refused entries 1 and 2 both match GPU 0", ""},
        {"[{devices: [], mig-enabled: false}]", 1, "it is for no GPU", ""},
        {"[{devices: [0, 0, 1], mig-enabled: false}]", 0,
         "GPUs 0,1 (named more than once): MIG off", ""},
        {"[{devices: all, mig-enabled: true, mig-devices: {1g.50gb: 1}}]", 0,
         "no GPU in the catalog has a profile \"1g.50gb\"", "warning: 1 label names what no GPU"},
        {"[{devices: all, mig-enabled: true, mig-devices: {2g.20gb: 2, 3g.20gb: 1}}]", 1,
         "no GPU has all of", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *yaml = xasprintf("%s%s\n", head, rows[i].entries);
        struct run result = run_file("a100", yaml);
        if (result.status != rows[i].status || strstr(result.out, rows[i].in_out) == NULL ||
            strstr(result.err, rows[i].in_err) == NULL) {
            fail_msg("%s: exit status %d\n%s%s", yaml, result.status, result.out, result.err);
        }
    }
    CLEANUP_FREE char *unknown = xasprintf("%s%s\n", head, rows[3].entries);
    struct run strict = run_file("a100 --strict", unknown);
    assert_int_equal(strict.status, 1);
    assert_non_null(strstr(strict.out, "refused no GPU in the catalog has"));
    assert_run("--gpu a100 --strict 1g.5gb", 2, "", "--strict is for a file");
}

/* What vgpu-device-manager does not read is taken with a warning, and refused by --strict. */
static void strict_refuses_what_the_files_own_tool_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *gpu, *type, *in_strict; /* "": its tool reads it */
    } rows[] = {
        {"t4", "T4-1B", ""},
        {"t4", "GRID T4-1B", "reads no type \"GRID T4-1B\"; write T4-1B"},
        {"t4", "nvidia-222", "reads no type \"nvidia-222\""},
        {"t4", "t4-1b", "write T4-1B"},
        {"l40s", "GRID T4-1B", "reads no type \"GRID T4-1B\""},
        {"rtx-pro-6000", "DC-1-24CGFX", ""},
        {"rtx-5000-ada", "RTX5000-Ada-4Q", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *yaml =
            xasprintf("version: v1\nvgpu-configs: {a: [{devices: all, vgpu-devices: {%s: 1}}]}\n",
                      rows[i].type);
        CLEANUP_FREE char *gpu = xasprintf("%s --strict", rows[i].gpu);
        bool plain = rows[i].in_strict[0] == '\0';
        struct run result = run_file(rows[i].gpu, yaml);
        struct run strict = run_file(gpu, yaml);
        bool warned = strstr(result.err, "does not read it") != NULL;
        if (result.status != 0 || warned == plain || strict.status != (plain ? 0 : 1) ||
            strstr(strict.out, rows[i].in_strict) == NULL) {
            fail_msg("%s: %d, %d\n%s%s%s", yaml, result.status, strict.status, result.out,
                     result.err, strict.out);
        }
    }
}

static void an_entry_of_two_kinds_or_of_none_is_named(void **state)
{
    (void)state;
    static const char both[] = "version: v1\nvgpu-configs: {a: [{devices: all, vgpu-devices: "
                               "{A100-40C: 1, A100-1-5C: 1}}]}\n";
    static const char none[] =
        "version: v1\nvgpu-configs: {a: [{devices: all, vgpu-devices: {}}]}\n";
    assert_int_equal(run_file("l40s", both).status, 0); /* another GPU's */
    struct run strict = run_file("l40s --strict", both);
    assert_int_equal(strict.status, 1);
    assert_non_null(strstr(strict.out, "either time-sliced or MIG-backed types in an entry"));
    assert_int_equal(run_file("a100", both).status, 1);
    struct run nothing = run_file("l40s --strict", none);
    assert_int_equal(nothing.status, 0);
    assert_non_null(strstr(nothing.out, "nothing is asked for: no vGPUs"));
}

/* A board without MIG that stands next to those with it, as in NVIDIA's DGX Station, is none of
 * the catalog's. */
static void strict_takes_a_filter_of_a_board_that_stays_whole(void **state)
{
    (void)state;
    static const char head[] = "version: v1\nmig-configs:\n  a:\n"
                               "    - {device-filter: \"0x20B210DE\", devices: all, mig-enabled: "
                               "true, mig-devices: {1g.10gb: 7}}\n";
    CLEANUP_FREE char *off = xasprintf(
        "%s    - {device-filter: \"0x1FB010DE\", devices: all, mig-enabled: false}\n", head);
    CLEANUP_FREE char *on = xasprintf("%s    - {device-filter: \"0x1FB010DE\", devices: all, "
                                      "mig-enabled: true, mig-devices: {1g.10gb: 7}}\n",
                                      head);
    assert_int_equal(run_file("a100-sxm4-80gb --strict", off).status, 0);
    assert_int_equal(run_file("a100-sxm4-80gb --strict", on).status, 1);
}

static void a_config_in_a_config_map_is_checked(void **state)
{
    (void)state;
    struct run result =
        run_file("a100", "apiVersion: v1\nkind: ConfigMap\ndata:\n  a.yaml: |\n    version: v1\n"
                         "    mig-configs:\n      x: [{devices: all, mig-enabled: false}]\n"
                         "  b.yaml: |\n    version: v1\n    vgpu-configs:\n"
                         "      x: [{devices: all, vgpu-devices: {A100-2-10C: 4}}]\n");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.out, "data.a.yaml: x fits    MIG off"));
    assert_non_null(strstr(result.out, "data.b.yaml: x refused"));
    result = run_file("a100 -o json", "data: {c: \"version: v1\\nmig-configs: {}\"}\n");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.err, "nothing is asked for"));
}

static void a_refused_label_makes_the_exit_status_1(void **state)
{
    (void)state;
    struct run result = run_file("a100", "version: v1\n"
                                         "vgpu-configs:\n"
                                         "  a: [{devices: all, vgpu-devices: {A100-2-10C: 3}}]\n"
                                         "  b: [{devices: all, vgpu-devices: {A100-2-10C: 4}}]\n");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.out, "a     fits    2g.10gb@0 (A100-2-10C), 2g.10gb@2"));
    assert_non_null(strstr(result.out, "b     refused A100 PCIe 40GB takes at most 3 of "));
}

static void what_no_source_says_is_neither_yes_nor_no(void **state)
{
    (void)state;
    assert_run("--gpu rtx-pro-5000 1g.24gb@0", 12, "",
               "no source says where \"1g.24gb\" may start");
    assert_run("--gpu rtx-pro-5000 1g.24gb 1g.24gb-me", 12, "", "no source says where");
    assert_run("--gpu rtx-pro-5000 -o json 1g.24gb@0", 12, "\"fits\":null", "");
    assert_run("--gpu l40s --vgpu L40S-3B", 0, "L40S-3B", "");
    assert_run("--gpu l40s --vgpu L40S-3B=2", 12, "", "no source says how many of \"L40S-3B\"");
    assert_run("--gpu l40s --vgpu L40S-3B L40S-8Q", 12, "", "what framebuffer \"L40S-3B\" has");
    assert_run("--gpu gb200 --vgpu GB200-189C=2", 1, "", "takes at most 1 of \"GB200-189C\"");
    /* Mixed sizes where no table says where each may sit: what ids, and whether they fit. */
    assert_run("--gpu h200 --mixed --vgpu H200X-35C@0 H200X-35C@0", 12, "",
               "no source says which placement ids \"H200X-35C\" has");
    assert_run("--gpu h200 --mixed --vgpu H200X-70C H200X-35C", 12, "",
               "no source says where vGPUs of mixed sizes may sit");
    assert_run("--gpu h200 --mixed --vgpu H200X-70C=2 H200X-35C", 1, "", "need");
    assert_run("--gpu h200 --mixed --vgpu H200X-70C", 0, "H200X-70C", "");
    assert_run("--gpu l40s --mixed --vgpu L40S-24Q L40S-8Q", 0, "L40S-8Q", "");
    /* A published maximum answers for one profile, whichever way it is asked. */
    assert_run("--gpu rtx-pro-5000 1g.24gb=2", 0, "fits by the published maximum", "");
    assert_run("--gpu rtx-pro-5000 1g.24gb=3", 1, "", "at most 2");
    struct run result = run_file("rtx-pro-5000", "version: v1\n"
                                                 "mig-configs:\n"
                                                 "  a: [{devices: all, mig-enabled: true, "
                                                 "mig-devices: {1g.24gb: 2}}]\n");
    assert_int_equal(result.status, 0);
    result = run_file("rtx-pro-5000", "version: v1\n"
                                      "mig-configs:\n"
                                      "  a: [{devices: all, mig-enabled: true, "
                                      "mig-devices: {1g.24gb: 1, 1g.24gb-me: 1}}]\n");
    assert_int_equal(result.status, 12);
}

static void a_malformed_file_says_where(void **state)
{
    (void)state;
    struct run result = run_file("a100", "version: v1\nmig-configs:\n  a: [\n");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.err, "cleave: /tmp/layout-"));
    result =
        run_file("a100", "version: v1\nmig-configs: {a: [{devices: all, mig-enable: true}]}\n");
    assert_int_equal(result.status, 2);
    assert_non_null(strstr(result.err, "mig-configs.a[0]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_drawn_and_listed),
        cmocka_unit_test(what_does_not_fit_says_why_and_what_would),
        cmocka_unit_test(what_no_source_says_is_neither_yes_nor_no),
        cmocka_unit_test(slips_are_distinguished_from_refusals),
        cmocka_unit_test(a_placement_id_is_taken_in_mixed_size_mode_only),
        cmocka_unit_test(other_tools_words_are_taken_or_refused_with_the_right_one),
        cmocka_unit_test(json_says_the_same_for_programs),
        cmocka_unit_test(each_label_of_a_file_gets_a_line),
        cmocka_unit_test(compute_instances_share_in_words_as_in_a_file),
        cmocka_unit_test(sizes_that_sum_up_and_have_no_places_are_refused),
        cmocka_unit_test(a_label_that_can_not_be_applied_is_refused),
        cmocka_unit_test(strict_refuses_what_the_files_own_tool_refuses),
        cmocka_unit_test(an_entry_of_two_kinds_or_of_none_is_named),
        cmocka_unit_test(strict_takes_a_filter_of_a_board_that_stays_whole),
        cmocka_unit_test(a_config_in_a_config_map_is_checked),
        cmocka_unit_test(a_refused_label_makes_the_exit_status_1),
        cmocka_unit_test(a_malformed_file_says_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
