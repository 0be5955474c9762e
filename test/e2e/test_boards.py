# SPDX-License-Identifier: Apache-2.0
"""Boards and drivers of which the catalog knows only a part, or more than there is."""
import json

import pytest

from harness import ROOT

PRO_4500 = "0000:41:00.0"


@pytest.fixture
def pro_4500(machine):
    one = machine("rtx-pro-4500")
    one.define("vm1", "vm2", "vm3", "vm4")
    one.start()
    return one


def test_two_slices_with_time_sliced_vgpus_on_each(pro_4500):
    host = pro_4500
    for i in range(1, 5):
        made = host.create(f"c{i}", type="DC-1-8C", vm=f"vm{i}", mode="time-sliced-mig-backed")
        assert made["state"] == "bound", json.dumps(made)
    gpu = host.api.get(f"/v1/gpus/{PRO_4500}")
    assert gpu["model"] == "rtx-pro-4500-blackwell-se"
    assert [gi["profile"] for gi in gpu["gpuInstances"]] == ["1g.16gb+gfx", "1g.16gb+gfx"]
    per_slice = sorted(vgpu["gpuInstance"] for vgpu in gpu["vgpus"])
    assert len(per_slice) == 4 and per_slice[0] == per_slice[1] != per_slice[2] == per_slice[3]
    for i in range(1, 5):
        host.virsh("start", f"vm{i}")
    assert host.problems() == []
    held = {vgpu["vm"] for vgpu in host.api.get(f"/v1/gpus/{PRO_4500}")["vgpus"]}
    assert held == {"vm1", "vm2", "vm3", "vm4"}


def test_the_catalog_has_its_place_in_a_profile_list(pro_4500):
    """What only the driver knows is listed as it says; what both know is there once."""
    listed = pro_4500.api.get(f"/v1/profiles?gpu={PRO_4500}")
    names = [profile["name"] for profile in listed["profiles"]]
    assert len(names) == len(set(names)) and "2g.32gb+gfx" in names
    assert all(profile["placements"] for profile in listed["profiles"])
    types = [one["name"] for one in listed["types"]]
    assert len(types) == len(set(types))
    assert "RTX Pro 4500 Blackwell DC-1-4Q" in types  # in no public table


NO_DRIVER, NO_BOARD = "mixed-sizes-need-driver", "mixed-sizes-not-reported"


@pytest.mark.parametrize("board, driver, kind, rule", [
    ("a2", "550.54.16", "A2-2Q", NO_BOARD), ("a2", "535.129.03", "A2-2Q", NO_BOARD),
    ("a16", "570.86.10", "A16-2Q", NO_BOARD), ("t4", "550.54.16", "T4-2Q", NO_BOARD),
    ("l40s", "535.129.03", "L40S-2Q", NO_DRIVER), ("a100-pcie-40gb", "535.129.03", "A100-4C", NO_DRIVER),
    ("l40s", "550.54.16", "L40S-2Q", None), ("h100-pcie-80gb", "570.86.10", "H100-4C", None),
])
def test_mixed_sizes_are_refused_in_the_dry_run_where_board_or_driver_lacks_them(machine, board, driver, kind, rule):
    """vGPU software 17, whose drivers are of branch 550, is the first with them; some boards never have them."""
    host = machine(f"board:{board}", libvirt=False, options=["--driver", driver]).start()
    for target in ("/v1/claims?dryRun=true", "/v1/claims"):
        status, answer, _ = host.api.call("POST", target, {
            "name": "m", "type": kind, "mixed": True, "mode": "time-sliced"})
        assert (status >= 400, answer.get("rule")) == (rule is not None, rule), (target, answer)
    if rule is None:
        assert host.api.wait_plan(answer)["state"] == "done"
