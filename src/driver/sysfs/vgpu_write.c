/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/vgpu_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"

/* What the file has: "" also where it can't be read. */
static void read_line(const struct sysfs_path *file, char line[VGPU_PARAMS_MAX + 1])
{
    char text[VGPU_PARAMS_MAX + 1] = "";
    bool read = sysfs_read_line(file, text, sizeof(text)) == 0;
    str_copy(line, VGPU_PARAMS_MAX + 1, read ? str_trim(text) : "");
}

/* NVIDIA's driver takes the last byte of a write for a newline and drops it, and refuses with EPERM
 * while a VM has the vGPU (vgpu_params_store() of nvidia-vgpu-vfio, 460.73.01). */
static int write_line(const struct sysfs_path *file, const char *line, const char *subject,
                      struct error *err)
{
    char text[VGPU_PARAMS_TEXT_SIZE + 1];
    struct error problem = {0};
    snprintf(text, sizeof(text), "%s\n", line);
    int r = sysfs_write(file, text, subject, &problem);
    if (r == 0) {
        return 0;
    }
    if (problem.sys_errno == EPERM || problem.sys_errno == EBUSY) {
        r = error_set(&problem, REASON_IN_USE, subject,
                      "the vGPU's parameters (%s) can't be set: a VM or a program has it open",
                      line);
        error_hint(&problem, "stop the VM that has it, and ask again");
    }
    if (err != NULL) {
        *err = problem;
    }
    return r;
}

int vgpu_write_placement(const struct sysfs_path *file, const struct step *step,
                         const char *subject, struct error *err)
{
    static const struct vgpu_params none = {0};
    char line[VGPU_PARAMS_TEXT_SIZE];
    char before[VGPU_PARAMS_MAX + 1];
    read_line(file, before);
    if (step->placement_id == NO_ID && strstr(before, "vgpu-placement-id") == NULL) {
        return 0;
    }
    return write_line(file, vgpu_params_line(&none, step->placement_id, line), subject, err);
}

/* By what it was asked for, in the file's own words. */
static bool is_served(const struct step *step, const char *line, char *why, size_t size)
{
    char placement[48] = "";
    if (step->placement_id != NO_ID) {
        snprintf(placement, sizeof(placement), "vgpu-placement-id=%u", step->placement_id);
    }
    if (placement[0] != '\0' && strstr(line, placement) == NULL) {
        str_print(why, size, "%s is not there", placement);
        return false;
    }
    return vgpu_params_serve(&step->params, line, why, size);
}

int vgpu_write_params(const struct sysfs_path *file, const struct step *step, bool is_new,
                      const char *subject, struct error *err)
{
    char why[ERROR_TEXT_SIZE];
    char line[VGPU_PARAMS_TEXT_SIZE];
    char now[VGPU_PARAMS_MAX + 1];
    vgpu_params_line(&step->params, step->placement_id, line);
    const char *wanted = line[0] == ' ' ? "" : line;
    read_line(file, now);
    bool left_over = is_new && !str_eq(now, wanted);
    if (!left_over && is_served(step, now, why, sizeof(why))) {
        return 0;
    }
    int r = write_line(file, line, subject, err);
    if (r != 0) {
        return r;
    }
    read_line(file, now);
    if (is_served(step, now, why, sizeof(why)) && (!is_new || str_eq(now, wanted))) {
        return 0;
    }
    r = error_set(err, REASON_DRIVER, subject, "vgpu_params reads back \"%s\" after \"%s\"", now,
                  wanted);
    error_hint(err, "the kernel log says why (dmesg, lines with NVRM or vgpu)");
    return r;
}
