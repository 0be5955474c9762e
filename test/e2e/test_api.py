# SPDX-License-Identifier: Apache-2.0
"""Every operation of api/openapi.yaml, good and bad, each answer validated (harness.Api does it)."""
import getpass

import pytest

OPERATION = "7d0f3c1e-0000-4000-8000-0000000000d1"
MIGRATION = "7d0f3c1e-0000-4000-8000-0000000000b1"
CLAIM = {"name": "web1", "type": "DC-1-8C", "vm": "web2"}



@pytest.mark.quick("claim", "plan", "vm", "gpu")
def test_every_operation_answers_as_described(fake, openapi):
    openapi.seen.clear()
    for target in ("/v1/health", "/v1/host", "/v1/gpus", "/v1/gpus/0", "/v1/gpus/0000:61:00.0",
                   "/v1/profiles", "/v1/profiles?gpu=1", "/v1/claims", "/v1/plans", "/v1/vms",
                   "/v1/events", "/v1/events?after=1&limit=1", "/v1/rules", "/v1/gc",
                   "/v1/migrations", "/v1/operations", "/v1/operations?state=active&kind=drain&subject=host",
                   f"/v1/operations/{OPERATION}", "/v1/host/restore"):
        fake.get(target)
    assert fake.call("POST", "/v1/advice", {"memory": "8G", "graphics": True})[0] == 200
    status, change, _ = fake.call("POST", "/v1/claims", CLAIM)
    assert status == 202
    assert fake.wait_plan(change)["state"] == "done"
    fake.get("/v1/claims/web1")
    fake.get("/v1/claims")
    fake.get("/v1/plans")
    assert fake.call("PUT", "/v1/gpus/0/mode", {"mode": "idle"})[0] == 202
    scheduler = {"policy": "equal-share"}
    assert fake.call("PUT", "/v1/gpus/0/scheduler", scheduler)[0] == 202
    assert fake.call("PUT", "/v1/gpus/0/cordon", {"reason": "fan noise"})[0] == 200
    assert fake.call("DELETE", "/v1/gpus/0/cordon")[0] == 200
    assert fake.call("POST", "/v1/gpus/0/recover")[0] == 202
    drain = {"to": [{"destination": "qemu+ssh://host2/system"}], "stop": True, "parallel": 2}
    assert fake.call("POST", "/v1/drain", drain)[0] == 200
    fake.get("/v1/drain")
    assert fake.call("POST", "/v1/drain/cancel")[0] == 200
    assert fake.call("DELETE", "/v1/drain")[0] == 200
    assert fake.call("POST", "/v1/host/restore")[0] == 200
    assert fake.call("POST", "/v1/gc")[0] == 202
    hook = {"domain": "web1", "operation": "prepare", "subOperation": "begin", "xml": "<domain/>"}
    assert fake.call("POST", "/v1/hooks/qemu", hook)[0] == 200
    assert fake.call("POST", "/v1/apply", {"name": "lab", "claims": []})[0] == 202
    assert fake.call("POST", "/v1/vms", {"name": "n", "template": "<domain/>"})[0] == 200
    assert fake.get("/v1/vms/web1")["vm"]["name"] == "web1"
    assert fake.get("/v1/vms/web1/lint")["errors"] == 1
    assert fake.call("POST", "/v1/vms/web1/start")[0] == 200
    assert fake.call("POST", "/v1/vms/web1/stop")[0] == 200
    assert fake.call("POST", "/v1/vms/web1/stop", {"force": True})[0] == 200
    assert fake.call("DELETE", "/v1/vms/web1")[0] == 200
    assert fake.call("DELETE", "/v1/claims/web1")[0] == 202
    assert fake.call("POST", f"/v1/operations/{OPERATION}/cancel")[0] == 202
    fake.get("/v1/released-claims")
    fake.get("/v1/rules/mig-vgpu-not-for-windows-on-h100")
    assert fake.call("POST", "/v1/claims/web1/restore")[0] == 202
    move = {"vm": "web1", "destination": "qemu+ssh://host2/system"}
    assert fake.call("POST", "/v1/migrations", move)[0] == 202
    assert fake.call("POST", "/v1/migrations?dryRun=true", move)[0] == 200
    fake.get(f"/v1/migrations/{MIGRATION}")
    assert fake.call("DELETE", f"/v1/migrations/{MIGRATION}")[0] == 202
    assert fake.call("POST", f"/v1/migrations/{MIGRATION}/resolve", {"vm": "source"})[0] == 202
    offer = {"id": MIGRATION, "vm": "web1", "facts": {}, "claims": []}
    assert fake.call("POST", "/v1/incoming", offer)[0] == 200
    fake.get(f"/v1/incoming/{MIGRATION}")
    assert fake.call("POST", f"/v1/incoming/{MIGRATION}/commit")[0] == 200
    assert fake.call("DELETE", f"/v1/incoming/{MIGRATION}")[0] == 200
    for target in ("/v1/licences", "/v1/licences/usage", "/v1/licences/usage?month=2026-11"):
        fake.get(target)
    assert fake.call("PUT", "/v1/licences/pools/vWS", {"count": 10})[0] == 200
    assert fake.call("DELETE", "/v1/licences/pools/vWS")[0] == 200
    answered = {(method, path) for method, path, status in openapi.seen if status < 300}
    assert sorted(openapi.operations() - answered) == [], "each has a made-up answer, and is asked here"


def test_a_dry_run_changes_nothing(fake):
    status, change, _ = fake.call("POST", "/v1/claims?dryRun=true", CLAIM)
    assert status == 200 and change["plan"]["state"] == "planned"
    assert fake.get("/v1/claims")["claims"] == []
    assert fake.call("POST", "/v1/claims?dryRun=false", CLAIM)[0] == 202


def test_the_author_is_who_is_connected(fake):
    _, change, _ = fake.call("POST", "/v1/claims", CLAIM)
    assert change["claims"][0]["author"] == getpass.getuser()


def test_what_is_not_there_is_404(fake):
    for method, target in (("GET", "/v1/gpus/9"), ("GET", "/v1/claims/none"),
                           ("DELETE", "/v1/claims/none"), ("GET", "/v1/plans/none"),
                           ("POST", "/v1/vms/none/start"), ("DELETE", "/v1/vms/none"),
                           ("GET", "/v1/profiles?gpu=9")):
        status, body, _ = fake.call(method, target)
        assert (status, body["reason"]) == (404, "not-found"), target


def test_a_broken_rule_is_named(fake):
    status, body, _ = fake.call("POST", "/v1/claims", {**CLAIM, "guest": "windows"})
    assert (status, body["reason"]) == (422, "rule-violated")
    assert body["rule"] == "mig-vgpu-not-for-windows-on-h100" and body["hint"]


def test_what_exists_already_is_409(fake):
    assert fake.call("POST", "/v1/claims", CLAIM)[0] == 202
    status, body, _ = fake.call("POST", "/v1/claims", CLAIM)
    assert (status, body["reason"]) == (409, "conflict")
