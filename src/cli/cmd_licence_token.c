/* SPDX-License-Identifier: Apache-2.0 */
/* licence token, iso, cloud-init: a client configuration token's way into a guest. They need no
 * cleaved: it never sees a token. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "token/client_token.h"
#include "token/disc.h"
#include "token/guest_files.h"
#include "token/private_file.h"

#define SEED_LABEL "cidata" /* what cloud-init's NoCloud looks for */
#define PLAIN_LABEL "NVTOKEN"
#define SEED_ID                                                                                    \
    "cleave-licence-token" /* the same for each: no second first boot by another disc              \
                            */
#define DATE_LEN 10

enum { ISO_WRITE_TO, ISO_FORCE, ISO_GUEST, ISO_PRODUCT, ISO_SEED };
enum { INIT_WRITE_TO, INIT_FORCE, INIT_PRODUCT };

/* ---- the token ---- */

static int read_token(const char *path, struct client_token *ret_token, struct error *err)
{
    secret_protect_process();
    int r = client_token_read(path, ret_token, err);
    return r != 0 ? r
                  : client_token_check(ret_token, clock_realtime_us(),
                                       str_eq(path, "-") ? "standard input" : path, err);
}

static json_t *time_or_null(uint64_t us)
{
    char time[CLOCK_TEXT_SIZE];
    return us != 0 ? json_string(clock_format(us, time, sizeof(time))) : json_null();
}

/* "valid until 2027-01-31", "valid from … until …", "it names no end". */
static const char *describe_dates(const struct client_token *token, uint64_t now_us, char *out,
                                  size_t size)
{
    char from[CLOCK_TEXT_SIZE] = "";
    char until[CLOCK_TEXT_SIZE] = "";
    bool later = token->not_before_us > now_us;
    clock_format(token->not_before_us, from, sizeof(from));
    clock_format(token->expires_us, until, sizeof(until));
    if (token->expires_us == 0) {
        str_print(out, size, later ? "is valid from %.*s on" : "names no end", DATE_LEN, from);
    } else {
        str_print(out, size, later ? "is valid from %.*s until %.*s" : "is valid %.*suntil %.*s",
                  later ? DATE_LEN : 0, from, DATE_LEN, until);
    }
    return out;
}

static int print_result(struct cli *cli, const struct client_token *token, const char *written)
{
    char dates[96];
    CLEANUP_JSON json_t *json =
        json_pack("{s:o, s:o}", "notBefore", time_or_null(token->not_before_us), "expires",
                  time_or_null(token->expires_us));
    if (written != NULL) {
        json_object_set_new(json, "file", json_string(written));
    }
    if (!cli_print_raw(cli, json)) {
        describe_dates(token, clock_realtime_us(), dates, sizeof(dates));
        if (written != NULL) {
            prose_print(cli_width(cli), "%s: written; the token in it %s", written, dates);
        } else {
            prose_print(cli_width(cli), "the token %s", dates);
        }
    }
    return 0;
}

static int cmd_licence_token(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    int r = read_token(arguments->args[0], &token, err);
    return r != 0 ? r : print_result(cli, &token, NULL);
}

/* ---- what is asked for ---- */

static bool find_product(const char *text, enum client_feature *ret_feature)
{
    for (uint32_t i = 0; i < CLIENT_FEATURE_COUNT; i++) {
        if (str_eq_case(text, client_feature_name((enum client_feature)i))) {
            *ret_feature = (enum client_feature)i;
            return true;
        }
    }
    return false;
}

static int read_product(const char *text, struct guest_files *files, struct error *err)
{
    if (text == NULL || find_product(text, &files->feature)) {
        if (files->feature != CLIENT_FEATURE_VAPPS || files->os == CLIENT_OS_WINDOWS) {
            return 0;
        }
        return error_set(err, REASON_INVALID, "--product",
                         "vApps is a product of Windows guests: on Linux its feature type means "
                         "that the guest is unlicensed");
    }
    int r = error_set(err, REASON_INVALID, "--product",
                      "--product is auto, vApps, vWS or vCS, not \"%s\"", text);
    error_hint(err, "leave it out for a vGPU: the guest's driver knows its product");
    return r;
}

static int read_guest(const char *text, struct guest_files *files, struct error *err)
{
    return text == NULL || client_os_parse(text, &files->os)
               ? 0
               : error_set(err, REASON_INVALID, "--guest",
                           "--guest is linux or windows, not \"%s\"", text);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a;
    struct stat of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* "-" would leave a file of that name with the token in it, where it is not looked for. */
static int check_target(const char *path, const char *token, struct error *err)
{
    if (path == NULL) {
        return error_set(err, REASON_INVALID, "--write-to",
                         "which file to write is not said: give it with -O FILE");
    }
    if (str_eq(path, "-")) {
        return error_set(err, REASON_INVALID, "--write-to",
                         "-O takes a file, not \"-\": the token is not written to standard output");
    }
    if (!str_eq(token, "-") && is_same_file(path, token)) {
        return error_set(err, REASON_INVALID, "--write-to",
                         "\"%s\" is the token itself, which would be lost", path);
    }
    return 0;
}

static enum private_file_mode mode_of(const char *force)
{
    return force != NULL ? PRIVATE_FILE_REPLACE : PRIVATE_FILE_NEW;
}

/* ---- a disc ---- */

static int make_disc(const struct guest_files *files, const struct client_token *token, bool seed,
                     struct secret *ret_image, struct error *err)
{
    CLEANUP_SECRET struct secret script = {0};
    CLEANUP_SECRET struct secret readme = {0};
    CLEANUP_SECRET struct secret user_data = {0};
    CLEANUP_SECRET struct secret meta_data = {0};
    if (seed) {
        guest_files_cloud_config(files, &token->text, &user_data);
        guest_files_meta_data(SEED_ID, &meta_data);
        const struct disc_file contents[] = {{"user-data", &user_data, 0600},
                                             {"meta-data", &meta_data, 0644}};
        return disc_make(contents, ARRAY_SIZE(contents), SEED_LABEL, clock_realtime_us(), ret_image,
                         err);
    }
    guest_files_install_script(files, &script);
    guest_files_readme(files, &readme);
    const struct disc_file contents[] = {
        {GUEST_TOKEN_NAME, &token->text, 0400},
        {guest_files_install_name(files), &script, 0755},
        {"README.txt", &readme, 0644},
    };
    return disc_make(contents, ARRAY_SIZE(contents), PLAIN_LABEL, clock_realtime_us(), ret_image,
                     err);
}

static int cmd_licence_iso(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *path = arguments->values[ISO_WRITE_TO];
    bool seed = arguments->values[ISO_SEED] != NULL;
    struct guest_files files = {0};
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    CLEANUP_SECRET struct secret image = {0};
    int r = check_target(path, arguments->args[0], err);
    r = r != 0 ? r : read_guest(arguments->values[ISO_GUEST], &files, err);
    r = r != 0 ? r : read_product(arguments->values[ISO_PRODUCT], &files, err);
    if (r == 0 && seed && files.os == CLIENT_OS_WINDOWS) {
        r = error_set(err, REASON_INVALID, "--seed",
                      "--seed is for Linux guests: cloud-init reads it at their first boot");
    }
    r = r != 0 ? r : read_token(arguments->args[0], &token, err);
    r = r != 0 ? r : make_disc(&files, &token, seed, &image, err);
    r = r != 0 ? r : private_file_write(path, &image, mode_of(arguments->values[ISO_FORCE]), err);
    return r != 0 ? r : print_result(cli, &token, path);
}

/* ---- a fragment ---- */

static int cmd_licence_cloud_init(struct cli *cli, const struct arguments *arguments,
                                  struct error *err)
{
    const char *path = arguments->values[INIT_WRITE_TO];
    struct guest_files files = {0};
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    CLEANUP_SECRET struct secret text = {0};
    int r = check_target(path, arguments->args[0], err);
    r = r != 0 ? r : read_product(arguments->values[INIT_PRODUCT], &files, err);
    r = r != 0 ? r : read_token(arguments->args[0], &token, err);
    if (r == 0) {
        guest_files_cloud_config(&files, &token.text, &text);
        r = private_file_write(path, &text, mode_of(arguments->values[INIT_FORCE]), err);
    }
    return r != 0 ? r : print_result(cli, &token, path);
}

/* ---- the table ---- */

#define WRITE_TO_HELP "the file to write, for its owner alone (mode 0600)"
#define FORCE_HELP "replace that file if it exists"
#define PRODUCT_HELP                                                                               \
    "of a whole GPU: vWS, vCS, or vApps (Windows); left out for a vGPU, whose driver knows it"

static const struct command_option iso_options[] = {
    [ISO_WRITE_TO] = {"write-to", 'O', "FILE", WRITE_TO_HELP},
    [ISO_FORCE] = {"force", 0, NULL, FORCE_HELP},
    [ISO_GUEST] = {"guest", 0, "OS", "linux (default) or windows"},
    [ISO_PRODUCT] = {"product", 0, "PRODUCT", PRODUCT_HELP},
    [ISO_SEED] =
        {"seed", 0, NULL,
         "a seed for cloud-init (NoCloud), which a new Linux guest reads at its first boot"},
};

static const struct command_option init_options[] = {
    [INIT_WRITE_TO] = {"write-to", 'O', "FILE", WRITE_TO_HELP},
    [INIT_FORCE] = {"force", 0, NULL, FORCE_HELP},
    [INIT_PRODUCT] = {"product", 0, "PRODUCT", PRODUCT_HELP},
};

static const struct command commands[] = {
    {.object = "licence",
     .name = "token",
     .args = "TOKENFILE",
     .n_args = 1,
     .help = "check a client configuration token (- is standard input), and say how long it is "
             "valid; works without cleaved",
     .examples = {"licence token client_configuration_token.tok"},
     .run = cmd_licence_token},
    {.object = "licence",
     .name = "iso",
     .args = "TOKENFILE",
     .n_args = 1,
     .help = "write a CD-ROM image that brings a client configuration token into a guest; works "
             "without cleaved",
     .examples = {"licence iso client_configuration_token.tok -O web1-token.iso"},
     OPTIONS(iso_options),
     .run = cmd_licence_iso},
    {.object = "licence",
     .name = "cloud-init",
     .args = "TOKENFILE",
     .n_args = 1,
     .help = "write a cloud-init fragment that brings a client configuration token into a Linux "
             "guest; works without cleaved",
     .examples = {"licence cloud-init client_configuration_token.tok -O web1-token.yaml"},
     OPTIONS(init_options),
     .run = cmd_licence_cloud_init},
};
const struct command_table licence_token_commands = COMMAND_TABLE(commands);
