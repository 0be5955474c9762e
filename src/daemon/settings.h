/* SPDX-License-Identifier: Apache-2.0 */
/* What cleaved is set to: defaults, then the configuration file, then the command line. */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/pci.h"
#include "base/str.h"

#define SETTINGS_PATH_SIZE 256
#define SETTINGS_DEFAULT_FILE "/etc/cleave/cleaved.yaml"

struct settings {
    char socket[SETTINGS_PATH_SIZE];
    char socket_group[64];   /* "": the process's own */
    char listen[64];         /* "": no TCP */
    char allowed_hosts[256]; /* names that TCP clients may call this host, with commas between */
    char state_dir[SETTINGS_PATH_SIZE];
    char libvirt_uri[SETTINGS_PATH_SIZE];
    struct pci_vendors passthrough_vendors; /* besides NVIDIA */
    uint32_t restore_timeout_s;             /* 0: only on demand */
    uint32_t observe_period_s;              /* 0: only on demand */
    uint32_t vm_grace_s;                    /* how long a VM may be gone before its claims go */
    uint32_t incoming_patience_s;           /* 0: the manager's default */
    enum log_level log_level;
};

enum settings_action {
    SETTINGS_RUN,
    SETTINGS_HELP,
    SETTINGS_VERSION,
    SETTINGS_STATES,
    SETTINGS_DAEMON_MAN, /* the last three: for the build */
    SETTINGS_FILE_MAN,
    SETTINGS_EXAMPLE
};

/* Reads all three sources. A missing default file is fine; one that was named is not. */
int settings_read(int argc, char *const *argv, struct settings *ret_settings,
                  enum settings_action *ret_action, struct error *err);

/* What people read of a setting; all static. */
struct setting_text {
    const char *key;    /* in the file */
    const char *option; /* on the command line */
    const char *operand;
    const char *fallback; /* "": none */
    const char *help;
};
/* False: there is no setting of that number. */
bool settings_text(size_t number, struct setting_text *ret_text);

/* The text of --help. */
void settings_help(struct strbuf *out);

#endif
