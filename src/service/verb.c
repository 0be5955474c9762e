/* SPDX-License-Identifier: Apache-2.0 */
#include "service/verb.h"

#define NO_BODY BODY_NONE, NULL
#define MAY_HAVE(kind) BODY_OPTIONAL, &body_##kind
#define NEEDS(kind) BODY_NEEDED, &body_##kind
#define BEGINS(kind) OPERATION_KIND_##kind
#define BEGINS_NOTHING OPERATION_KIND_COUNT

static const struct verb verbs[VERB_COUNT] = {
#define VERB(name, word, method, path, permission, body, flags, begins, function)                  \
    {VERB_##name, word, #method, path, ROLE_##permission, body, flags, begins},
#include "service/verbs.def"
#undef VERB
};

const struct verb *verb_of(enum verb_id id)
{
    return &verbs[id];
}

const char *verb_flag_name(enum verb_flag flag)
{
    switch (flag) {
    case TAKES_DRY_RUN:
        return "dryRun";
    case TAKES_GPU:
        return "gpu";
    case TAKES_AFTER:
        return "after";
    case TAKES_BEHIND:
        return "behind";
    case TAKES_LIMIT:
        return "limit";
    case TAKES_KIND:
        return "kind";
    case TAKES_STATE:
        return "state";
    case TAKES_SUBJECT:
        return "subject";
    case TAKES_BEFORE:
        return "before";
    case TAKES_NEWEST:
        return "newest";
    case TAKES_SINCE:
        return "since";
    case TAKES_CHANGED:
        return "changedSince";
    case TAKES_MONTH:
        return "month";
    case IS_URGENT:
    case IS_STREAM:
        break;
    }
    return "";
}

const char *role_name(enum role role)
{
    switch (role) {
    case ROLE_VIEWER:
        return "viewer";
    case ROLE_TENANT:
        return "tenant";
    case ROLE_OPERATOR:
        return "operator";
    case ROLE_ADMIN:
        return "admin";
    case ROLE_ROOT:
        return "root";
    }
    return "";
}
