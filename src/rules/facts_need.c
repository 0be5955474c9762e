/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_need.h"

#include "base/str.h"
#include "rules/say.h"

#define NEED_BOOL(name)                                                                            \
    static bool need_##name(const struct rule_facts *f, char *out)                                 \
    {                                                                                              \
        return f->need != NULL && say_bool(out, f->need->name);                                    \
    }
NEED_BOOL(graphics)
NEED_BOOL(peer_traffic)
NEED_BOOL(predictable)

/* A claim in exact words says these two as well: by its parameters, and as migratable. */
static bool need_unified_memory(const struct rule_facts *f, char *out)
{
    bool wanted = f->params != NULL && f->params->unified_memory == TRI_YES;
    bool needed = f->need != NULL && f->need->unified_memory;
    return (f->need != NULL || f->params != NULL) && say_bool(out, needed || wanted);
}

static bool need_live_migration(const struct rule_facts *f, char *out)
{
    bool wanted = f->params != NULL && f->spec != NULL && f->spec->migratable;
    bool needed = f->need != NULL && f->need->live_migration;
    return (f->need != NULL || f->params != NULL) && say_bool(out, needed || wanted);
}

static bool need_boundary(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_text(out, boundary_name(f->need->boundary));
}

static bool need_consumer(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_text(out, consumer_name(f->need->consumer));
}

static bool need_isolation(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_text(out, isolation_name(f->need->isolation));
}

static bool need_count(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->count);
}

static bool need_memory(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->memory_mib);
}

static bool need_licences(const struct rule_facts *f, char *out)
{
    return f->need != NULL &&
           (f->need->any_licence ? say_text(out, "any")
                                 : licence_describe(f->need->licences, out, FACT_SIZE) != NULL);
}

/* Unknown where no source says which product a series takes. */
static bool licence_needed(const struct rule_facts *f, char *out)
{
    return f->need != NULL && licence_describe(f->licences, out, FACT_SIZE) != NULL;
}

static bool licence_covered(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_bool(out, f->licences == 0 || f->need->any_licence ||
                                                (f->need->licences & f->licences) != 0);
}

/* In one VM. */
static bool need_gpus(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->gpus);
}

static bool need_compute(const struct rule_facts *f, char *out)
{
    return f->need != NULL && say_number(out, f->need->compute);
}

static const struct fact licence_rows[] = {
    {"licence.covered", licence_covered},
    {"licence.needed", licence_needed},
};
const struct fact_table licence_facts = FACT_TABLE(licence_rows);

static const struct fact need_rows[] = {
    {"need.boundary", need_boundary},
    {"need.compute", need_compute},
    {"need.consumer", need_consumer},
    {"need.count", need_count},
    {"need.gpus", need_gpus},
    {"need.graphics", need_graphics},
    {"need.isolation", need_isolation},
    {"need.licences", need_licences},
    {"need.live-migration", need_live_migration},
    {"need.memory-mib", need_memory},
    {"need.peer-traffic", need_peer_traffic},
    {"need.predictable", need_predictable},
    {"need.unified-memory", need_unified_memory},
};
const struct fact_table need_facts = FACT_TABLE(need_rows);
