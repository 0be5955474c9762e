/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings_docs.h"

#include "daemon/settings.h"
#include "daemon/signals.h"

#define HEAD                                                                                       \
    ".\\\" SPDX-License-Identifier: Apache-2.0\n.TH %s \"\" \"cleave " CLEAVE_VERSION "\"\n"

/* Adds text as roff reads it: a hyphen and a backslash are its own signs, and so is a dot or a
 * quote at the start of a line. */
static void add_roff(struct strbuf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        const char one[] = {*c, '\0'};
        strbuf_add(out, *c == '-' ? "\\-" : *c == '\\' ? "\\e" : one);
    }
}

static void add_default(struct strbuf *out, const struct setting_text *setting)
{
    if (setting->fallback[0] != '\0') {
        strbuf_add(out, ". Default: ");
        add_roff(out, setting->fallback);
    }
    strbuf_add(out, ".\n");
}

static void add_item(struct strbuf *out, const char *term, const char *operand)
{
    strbuf_add(out, ".TP\n.B ");
    add_roff(out, term);
    strbuf_addf(out, "%s%s%s\n", operand[0] == '\0' ? "" : " \\fI", operand,
                operand[0] == '\0' ? "" : "\\fR");
}

void settings_docs_daemon(struct strbuf *out)
{
    struct setting_text setting;
    strbuf_addf(out, HEAD, "CLEAVED 8");
    strbuf_add(out,
               ".SH NAME\ncleaved \\- the daemon that gives virtual machines a GPU or a part of "
               "one\n.SH SYNOPSIS\n.B cleaved\n[\\fIOPTION VALUE\\fR]...\n"
               ".SH DESCRIPTION\ncleaved keeps the claims of virtual machines, changes the GPUs "
               "of this host for them, and restores them after a reboot.\n"
               ".BR cleave (1)\nis its command line.\n.PP\nEach option but the last ones is a "
               "setting, and has a key in\n.BR cleaved.yaml (5).\nThe command line wins over "
               "the file.\n.SH OPTIONS\n");
    add_item(out, "--config", "FILE");
    strbuf_add(out, "the file with the settings. Default: " SETTINGS_DEFAULT_FILE
                    ", which may be missing.\n");
    for (size_t i = 0; settings_text(i, &setting); i++) {
        add_item(out, setting.option, setting.operand);
        add_roff(out, setting.help);
        add_default(out, &setting);
    }
    add_item(out, "--dump-states", "");
    strbuf_add(out, "print the state machines for Graphviz.\n");
    add_item(out, "--help, --version", "");
    strbuf_add(out, "print the options, the version.\n");
    signals_docs(out);
    strbuf_add(out, ".SH SEE ALSO\n.BR cleave (1),\n.BR cleaved.yaml (5)\n");
}

void settings_docs_file(struct strbuf *out)
{
    struct setting_text setting;
    strbuf_addf(out, HEAD, "CLEAVED.YAML 5");
    strbuf_add(out, ".SH NAME\ncleaved.yaml \\- settings of cleaved\n.SH SYNOPSIS\n.I "
                    "" SETTINGS_DEFAULT_FILE "\n.SH DESCRIPTION\nA YAML document with one object. "
                    "Every key may be left out, and so may the file. cleaved reads it when it "
                    "starts, and says the line of what it can't read.\n.SH KEYS\n");
    for (size_t i = 0; settings_text(i, &setting); i++) {
        add_item(out, setting.key, "");
        add_roff(out, setting.help);
        add_default(out, &setting);
    }
    strbuf_add(out, ".SH EXAMPLE\n.nf\nsocketGroup: libvirt\nvmGrace: 300\nlogLevel: debug\n.fi\n"
                    ".SH SEE ALSO\n.BR cleaved (8)\n");
}

void settings_docs_example(struct strbuf *out)
{
    struct setting_text setting;
    strbuf_add(out, "# SPDX-License-Identifier: Apache-2.0\n"
                    "# Settings of cleaved: copy this file to " SETTINGS_DEFAULT_FILE ",\n"
                    "# remove the sign in front of what you change, and restart cleaved.\n"
                    "# cleaved.yaml(5) describes the keys.\n");
    for (size_t i = 0; settings_text(i, &setting); i++) {
        const char *fallback = setting.fallback;
        strbuf_addf(out, "\n# %s\n#%s: %s\n", setting.help, setting.key,
                    fallback[0] == '\0' ? "\"\"" : fallback);
    }
}
