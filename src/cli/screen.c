/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/str.h"

#define USUAL_WIDTH 80
#define MAX_WIDTH 10000
#define CLEAR_LINE "\r\033[K"

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

bool screen_error_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

void screen_line_show(struct screen_line *line, const char *text)
{
    size_t width = screen_error_width();
    size_t len = str_cut_len(text, strlen(text), width > 1 ? width - 1 : USUAL_WIDTH - 1);
    fprintf(stderr, CLEAR_LINE "%.*s", (int)len, text);
    fflush(stderr);
    line->shown = true;
}

void screen_line_clear(struct screen_line *line)
{
    if (line->shown) {
        fputs(CLEAR_LINE, stderr);
        line->shown = false;
    }
}
