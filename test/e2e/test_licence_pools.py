# SPDX-License-Identifier: Apache-2.0
"""Pools of licences with real VMs: a claim beyond a pool is refused or warned of, the dry run and
advice say the same, a VM that has its claim starts all the same, and its use is in the ledger."""
import csv
import io
import json
import os

import pytest

from harness import wait_for, with_libvirt

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)"),
    with_libvirt,
]


@pytest.fixture
def host(machine):
    host = machine("l40s-x2")
    host.define("vm1", "vm2")
    return host.start("--observe-period", "1")


def vws(host):
    return next(row for row in host.api.get("/v1/licences")["licences"] if row["product"] == "vWS")


def create(host, *more):
    return host.cleave.run("claim", "create", "c2", "--vm", "vm2", "--type", "L40S-8Q", *more)


def test_a_pool_counts_refuses_and_keeps_what_there_is(host):
    run = host.cleave.run
    assert vws(host)["pool"] is None
    assert run("license", "pool", "set", "vws", "--count", "1", "--policy", "refuse").returncode == 0
    host.create("c1", vm="vm1", type="L40S-8Q")
    assert (vws(host)["inUse"], vws(host)["reserved"]) == (0, 1)
    for more in (["--dry-run"], []):
        refused = create(host, *more)
        assert refused.returncode == 13 and "licence of vWS" in refused.stderr, refused.stderr
    said = run("advise", "--memory", "8G", "--graphics", "--licences", "vWS", "-o", "json")
    served = [row for row in json.loads(said.stdout)["advice"] if row["verdict"] != "no"]
    assert not any(row["mode"] == "time-sliced" for row in served), served
    assert run("licence", "pool", "set", "vws", "--count", "0", "--policy", "refuse").returncode == 0
    assert run("vm", "start", "vm1").returncode == 0  # what exists is never refused
    wait_for(lambda: vws(host)["inUse"] == 1 and vws(host)["peak"] == 1)
    assert run("licence", "pool", "set", "vws", "--count", "1", "--policy", "warn").returncode == 0
    warned = create(host, "--dry-run")
    assert warned.returncode == 0 and "licences of vWS" in warned.stdout + warned.stderr
    assert create(host).returncode == 0
    kinds = [event["kind"] for event in host.api.get("/v1/events")["events"]]
    assert "licence-exceeded" in kinds and "licence-pool-set" in kinds
    assert run("vm", "stop", "--now", "vm1").returncode == 0
    wait_for(lambda: vws(host)["inUse"] == 0)
    usage = host.api.get("/v1/licences/usage")
    record, = usage["records"]
    assert record["vm"] == "vm1" and record["until"] is not None and not record["endUnknown"]
    rows = list(csv.DictReader(io.StringIO(run("licence", "usage", "-o", "csv").stdout)))
    assert {(row["PRODUCT"], row["TENANT"], row["PEAK"]) for row in rows} == \
        {("vWS", "(all)", "1"), ("vWS", record["tenant"], "1")}
