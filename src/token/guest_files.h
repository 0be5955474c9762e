/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest needs to take a licence with a client configuration token: where the token goes,
 * and the feature of a whole GPU (NVIDIA vGPU client licensing user guide 17, "Configuring a
 * Licensed Client"). Pure.
 */
#ifndef TOKEN_GUEST_FILES_H
#define TOKEN_GUEST_FILES_H

#include "base/words.h"
#include "token/secret.h"

/* The name under which a guest keeps the token; any that ends with .tok will do. */
#define GUEST_TOKEN_NAME "client_configuration_token.tok"

/* Names are typed. */
enum client_os { CLIENT_OS_LINUX, CLIENT_OS_WINDOWS, CLIENT_OS_COUNT };
WORDS_DECLARE(client_os, client_os_words)

/* The licensed feature. The driver of a vGPU finds it by the vGPU's type; that of a whole GPU has
 * to find it in a setting (gridd.conf and the registry, "FeatureType"). Names are typed. */
enum client_feature {
    CLIENT_FEATURE_AUTO,  /* "auto": of a vGPU */
    CLIENT_FEATURE_VAPPS, /* "vApps": 0 */
    CLIENT_FEATURE_VWS,   /* "vWS": 2 */
    CLIENT_FEATURE_VCS,   /* "vCS": 4 */
    CLIENT_FEATURE_COUNT
};
WORDS_DECLARE(client_feature, client_feature_words)

/* How a fragment, a user-data file or an install script is to be. */
struct guest_files {
    enum client_os os;
    enum client_feature feature;
};

/* A cloud-init fragment ("#cloud-config") that puts the token into a Linux guest. Its lists are
 * appended to those of other fragments (cloud-init, "Merging user-data sections"). */
void guest_files_cloud_config(const struct guest_files *files, const struct secret *token,
                              struct secret *ret_text);
/* meta-data of a NoCloud seed; `id` is the instance's. */
void guest_files_meta_data(const char *id, struct secret *ret_text);
/* A script for a person to run in the guest, from the disc with the token; and its name there. */
void guest_files_install_script(const struct guest_files *files, struct secret *ret_text);
const char *guest_files_install_name(const struct guest_files *files);
/* What the disc is for, and what to do with it. */
void guest_files_readme(const struct guest_files *files, struct secret *ret_text);

#endif
