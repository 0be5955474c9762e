# SPDX-License-Identifier: Apache-2.0
"""All actions in one table."""
from play import claims, hosts, moves, vms

TABLE = [*claims.ACTIONS, *vms.ACTIONS, *hosts.ACTIONS, *moves.ACTIONS]
for action in TABLE:
    if isinstance(action, hosts.Combined):
        action.table = TABLE
BY_NAME = {action.name: action for action in TABLE}
assert len(BY_NAME) == len(TABLE)
