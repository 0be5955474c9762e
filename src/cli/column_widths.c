/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/column_widths.h"

#define TEXT_WIDTH 24
#define SHORT_WIDTH 18
#define NAME_WIDTH 32
/* Below these nothing is read any more. */
#define FLOOR 8
#define LAST_FLOOR 4

static size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t less(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* As narrow as is still read with ease. */
static size_t comfort(const struct fit *column)
{
    size_t width = column->natural;
    switch (column->align) {
    case TABLE_LEFT:
    case TABLE_RIGHT:
        break;
    case TABLE_NAME:
        width = NAME_WIDTH;
        break;
    case TABLE_SHORT:
        width = SHORT_WIDTH;
        break;
    case TABLE_LIST:
        width = greater(TEXT_WIDTH, column->word);
        break;
    case TABLE_WRAP:
        width = TEXT_WIDTH;
        break;
    }
    return less(column->natural, greater(width, column->header));
}

static size_t least(const struct fit *column)
{
    bool whole = column->align == TABLE_LEFT || column->align == TABLE_RIGHT;
    return whole ? column->natural : less(column->natural, greater(FLOOR, column->header));
}

/* Each column as wide as `of` says, and the blanks between them. */
static size_t sum(const struct fit *columns, size_t n, size_t (*of)(const struct fit *column))
{
    size_t total = 0;
    size_t shown = 0;
    for (size_t i = 0; i < n; i++) {
        total += columns[i].shown ? of(&columns[i]) : 0;
        shown += columns[i].shown ? 1 : 0;
    }
    return total + (shown > 0 ? shown - 1 : 0);
}

static size_t width_now(const struct fit *column)
{
    return column->width;
}

/* A column that says nothing goes before all others. */
static unsigned rank(const struct fit *column)
{
    return column->empty ? 0 : column->drop;
}

/* The one that goes first; NULL: none may. */
static struct fit *first_to_go(struct fit *columns, size_t n)
{
    struct fit *found = NULL;
    for (size_t i = 0; i < n; i++) {
        bool may = columns[i].drop > 0 && columns[i].shown;
        found = may && (found == NULL || rank(&columns[i]) < rank(found)) ? &columns[i] : found;
    }
    return found;
}

static void drop(struct fit *columns, size_t n, size_t width)
{
    struct fit *column = first_to_go(columns, n);
    while (column != NULL && sum(columns, n, comfort) > width) {
        column->shown = false;
        column = first_to_go(columns, n);
    }
}

/* A wide column that had to go may leave room for a narrow one. */
static void take_back(struct fit *columns, size_t n, size_t width)
{
    unsigned below = (unsigned)-1;
    for (size_t round = 0; round < n; round++) {
        struct fit *best = NULL;
        for (size_t i = 0; i < n; i++) {
            bool out = !columns[i].shown && columns[i].drop > 0 && rank(&columns[i]) < below;
            best = out && (best == NULL || rank(&columns[i]) > rank(best)) ? &columns[i] : best;
        }
        if (best == NULL) {
            return;
        }
        below = rank(best);
        best->shown = true;
        best->shown = sum(columns, n, comfort) <= width;
    }
}

/* The one that lacks least, or the narrowest of those that lack something; NULL: all are whole. */
static struct fit *next_to_grow(struct fit *columns, size_t n, bool narrowest)
{
    struct fit *found = NULL;
    for (size_t i = 0; i < n; i++) {
        struct fit *column = &columns[i];
        size_t lack = column->shown ? column->natural - column->width : 0;
        bool before = found == NULL || (narrowest ? column->width < found->width
                                                  : lack < found->natural - found->width);
        found = lack > 0 && before ? column : found;
    }
    return found;
}

/* Gives what is left to those that become whole by it, the nearest first; the rest evenly. */
static void share(struct fit *columns, size_t n, size_t left)
{
    struct fit *column = next_to_grow(columns, n, false);
    while (column != NULL && column->natural - column->width <= left) {
        left -= column->natural - column->width;
        column->width = column->natural;
        column = next_to_grow(columns, n, false);
    }
    for (; column != NULL && left > 0; left--) {
        next_to_grow(columns, n, true)->width++; /* none becomes whole */
    }
}

/* Takes from the widest that has more than its least, one after the other. */
static void narrow(struct fit *columns, size_t n, size_t width, bool desperate)
{
    while (sum(columns, n, width_now) > width) {
        struct fit *widest = NULL;
        for (size_t i = 0; i < n; i++) {
            size_t floor = desperate ? LAST_FLOOR : least(&columns[i]);
            bool can = columns[i].shown && columns[i].width > floor;
            widest =
                can && (widest == NULL || columns[i].width > widest->width) ? &columns[i] : widest;
        }
        if (widest == NULL) {
            return;
        }
        widest->width--;
    }
}

void fit_columns(struct fit *columns, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        columns[i].shown = true;
        columns[i].width = columns[i].natural;
    }
    if (sum(columns, n, width_now) <= width) {
        return;
    }
    drop(columns, n, width);
    take_back(columns, n, width);
    for (size_t i = 0; i < n; i++) {
        columns[i].width = comfort(&columns[i]);
    }
    size_t used = sum(columns, n, width_now);
    if (used <= width) {
        share(columns, n, width - used);
        return;
    }
    narrow(columns, n, width, false);
    narrow(columns, n, width, true);
}
