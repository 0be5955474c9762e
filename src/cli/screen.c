/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/parse.h"

#define USUAL_WIDTH 80
#define MAX_WIDTH 10000

static size_t width_of(int fd)
{
    const char *text = getenv("COLUMNS");
    uint32_t columns = 0;
    if (text != NULL && parse_u32(text, &columns) && columns > 0 && columns <= MAX_WIDTH) {
        return columns;
    }
    if (isatty(fd) != 1) {
        return 0;
    }
    struct winsize size = {0};
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : USUAL_WIDTH;
}

size_t screen_width(void)
{
    return width_of(STDOUT_FILENO);
}

size_t screen_error_width(void)
{
    return width_of(STDERR_FILENO);
}
