# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's own nvidia-smi."""
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import pytest

ELEMENTS = pathlib.Path(__file__).resolve().parent / "elements"
CTL = ["/run/cleave-sim/bin/cleave-sim", "ctl"]
PRO, A100, L40S = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0"
VM = "11111111-2222-4333-8444-555555555555"
NOBODY = 65534


def ctl(host, *words):
    done = host.ask(*CTL, *words)
    assert done.code == 0, done.said


def start_vgpu(host, vf=f"{L40S[:-1]}4", gpu=L40S, type_id=1152):
    """A vGPU whose VM runs: this test's agent holds the device."""
    host.sh(f"/usr/lib/nvidia/sriov-manage -e {gpu}")
    host.sh(f"echo {type_id} > /sys/bus/pci/devices/{vf}/nvidia/current_vgpu_type")
    ctl(host, "open", vf, "1", VM)


def paths(element, prefix=""):
    found = set()
    for child in element:
        path = f"{prefix}{child.tag}"
        found |= {path} | paths(child, f"{path}/")
    return found


def names(file):
    lines = (ELEMENTS / file).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_boards_are_listed(host, smi):
    demo = host("demo")
    out = smi(demo, "-L").out
    assert re.findall(r"^GPU (\d): (.+) \(UUID: GPU-[0-9a-f-]{36}\)$", out, re.M) == [
        ("0", "NVIDIA RTX PRO 6000 Blackwell Server Edition"), ("1", "NVIDIA A100-PCIE-40GB"),
        ("2", "NVIDIA L40S"), ("3", "NVIDIA L40S")]


def test_the_default_view_shows_every_board(host, smi):
    out = smi(host("h100-80gb-x8")).out
    assert out.count("NVIDIA H100 80GB HBM3") == 8 and re.search(r"/ +700W", out)
    assert "No running processes found" in out


def test_a_query_prints_values(host, smi):
    demo = host("demo")
    out = smi(demo, "--query-gpu=index,pci.bus_id,memory.total,power.draw,temperature.gpu,clocks.sm,"
              "ecc.mode.current,mig.mode.current,pstate,utilization.gpu,pcie.link.gen.max",
              "--format=csv,noheader,nounits", "-i", "2").out
    fields = [field.strip() for field in out.split(",")]
    assert fields[:3] == ["2", "00000000:81:00.0", "46068"]
    assert 20 < float(fields[3]) < 100 and 20 < int(fields[4]) < 60
    assert fields[5:] == ["210", "Enabled", "[N/A]", "P8", "0", "4"]


def test_everything_is_reported(host, smi):
    out = smi(host("mixed"), "-q").out
    assert out.count("Product Name") == 4
    for line in ("GSP Firmware Version                  : 580.105.08", "Host VGPU Mode"):
        assert line in out


@pytest.mark.parametrize("board, name", [("h100", "h100-80gb-x8"), ("l40s", "l40s-x2"),
                                         ("t4", "t4-mdev")])
def test_the_xml_has_the_elements_of_real_boards(host, smi, board, name):
    root = ElementTree.fromstring(smi(host(name), "-q", "-x").out)
    missing = names(f"{board}.txt") - names("newer.txt") - paths(root.find("gpu"))
    assert not missing, sorted(missing)


def test_no_capture_s_value_became_not_available(host, smi):
    gpu = ElementTree.fromstring(smi(host("h100-80gb-x8"), "-q", "-x").out).find("gpu")
    expected = {"vbios_version": "96.00.99.00.01", "board_part_number": "692-2G520-0200-000",
                "gpu_part_number": "2330-885-A1", "inforom_version/img_version": "G520.0200.00.05",
                "gpu_power_readings/max_power_limit": "700.00 W", "bar1_memory_usage/total": "131072 MiB",
                "max_clocks/graphics_clock": "1980 MHz", "max_clocks/mem_clock": "2619 MHz",
                "remapped_rows/row_remapper_histogram/row_remapper_histogram_max": "2560 bank(s)",
                "temperature/gpu_temp_max_tlimit_threshold": "-8 C",
                "pci/pci_gpu_link_info/pcie_gen/max_link_gen": "5"}
    assert {path: gpu.findtext(path) for path in expected} == expected


def test_mig_mode_is_switched(host, smi):
    demo = host("demo")
    assert "Enabled MIG Mode" in smi(demo, "-i", "0", "-mig", "1").out
    query = ["--query-gpu=mig.mode.current", "--format=csv,noheader", "-i", "0"]
    assert smi(demo, *query).out.strip() == "Enabled"
    smi(demo, "-i", "1", "-mig", "1")
    assert "Disabled MIG Mode" in smi(demo, "-i", "0", "-mig", "0").out
    assert smi(demo, *query).out.strip() == "Disabled"
    assert "Not Supported" in smi(demo, "-i", "2", "-mig", "1").said
    assert "Insufficient Permissions" in smi(demo, "-i", "0", "-mig", "1", user=NOBODY, status=4).said


def test_a_mode_that_waits_for_a_reset_says_so(host, smi):
    demo = host("demo")
    ctl(demo, "set", A100, "no_reset", "1")
    assert "pending enable" in smi(demo, "-i", "1", "-mig", "1").said
    ctl(demo, "set", A100, "no_reset", "0")
    smi(demo, "-r", "-i", "1")
    out = smi(demo, "--query-gpu=mig.mode.current", "--format=csv,noheader", "-i", "1").out
    assert out.strip() == "Enabled"


def test_instances_are_made_by_id_name_and_place(host, smi):
    a100 = host("a100-40gb")
    # The older one looks at the mode itself; the newer lists, and none is free before the reset.
    off = smi(a100, "mig", "-lgip", status=6 if smi.version < 550 else 0).said
    assert ("No MIG-enabled devices" if smi.version < 550 else "0/7") in off
    smi(a100, "-mig", "1")
    assert "MIG 1g.5gb" in smi(a100, "mig", "-lgip").out
    assert "{0,4}:4" in smi(a100, "mig", "-lgipp").out
    smi(a100, "mig", "-lgi", status=6)
    smi(a100, "mig", "-cgi", "14:4")
    smi(a100, "mig", "-cgi", "1g.5gb,19")
    assert " 4:2 " in smi(a100, "mig", "-lgi").out
    assert "Insufficient Resources" in smi(a100, "mig", "-cgi", "0", status=23).said
    smi(a100, "mig", "-cgi", "999", status=2)
    assert "MIG 1c.2g.10gb" in smi(a100, "mig", "-lcip").out
    smi(a100, "mig", "-lci", status=6)
    smi(a100, "mig", "-cci")
    assert "MIG 2g.10gb" in smi(a100, "mig", "-lci").out
    assert smi(a100, "-L").out.count("UUID: MIG-") == 3
    assert "In use by another client" in smi(a100, "mig", "-dgi", status=19).said
    smi(a100, "mig", "-dci")
    smi(a100, "mig", "-dgi")
    smi(a100, "mig", "-cgi", "2g.10gb:0", "-C")
    assert "pending disable" in smi(a100, "-mig", "0").said
    smi(a100, "mig", "-lgi", user=NOBODY)


def test_vgpus_are_listed(host, smi):
    demo = host("demo")
    assert "L40S" in smi(demo, "vgpu").out
    assert "NVIDIA L40S-8Q" in smi(demo, "vgpu", "-s").out
    out = smi(demo, "vgpu", "-s", "-v", "-i", "2").out
    assert re.search(r"Name +: NVIDIA L40S-48Q", out) and "0x26b910de" in out
    n = out.count("vGPU Type ID")
    assert n > 20 and n == out.count("Frame Rate Limit") == out.count("GRID License")
    assert "NVIDIA L40S-8Q" in smi(demo, "vgpu", "-c").out


def test_a_running_vgpu_is_seen(host, smi):
    demo = host("demo")
    assert "Active vGPUs                          : 0" in smi(demo, "vgpu", "-q", "-i", "2").out
    start_vgpu(demo)
    out = smi(demo, "vgpu", "-q", "-i", "2").out
    assert "Active vGPUs                          : 1" in out
    assert VM in out and "NVIDIA L40S-8Q" in out
    assert re.search(r"Used +: [1-9]\d+ MiB", out)
    assert "NVIDIA L40S-8Q" in smi(demo, "vgpu").out
    usage = smi(demo, "vgpu", "-u", "-i", "2", program_limit_s=2, status=124).out
    numbers = [line.split() for line in usage.splitlines() if not line.startswith("#")]
    assert numbers and 0 < int(numbers[0][2]) <= 100
    assert "Migration capability" in smi(demo, "vgpu", "-m", "-i", "2").out


@pytest.mark.parametrize("state, until, said", [
    (None, "", "Unlicensed (Unrestricted)"), ("restricted", "", "Unlicensed (Restricted)"),
    ("licensed", "2030-01-31T12:00:00Z", "Licensed (Expiry: 2030-1-31 12:0:0 GMT)"),
    ("licensed", "", "Licensed (Expiry: Permanent)")])
def test_the_licence_of_a_running_vgpu_is_shown(host, smi, state, until, said):
    demo = host("demo")
    start_vgpu(demo)
    if state is not None:
        ctl(demo, "licence", f"{L40S[:-1]}4", state, *filter(None, [until]))
    out = smi(demo, "vgpu", "-q", "-i", "2").out
    assert re.search(f"License Status +: {re.escape(said)}", out), out


def test_the_scheduler_is_reported_and_set(host, smi):
    demo = host("demo")
    assert "Best Effort" in smi(demo, "vgpu", "-ss").out
    assert "30000000 ns" in smi(demo, "vgpu", "-sc").out
    smi(demo, "vgpu", "set-scheduler-state", "-p", "2", "-i", "2")
    assert "Equal Share" in smi(demo, "vgpu", "-ss", "-i", "2").out
    log = smi(demo, "vgpu", "-sl", "-i", "2", program_limit_s=1, status=124).out
    assert "Equal Share" in log


def test_an_option_that_came_later_is_known_to_the_later_program(host, smi):
    said = smi(host("l40s-x2"), "vgpu", "-shm", status=2).said
    assert ("not recognized" if smi.version < 550 else "missing its value") in said


def test_a_host_without_vgpus_lists_no_process(host, smi, tmp_path):
    file = tmp_path / "bare.yaml"
    file.write_text("name: bare\ndriver: 580.105.08\nkernel: 6.8.0-60-generic\nvgpu_host: false\n"
                    "gpus: [{board: l40s, bdf: '0000:41:00.0'}, {board: h100, bdf: '0000:42:00.0'}]\n")
    bare = host(file)
    bare.name = "bare"
    lines = [line.split() for line in smi(bare, "pmon", "-c", "1").out.splitlines() if not line.startswith("#")]
    assert [line[:2] for line in lines] == [["0", "-"], ["1", "-"]]
    assert "No supported devices in vGPU mode" in smi(bare, "vgpu").out


def test_the_topology_is_that_of_the_host_file(host, smi):
    rows = smi(host("h100-80gb-x8"), "topo", "-m").out.splitlines()
    first = next(row for row in rows if row.startswith("GPU0")).split()
    assert first[1:9] == ["X", "NODE", "NODE", "NODE", "SYS", "SYS", "SYS", "SYS"]


def test_figures_keep_coming(host, smi):
    out = smi(host("l40s-x2"), "dmon", "-c", "2").out
    assert len([line for line in out.splitlines() if not line.startswith("#")]) == 4


def test_a_board_is_reset_unless_it_is_held(host, smi):
    demo = host("demo")
    assert "successfully reset" in smi(demo, "-r", "-i", L40S).out
    ctl(demo, "set", L40S, "holder", "dcgm")
    assert "In use by another client" in smi(demo, "-r", "-i", "2", status=19).said
    smi(demo, "-r", "-i", "0", user=NOBODY, status=4)
    ctl(demo, "fault", "add", "at=reset", "nvml=UNKNOWN", "count=1")
    smi(demo, "-r", "-i", "0", status=255)
    smi(demo, "-r", "-i", "0")


def test_settings_are_kept(host, smi):
    demo = host("demo")
    smi(demo, "-pm", "0")
    smi(demo, "-pl", "200", "-i", "2")
    smi(demo, "-pl", "9999", "-i", "2", status=2)
    smi(demo, "-c", "3", "-i", "2")
    smi(demo, "-e", "0", "-i", "2")
    smi(demo, "-lgc", "1000", "-i", "2")
    out = smi(demo, "--query-gpu=persistence_mode,power.limit,compute_mode,ecc.mode.current,ecc.mode.pending",
              "--format=csv,noheader", "-i", "2").out
    assert out.strip() == "Disabled, 200.00 W, Exclusive_Process, Enabled, Disabled"


def test_without_a_driver_it_says_so(host, smi):
    demo = host("demo")
    env = {"CLEAVE_SIM_SOCKET": "/nonexistent"}
    assert "couldn't communicate with the NVIDIA driver" in smi(demo, "-L", env=env, status=9).said
