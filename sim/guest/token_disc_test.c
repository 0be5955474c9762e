/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/token_disc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define IMAGE_BYTES 65536
#define NAME "client_configuration_token.tok"

/* An image with that in sector 16, and that name after it. */
static void make_image(int fd, const char *magic, const char *name)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(ftruncate(fd, IMAGE_BYTES), 0);
    assert_int_equal(pwrite(fd, magic, strlen(magic), 32769), strlen(magic));
    assert_int_equal(pwrite(fd, name, strlen(name), 40000), strlen(name));
}

/* Is a token seen, with such an option of which @ is the image's path? */
static bool is_seen(const char *option, const char *value, const char *path)
{
    const char *at = strchr(value, '@');
    CLEANUP_FREE char *text =
        at == NULL ? xstrdup(value) : xasprintf("%.*s%s%s", (int)(at - value), value, path, at + 1);
    char *argv[] = {(char[]){"qemu"}, xstrdup(option), text, NULL};
    bool seen = token_disc_is_among(argv);
    free(argv[1]);
    return seen;
}

static void a_disc_is_found_in_each_form_of_option(void **state)
{
    (void)state;
    static const struct {
        const char *option, *value;
        bool seen;
    } rows[] = {
        {"-blockdev", "{\"driver\":\"file\",\"filename\":\"@\",\"node-name\":\"x\"}", true},
        {"-drive", "file=@,media=cdrom,if=none", true},
        {"-drive", "media=cdrom,file=@", true},
        {"-cdrom", "@", true},
        {"-blockdev", "{\"driver\":\"raw\",\"file\":\"x\"}", false},
        {"-blockdev", "{\"driver\":\"file\",\"filename\":\"@\"", false},
        {"-drive", "if=none", false},
        {"-cdrom", "/nowhere", false},
        {"-name", "@", false},
    };
    char path[] = "/tmp/cleave-disc-XXXXXX";
    CLEANUP_CLOSE int fd = mkstemp(path);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make_image(fd, "CD001", NAME);
        if (is_seen(rows[i].option, rows[i].value, path) != rows[i].seen) {
            fail_msg("%s %s", rows[i].option, rows[i].value);
        }
    }
    make_image(fd, "CD001", "README.txt");
    assert_false(is_seen("-cdrom", "@", path)); /* another disc */
    make_image(fd, "XXXXX", NAME);
    assert_false(is_seen("-cdrom", "@", path)); /* no disc */
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_false(is_seen("-cdrom", "@", path));
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disc_is_found_in_each_form_of_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
