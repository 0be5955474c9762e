/* SPDX-License-Identifier: Apache-2.0 */
/* Releases of NVIDIA's vGPU software, each of which is a branch of the host driver. Private to
 * src/rules. */
#ifndef RULES_VGPU_RELEASE_H
#define RULES_VGPU_RELEASE_H

/* The first driver of the release "17" or "17.2"; NULL: no such release is known. */
const char *vgpu_release_driver(const char *release);
/* The release whose branch the driver is of ("17" of "550.90.05"); NULL: not known. */
const char *vgpu_release_of(const char *driver);
/* The same of a driver in a guest, Linux or Windows ("17" of "552.74"). */
const char *vgpu_release_of_guest(const char *driver);
/* Which releases are known, for messages. */
const char *vgpu_releases(void);

#endif
