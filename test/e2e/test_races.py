# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, each through the production daemon: one wins, no one is half served."""
import collections
import random
import threading

import pytest

RTX, A100, L40S_1, L40S_2 = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"


def together(*functions):
    """Runs all at the same moment; returns what each returned, in order."""
    results = [None] * len(functions)
    gate = threading.Barrier(len(functions))

    def run(i):
        gate.wait()
        results[i] = functions[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def asking(host, method, target, body=None):
    """A request that waits for its plan; returns "done", or why not."""
    def ask():
        status, answer, _ = host.api.call(method, target, body)
        if status >= 400:
            return answer["reason"]
        return host.api.wait_plan(answer)["state"] if "plan" in answer else "done"
    return ask


def claiming(host, name, **claim):
    return asking(host, "POST", "/v1/claims", {"name": name, **claim})


def applying(host, site, claims):
    return asking(host, "POST", "/v1/apply", {
        "name": site, "claims": [{"name": name, **claim} for name, claim in claims.items()]})


def deleting(host, name):
    return asking(host, "DELETE", f"/v1/claims/{name}")


def counts(results):
    return dict(collections.Counter(results))


@pytest.fixture
def host(machine):
    host = machine("demo")
    host.define("v1", "v2", "v3")
    return host.start()


def test_sixteen_clients_want_the_last_slice_and_one_gets_it(host):
    host.create("first", mode="gpu-instance", profile="4g.20gb", gpu=A100)
    host.create("second", mode="gpu-instance", profile="2g.10gb", gpu=A100)
    results = together(*(claiming(host, f"r{i}", mode="gpu-instance", profile="1g.5gb", gpu=A100)
                         for i in range(16)))
    assert counts(results) == {"done": 1, "no-capacity": 15}
    assert host.problems() == []


def test_sixteen_clients_want_a_whole_gpu_and_each_gpu_has_one_owner(host):
    results = together(*(claiming(host, f"r{i}", mode="passthrough", gpu=(L40S_1, L40S_2)[i % 2])
                         for i in range(16)))
    assert results.count("done") == 2 and len(set(results)) == 2, results
    assert host.problems() == []


def test_no_two_of_sixteen_clients_share_a_virtual_function(host):
    results = together(*(claiming(host, f"r{i}", type="L40S-4Q", gpu=L40S_1) for i in range(16)))
    assert counts(results) == {"done": 12, "no-capacity": 4}
    devices = [claim["assigned"]["device"] for claim in host.api.get("/v1/claims")["claims"]]
    assert len(set(devices)) == 12
    assert host.problems() == []


def test_of_sixteen_claims_of_one_name_one_is_made(host):
    results = together(*(claiming(host, "same", type="L40S-4Q") for _ in range(16)))
    assert counts(results) == {"done": 1, "conflict": 15}
    results = together(*(deleting(host, "same") for _ in range(16)))
    assert counts(results) == {"done": 1, "not-found": 15}
    assert host.problems() == []


def test_two_sites_want_one_gpu_in_two_modes(host):
    sites = [{f"{site}{i}": {"gpu": L40S_1, **claim} for i in range(n)}
             for site, n, claim in (("a", 4, {"type": "L40S-8Q"}), ("b", 1, {"mode": "passthrough"}))]
    results = together(*(applying(host, f"s{i % 2}", sites[i % 2]) for i in range(8)))
    winner = host.api.get("/v1/claims")["claims"][0]["site"]
    assert all((result == "done") == (f"s{i % 2}" == winner) for i, result in enumerate(results))
    assert host.problems() == []


def test_an_apply_and_a_create_of_the_same_name_leave_one_owner(host):
    for turn in range(4):
        claim = {"type": "L40S-8Q", "vm": "v1"}
        applied, created = together(applying(host, "s", {"x": claim}), claiming(host, "x", **claim))
        owner = host.api.get("/v1/claims/x")["site"]
        assert {applied, created} == {"done", "conflict"}
        assert (owner == "s") == (applied == "done")
        assert host.stored_devices("v1") == [host.api.get("/v1/claims/x")["assigned"]["device"]]
        host.delete("x")


def test_a_delete_and_a_start_never_leave_a_vm_with_a_device_that_is_gone(host):
    for turn in range(6):
        host.create("x", type="L40S-8Q", vm="v1")
        started, deleted = together(asking(host, "POST", "/v1/vms/v1/start"), deleting(host, "x"))
        running = host.api.get("/v1/vms")["vms"][0]
        if deleted == "done":  # then it may have started, without a device
            assert running["devices"] == [] and started in ("done", "conflict"), (started, deleted)
        else:
            assert (started, deleted) == ("done", "in-use")
            assert len(running["devices"]) == 1
        if running["state"] == "running":
            host.virsh("destroy", "v1")
        if deleted != "done":
            host.delete("x")
        assert host.problems() == []


def test_a_vm_is_started_once_and_by_one(host):
    host.create("x", type="L40S-8Q", vm="v1")
    results = together(*(asking(host, "POST", "/v1/vms/v1/start") for _ in range(8)))
    assert counts(results) == {"done": 1, "conflict": 7}
    results = together(*(asking(host, "POST", "/v1/vms/v1/stop", {"force": True}) for _ in range(4)))
    assert results.count("done") >= 1 and set(results) <= {"done", "conflict"}
    assert host.problems() == []


def test_sixteen_clients_do_whatever_they_like(host):
    def client(number):
        rng = random.Random(number)

        def live():
            for turn in range(2):
                name = f"n{rng.randrange(10)}"
                gpu = rng.choice([RTX, A100, L40S_1, L40S_2])
                claim = rng.choice([
                    {"type": "DC-1-8C"}, {"type": "A100-1-5C", "vm": "v1"}, {"type": "L40S-8Q"},
                    {"type": "L40S-4Q", "vm": "v2", "mixed": True, "gpu": L40S_2},
                    {"mode": "passthrough", "gpu": gpu}, {"type": "A100-10C"},
                    {"mode": "gpu-instance", "profile": "1g.5gb"}])
                rng.choice([
                    claiming(host, name, **claim), claiming(host, name, **claim), deleting(host, name),
                    applying(host, f"s{rng.randrange(3)}", {f"s{number}{turn}": claim}),
                    asking(host, "PUT", f"/v1/gpus/{gpu}/mode", {"mode": rng.choice(["idle", "mig"])}),
                    deleting(host, name)])()
        return live

    together(*(client(number) for number in range(16)))
    plans = host.api.get("/v1/plans")["plans"]
    assert {plan["state"] for plan in plans} <= {"done", "undone"}
    assert host.problems() == []
