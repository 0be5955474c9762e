/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths, access modes and services of a licensed client are those of the vGPU client licensing user
 * guide 17: on Linux /etc/nvidia/ClientConfigToken, mode 744, nvidia-gridd; on Windows
 * "%ProgramFiles%\NVIDIA Corporation\vGPU Licensing\ClientConfigToken" and the service
 * NVDisplay.ContainerLocalSystem. FeatureType: gridd.conf.template of the guest driver ("2 => for
 * NVIDIA RTX Virtual Workstation, 4 => for NVIDIA Virtual Compute Server"), and on Windows the
 * registry key of the same guide, where 0 stands for vApps.
 */
#include "token/guest_files.h"

#include "base/str.h"

WORDS_DEFINE(client_os_words, "guest", CLIENT_OS_COUNT, WORD(CLIENT_OS_LINUX, "linux"),
             WORD(CLIENT_OS_WINDOWS, "windows"))
WORDS_DEFINE(client_feature_words, "product", CLIENT_FEATURE_COUNT,
             WORD(CLIENT_FEATURE_AUTO, "auto"), WORD(CLIENT_FEATURE_VAPPS, "vApps"),
             WORD(CLIENT_FEATURE_VWS, "vWS"), WORD(CLIENT_FEATURE_VCS, "vCS"))

#define LINUX_DIR "/etc/nvidia/ClientConfigToken"
#define LINUX_CONF "/etc/nvidia/gridd.conf"
#define WINDOWS_DIR "%ProgramFiles%\\NVIDIA Corporation\\vGPU Licensing\\ClientConfigToken"
#define WINDOWS_KEY "HKLM\\SOFTWARE\\NVIDIA Corporation\\Global\\GridLicensing"
#define WINDOWS_SERVICE "NVDisplay.ContainerLocalSystem"

static const char *const feature_types[CLIENT_FEATURE_COUNT] = {
    [CLIENT_FEATURE_VAPPS] = "0",
    [CLIENT_FEATURE_VWS] = "2",
    [CLIENT_FEATURE_VCS] = "4",
};

static void init_text(struct secret *text, size_t more)
{
    secret_init(text, 4096 + more);
}

/* ---- Linux ---- */

/* The old value goes; the rest of the file, such as a proxy's address, stays. */
static void add_set_feature(const struct guest_files *files, const char *indent,
                            struct secret *text)
{
    const char *type = feature_types[files->feature];
    if (type != NULL) {
        secret_add_text(text, indent);
        secret_add_text(text, "touch " LINUX_CONF "\n");
        secret_add_text(text, indent);
        secret_add_text(text, "sed -i '/^FeatureType=/d' " LINUX_CONF "\n");
        secret_add_text(text, indent);
        secret_add_text(text, "echo FeatureType=");
        secret_add_text(text, type);
        secret_add_text(text, " >> " LINUX_CONF "\n");
    }
}

/* A driver that is installed later finds the token when its service starts first. */
static void add_restart(const char *indent, struct secret *text)
{
    secret_add_text(text, indent);
    secret_add_text(text, "systemctl try-restart nvidia-gridd.service || true\n");
}

void guest_files_cloud_config(const struct guest_files *files, const struct secret *token,
                              struct secret *ret_text)
{
    init_text(ret_text, token->len);
    secret_add_text(ret_text, "#cloud-config\n"
                              "merge_how:\n"
                              "- name: list\n"
                              "  settings: [append]\n"
                              "- name: dict\n"
                              "  settings: [no_replace, recurse_list]\n"
                              "write_files:\n"
                              "- path: " LINUX_DIR "/" GUEST_TOKEN_NAME "\n"
                              "  owner: root:root\n"
                              "  permissions: '0744'\n"
                              "  content: \"");
    secret_add(ret_text, token->bytes, token->len);
    secret_add_text(ret_text, "\"\n"
                              "runcmd:\n"
                              "- - sh\n"
                              "  - -c\n"
                              "  - |\n");
    add_set_feature(files, "    ", ret_text);
    add_restart("    ", ret_text);
}

void guest_files_meta_data(const char *id, struct secret *ret_text)
{
    init_text(ret_text, 0);
    secret_add_text(ret_text, "instance-id: ");
    secret_add_text(ret_text, id);
    secret_add_text(ret_text, "\n");
}

static void add_linux_script(const struct guest_files *files, struct secret *text)
{
    secret_add_text(text,
                    "#!/bin/sh\n"
                    "# Gives this guest the token of this disc. Run it as root.\n"
                    "set -eu\n"
                    "install -d -m 755 " LINUX_DIR "\n"
                    "install -m 744 \"$(dirname \"$0\")/" GUEST_TOKEN_NAME "\" " LINUX_DIR "/\n");
    add_set_feature(files, "", text);
    add_restart("", text);
}

/* ---- Windows ---- */

static void add_windows_script(const struct guest_files *files, struct secret *text)
{
    const char *type = feature_types[files->feature];
    secret_add_text(text,
                    "@echo off\r\n"
                    "rem Gives this guest the token of this disc. Run it as administrator.\r\n"
                    "mkdir \"" WINDOWS_DIR "\" 2>nul\r\n"
                    "copy /y \"%~dp0" GUEST_TOKEN_NAME "\" \"" WINDOWS_DIR "\\\" || exit /b 1\r\n");
    if (type != NULL) {
        secret_add_text(text, "reg add \"" WINDOWS_KEY "\" /v FeatureType /t REG_DWORD /d ");
        secret_add_text(text, type);
        secret_add_text(text, " /f || exit /b 1\r\n");
    }
    secret_add_text(text, "net stop " WINDOWS_SERVICE "\r\n"
                          "net start " WINDOWS_SERVICE "\r\n");
}

/* ---- either ---- */

void guest_files_install_script(const struct guest_files *files, struct secret *ret_text)
{
    init_text(ret_text, 0);
    if (files->os == CLIENT_OS_WINDOWS) {
        add_windows_script(files, ret_text);
    } else {
        add_linux_script(files, ret_text);
    }
}

const char *guest_files_install_name(const struct guest_files *files)
{
    return files->os == CLIENT_OS_WINDOWS ? "install.cmd" : "install.sh";
}

void guest_files_readme(const struct guest_files *files, struct secret *ret_text)
{
    bool windows = files->os == CLIENT_OS_WINDOWS;
    init_text(ret_text, 0);
    secret_add_text(ret_text,
                    "This disc has a client configuration token for NVIDIA's guest driver.\r\n"
                    "Treat it like a password, and take it out once the guest has it.\r\n\r\n");
    secret_add_text(ret_text,
                    windows ? "Run install.cmd as administrator. It copies the token "
                              "to\r\n" WINDOWS_DIR "\r\n"
                              "and restarts the service " WINDOWS_SERVICE ".\r\n"
                            : "Run `sh install.sh` as root. It copies the token to\r\n" LINUX_DIR
                              "\r\n"
                              "and restarts the service nvidia-gridd.\r\n");
    secret_add_text(ret_text, "Then `nvidia-smi -q` says whether the guest is licensed.\r\n");
}
