/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/offer.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"

void offers_done(struct offers *offers)
{
    vec_done(offers);
}

const char *offer_short_name(const char *name)
{
    static const char *const brands[] = {"NVIDIA ", "GRID "};
    for (size_t i = 0; i < ARRAY_SIZE(brands); i++) {
        if (str_starts(name, brands[i])) {
            return name + strlen(brands[i]);
        }
    }
    return name;
}

static const char *last_word(const char *name)
{
    const char *space = strrchr(name, ' ');
    return space == NULL ? name : space + 1;
}

bool offer_same_name(const char *a, const char *b)
{
    if (str_eq_case(offer_short_name(a), offer_short_name(b))) {
        return true;
    }
    bool one_is_bare = strchr(a, ' ') == NULL || strchr(b, ' ') == NULL;
    return one_is_bare && str_eq_case(last_word(a), last_word(b));
}

static void offers_add(struct offers *offers, uint32_t type_id, const char *name,
                       uint32_t available)
{
    struct vgpu_offer offer = {.type_id = type_id, .available = available};
    if (offers->n >= OFFERS_MAX || !str_is_clean(name) || name[0] == '\0' ||
        !STR_SET(offer.name, offer_short_name(name))) {
        return;
    }
    *vec_push(offers) = offer;
}

/* "1145  : NVIDIA L40S-1B" */
static bool parse_id_first(struct offers *offers, char *row)
{
    char *colon = strchr(row, ':');
    if (colon == NULL) {
        return false;
    }
    *colon = '\0';
    uint32_t id = 0;
    if (!parse_u32(str_trim(row), &id)) {
        return false;
    }
    offers_add(offers, id, str_trim(colon + 1), 1);
    return true;
}

/* "NVIDIA A40-1Q 557" */
static bool parse_id_last(struct offers *offers, char *row)
{
    char *space = strrchr(row, ' ');
    uint32_t id = 0;
    if (space == NULL || !parse_u32(space + 1, &id)) {
        return false;
    }
    *space = '\0';
    offers_add(offers, id, str_trim(row), 1);
    return true;
}

void offers_parse(struct offers *offers, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        char row[SYSFS_LINE_MAX];
        if (len < sizeof(row)) {
            memcpy(row, p, len);
            row[len] = '\0';
            char *trimmed = str_trim(row);
            if (isdigit((unsigned char)trimmed[0]) != 0) {
                parse_id_first(offers, trimmed);
            } else {
                parse_id_last(offers, trimmed);
            }
        }
        p += len + (p[len] == '\n' ? 1 : 0);
    }
}

int offers_read_vendor(const struct sysfs *sys, const struct pci_addr *vf, struct offers *offers)
{
    CLEANUP_FREE char *text = NULL;
    int r = fs_read(sysfs_pci(sys, vf, "nvidia/creatable_vgpu_types").text, SYSFS_ATTR_MAX, &text,
                    NULL);
    if (r < 0) {
        return r;
    }
    offers_parse(offers, text);
    return 0;
}

int offers_read_mdev(const struct sysfs *sys, const struct pci_addr *function,
                     struct offers *offers)
{
    CLEANUP_STRLIST struct strlist names = {0};
    struct sysfs_path dir = sysfs_pci(sys, function, "mdev_supported_types");
    int r = fs_list(dir.text, &names);
    if (r < 0) {
        return r;
    }
    for (vec_each(&names, name)) {
        uint32_t id = 0;
        if (!str_starts(*name, "nvidia-") || !parse_u32(*name + strlen("nvidia-"), &id)) {
            continue;
        }
        char bdf[BDF_SIZE];
        pci_addr_format(function, bdf);
        struct sysfs_path name_file =
            sysfs_path(sys, "/sys/bus/pci/devices/%s/mdev_supported_types/nvidia-%u/name", bdf, id);
        struct sysfs_path available_file =
            sysfs_path(sys, "/sys/bus/pci/devices/%s/mdev_supported_types/nvidia-%u/%s", bdf, id,
                       "available_instances");
        char type[SYSFS_LINE_MAX];
        uint32_t available = 0;
        if (sysfs_read_line(&name_file, type, sizeof(type)) == 0 &&
            sysfs_read_u32(&available_file, &available) == 0) {
            offers_add(offers, id, type, available);
        }
    }
    return 0;
}

const struct vgpu_offer *offers_find(const struct offers *offers, uint32_t type_id,
                                     const char *name)
{
    for (vec_each(offers, offer)) {
        if (type_id != NO_ID ? offer->type_id == type_id : offer_same_name(offer->name, name)) {
            return offer;
        }
    }
    return NULL;
}
