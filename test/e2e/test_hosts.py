# SPDX-License-Identifier: Apache-2.0
"""cleave on hosts of every kind: each VM boots and finds what its claim says."""
import pytest

H100 = "0001:61:00.0"


def halt(host, *names):
    done = host.cleave.run("vm", "stop", "--now", *names)
    assert done.returncode == 0, done.stderr


def test_a_mig_backed_mdev_reaches_its_guest(machine, image):
    host = machine("a100-40gb-mdev")
    host.define_guest(image, "v1", "v2")
    host.start()
    uuids = {name: host.create(name, type="A100-2-10C", vm=name)["assigned"]["mdevUuid"]
             for name in ("v1", "v2")}
    for name, said in host.boot("v1", "v2").items():
        assert len(said) == 1 and f"uuid={uuids[name]}" in said[0]
        assert 'gpu="NVIDIA A100-2-10C"' in said[0] and "profile=2g.10gb" in said[0]
    assert host.problems() == []
    assert host.api.call("DELETE", "/v1/claims/v1")[0] == 409
    halt(host, "v1", "v2")
    done = host.cleave.run("claim", "delete", "v1", "v2")
    assert done.returncode == 0, done.stderr
    assert host.problems() == []


def test_a_gpu_without_virtual_functions_carries_mdevs_itself(machine, image):
    host = machine("t4-mdev")
    host.define_guest(image, "v1")
    host.start()
    # Two vGPUs in one VM: both are found.
    got = [host.create(name, type="T4-4Q", vm="v1")["assigned"] for name in ("a", "b")]
    said = host.boot("v1")["v1"]
    assert sorted(line.split("uuid=")[1].split()[0] for line in said) == sorted(
        it["mdevUuid"] for it in got)
    assert all('gpu="NVIDIA T4-4Q"' in line for line in said)
    gpu = host.api.get("/v1/gpus/0")
    assert gpu["mode"] == "time-sliced" and {vgpu["vm"] for vgpu in gpu["vgpus"]} == {"v1"}
    for mode in ("mig", "passthrough", "idle"):
        status, problem, _ = host.api.call("PUT", "/v1/gpus/0/mode", {"mode": mode})
        assert status in (409, 422), problem
    assert host.problems() == []


def test_a_gpu_on_another_pci_domain_is_cut_and_given_like_any(machine, image):
    host = machine("mixed")
    host.define_guest(image, "v1", "v2")
    host.start()
    claim = host.create("a", type="H100XM-1-10C", vm="v1", gpu=H100)
    assert claim["assigned"]["gpu"] == H100 and claim["assigned"]["device"].startswith("0001:61:")
    host.create("b", mode="passthrough", gpu="0000:21:00.0", vm="v2")
    said = host.boot("v1", "v2")
    assert 'gpu="NVIDIA H100XM-1-10C"' in said["v1"][0] and "profile=1g.10gb" in said["v1"][0]
    assert "kind=passthrough" in said["v2"][0] and "A100" in said["v2"][0]
    assert host.problems() == []


def test_a_group_that_the_host_uses_too_is_not_passed_through(machine):
    host = machine("mixed", libvirt=False).start()
    before = host.gpus()
    for query in ("?dryRun=true", ""):
        status, answer, _ = host.api.call("POST", "/v1/claims" + query,
                                          {"name": "a", "mode": "passthrough", "gpu": "0000:81:00.0"})
        assert status == 422 and answer["rule"] == "passthrough-takes-its-group"
        assert all(word in answer["detail"] for word in ("IOMMU group", "0000:82:00.0", "snd_hda_intel"))
    assert host.gpus() == before


def test_eight_gpus_fill_up_in_every_way_at_once(machine, image):
    host = machine("h100-80gb-x8")
    gpus = list(host.gpus())
    claims = {f"small{i}": {"type": "H100XM-1-10C"} for i in range(7)}
    claims |= {f"big{i}": {"type": "H100XM-3-40C"} for i in range(2)}
    claims |= {f"slice{i}": {"type": "H100XM-20C", "vm": f"v{i}"} for i in range(2)}
    claims |= {f"bare{i}": {"mode": "gpu-instance", "profile": "7g.80gb"} for i in range(2)}
    claims |= {f"whole{i}": {"mode": "passthrough", "vm": f"v{i + 2}"} for i in range(2)}
    host.define_guest(image, *(f"v{i}" for i in range(4)))
    host.start()
    plan = host.apply("all", claims)
    assert plan["state"] == "done", plan["problem"]
    used = {claim["assigned"]["gpu"] for claim in host.api.get("/v1/claims")["claims"]}
    assert used < set(gpus), "a GPU would have been enough for several claims"
    said = host.boot("v0", "v3")
    assert 'gpu="NVIDIA H100XM-20C"' in said["v0"][0] and "kind=passthrough" in said["v3"][0]
    assert host.problems() == []
    halt(host, "v0", "v3")
    assert host.apply("all", {})["state"] == "done"
    assert host.problems() == []


@pytest.mark.parametrize("name", ["a100-40gb", "l40s-x2", "rtx-pro-6000-x2"])
def test_each_host_gives_a_whole_gpu_and_takes_it_back(machine, name):
    host = machine(name)
    host.define("v1")
    host.start()
    before = host.gpus()
    host.create("a", mode="passthrough", vm="v1")
    assert host.problems() == []
    host.delete("a")
    assert host.gpus() == before and host.problems() == []
