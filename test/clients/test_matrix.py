# SPDX-License-Identifier: Apache-2.0
"""Every client on five hosts: of what was tried, how much is as published outputs of such boards say.

A row of CHECKS is one thing that a client shows. What is not as it should be fails the test, unless it
is in KNOWN, and is counted in the table of docs/fidelity.md in either case.
"""
import re

import pytest

from conftest import tried

# Host → what nvidia-smi of such a board says when nothing runs: how many there are, name, MiB, performance
# state, PCIe generation and the highest, subsystem, MIG profiles: id, slices, memory of one and of the
# largest half.
HOSTS = {
    "a100-40gb": (1, "NVIDIA A100-PCIE-40GB", 40960, "P0", 4, 4, "0x145F10DE", ("1g.5gb", "3g.20gb", 4864, 19968)),
    "h100-80gb-x8": (8, "NVIDIA H100 80GB HBM3", 81559, "P0", 5, 5, "0x16C010DE", ("1g.10gb", "3g.40gb", 9984, 40448)),
    "l40s-x2": (2, "NVIDIA L40S", 46068, "P8", 1, 4, "0x185110DE", None),
    "rtx-pro-6000-x2": (2, "NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, "P8", 1, 5, "0x204E10DE", None),
    "t4-mdev": (1, "Tesla T4", 15360, "P8", 1, 3, "0x12A210DE", None),
}
KNOWN = {
    # The driver there is of branch 535, and this program asks it for a function that came later.
    ("nvidia-smi 550", "t4-mdev", "pci.sub_device_id"),
}


class Facts:
    def __init__(self, name):
        self.host = name
        (self.count, self.name, self.mib, self.state, self.link, self.top_link, self.subsystem,
         self.mig) = HOSTS[name]


class Score:
    """Notes what was tried of a client on a host."""

    def __init__(self, client, host):
        self.client, self.host = client, host
        self.tried, self.wrong = tried.setdefault((client, host), ([], []))

    def note(self, what, right, shown=""):
        self.tried.append(what)
        if not right:
            self.wrong.append(what)
            print(f"{self.client} on {self.host}: {what}:\n{shown}")

    def unexpected(self):
        return [what for what in self.wrong if (self.client, self.host, what) not in KNOWN]


def query(host, program, fields):
    out = host.ask(program, f"--query-gpu={fields}", "--format=csv,noheader,nounits").out
    return [[word.strip() for word in line.split(",")] for line in out.splitlines()]


def try_boards(host, program, facts, score):
    for field, wanted in (("name", facts.name), ("memory.total", str(facts.mib)), ("pstate", facts.state),
                          ("pcie.link.gen.current", str(facts.link)), ("pcie.link.gen.max", str(facts.top_link)),
                          ("persistence_mode", "Disabled"), ("ecc.errors.uncorrected.volatile.total", "0"),
                          ("pci.sub_device_id", facts.subsystem)):
        rows = query(host, program, field)
        score.note(field, rows == [[wanted]] * facts.count, rows)
    rows = [line.split("\t") for line in host.ask(program, "topo", "-m").out.splitlines()
            if line.startswith("GPU")]
    score.note("topo -m: no board is a NUMA node",
               len(rows) == facts.count and all(row[-1].strip() == "N/A" for row in rows), rows)


def try_odd_commands(host, program, facts, score):
    """As the program itself decides on a host of vGPUs, and without processes."""
    pmon = host.ask(program, "pmon", "-c", "1")
    score.note("pmon", pmon.code == 255 and "not supported in this configuration" in pmon.said, pmon.said)
    policy = host.ask(program, "compute-policy", "-l")
    score.note("compute-policy -l", policy.code == 0 and policy.out.count("Timeslice") == facts.count, policy.said)
    capable = facts.mig is not None or "RTX PRO" in facts.name
    profiles = host.ask(program, "mig", "-lgip")
    says = "No MIG-" in profiles.said or "MIG 1g." in profiles.said
    score.note("mig -lgip with MIG off", says and (profiles.code == 0) <= capable, profiles.said)


MIG_LINE = re.compile(r"^\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\|\s+\d+MiB /\s*(\d+)MiB\s+\|\s+\d+\s+(\S+)", re.M)


def try_mig(host, program, facts, score):
    """Made in another order than that of their ids, and one GPU instance shared by two."""
    small, large, small_mib, large_mib = facts.mig
    host.ask(program, "-i", "0", "-mig", "1")
    host.ask(program, "mig", "-i", "0", "-cgi", f"{small},{large}")
    host.ask(program, "mig", "-i", "0", "-cci")
    view = host.ask(program, "-i", "0")
    rows = [tuple(row) for row in MIG_LINE.findall(view.out)]
    score.note("MIG devices are numbered by instance id",
               [row[3] for row in rows] == ["0", "1"] and int(rows[0][1]) < int(rows[1][1]), view.out)
    score.note("memory of MIG devices", sorted(int(row[4]) for row in rows) == [small_mib, large_mib], view.out)
    score.note("errors of MIG devices", [row[5] for row in rows] == ["0", "0"], view.out)
    score.note("errors of a board in MIG mode", " On |\n| N/A" in view.out, view.out)
    bar1 = re.findall(r"\|\s+0MiB /\s*(\d+)MiB\s+\|\s+\|", view.out)
    score.note("BAR1 of MIG devices", len(bar1) == 2 and all(int(mib) % 1024 == 1023 for mib in bar1), view.out)
    listed = host.ask(program, "-L").out
    score.note("names of MIG devices", f"MIG {small}" in listed and f"MIG {large}" in listed, listed)
    gi = next((row[1] for row in rows if int(row[4]) == large_mib), "0")
    host.ask(program, "mig", "-i", "0", "-dci", "-gi", gi)
    host.ask(program, "mig", "-i", "0", "-cci", "0,0", "-gi", gi)
    listed = host.ask(program, "-L").out
    score.note("names of parts", listed.count(f"MIG 1c.{large}") == 2, listed)


PYNVML = """
import pynvml as n
n.nvmlInit()
text = lambda value: value.decode() if isinstance(value, bytes) else value
for i in range(n.nvmlDeviceGetCount()):
    d = n.nvmlDeviceGetHandleByIndex(i)
    memory = n.nvmlDeviceGetMemoryInfo(d, n.nvmlMemory_v2)
    try:
        node = n.nvmlDeviceGetNumaNodeId(d)
    except (AttributeError, n.NVMLError):
        node = "none"
    same = n.nvmlDeviceGetIndex(n.nvmlDeviceGetHandleByUUID(n.nvmlDeviceGetUUID(d)))
    print(text(n.nvmlDeviceGetName(d)), memory.total >> 20, memory.total - memory.free - memory.used == memory.reserved,
          n.nvmlDeviceGetCurrPcieLinkGeneration(d), n.nvmlDeviceGetPersistenceMode(d), node, same,
          hex(n.nvmlDeviceGetPciInfo(d).pciSubSystemId), sep=";")
"""


def try_pynvml(host, folder, facts, score):
    out = host.ask("/usr/bin/python3", "-c", PYNVML, env={"PYTHONPATH": str(folder)})
    rows = [line.split(";") for line in out.out.splitlines()]
    wanted = [facts.name, str(facts.mib), "True", str(facts.link), "0", "none", None, facts.subsystem.lower()]
    for column, what in enumerate(("name", "memory", "reserved memory", "PCIe generation", "persistence mode",
                                   "NUMA node", "index by UUID", "subsystem")):
        right = len(rows) == facts.count and all(
            row[column] == (wanted[column] or str(index)) for index, row in enumerate(rows))
        score.note(what, right, out.said)


def try_nvtop(host, program, facts, score):
    done = host.ask("timeout", "-s", "INT", "1", "script", "-qefc", f"stty cols 200 rows 60; {program} -d 5",
                    "/dev/null")
    drawn = re.sub("\x1b[\\[(][0-9;?]*[A-Za-z0]", "", done.out)
    score.note("name", drawn.count(f"[{facts.name}]") == facts.count, drawn[:400])
    score.note("PCIe generation", drawn.count(f"PCIe GEN {facts.link}@16x") == facts.count, drawn[:400])
    score.note("memory", f"/{facts.mib / 1024:.3f}Gi]" in drawn, drawn[:800])


def try_nvitop(host, folders, facts, score):
    done = host.ask("/usr/bin/python3", "-m", "nvitop", "-1", env={"PYTHONPATH": ":".join(map(str, folders))})
    shown = facts.name.removeprefix("NVIDIA ")[-12:] # the end, where it is cut
    sizes = re.findall(r"0B / (\S+) │", done.out)
    score.note("name", done.out.count(f"{shown} ") == facts.count, done.said)
    score.note("memory", len(sizes) == facts.count and
               set(sizes) <= {f"{facts.mib}MiB", f"{facts.mib / 1024:.2f}GiB"}, done.said)
    score.note("performance state", done.out.count(f" {facts.state} ") == facts.count, done.said)
    score.note("persistence mode", len(re.findall(r" Off +│ 0000", done.out)) == facts.count, done.said)


def try_lstopo(host, program, library, facts, score):
    done = host.ask(program, "--of", "console", "--no-caches", env={"LD_LIBRARY_PATH": str(library)})
    score.note("boards", done.out.count("(3D)") == facts.count, done.said)


def try_kernel(host, facts, score):
    """What programs in Go read before they ask NVML, and by which they find device nodes."""
    modules = host.ask("cat", "/proc/modules").out
    score.note("/proc/modules", re.search(r"^nvidia \d+ \d+ ", modules, re.M) is not None, modules)
    majors = host.ask("cat", "/proc/devices").out
    score.note("/proc/devices", "195 nvidia" in majors and "nvidia-caps" in majors, majors)
    nodes = host.ask("stat", "-c", "%F %Hr,%Lr", "/dev/nvidiactl", "/dev/nvidia0").out.splitlines()
    score.note("/dev/nvidia0", nodes == ["character special file 195,255", "character special file 195,0"], nodes)


@pytest.mark.parametrize("name", HOSTS)
def test_what_clients_show_is_as_published(host, fetched, name):
    facts, machine = Facts(name), host(name)
    scores = []

    def score(client):
        scores.append(Score(client, name))
        return scores[-1]

    try_kernel(machine, facts, score("files of the kernel"))
    for client in ("nvidia-smi 535", "nvidia-smi 550"):
        one = score(client)
        try_boards(machine, fetched(client), facts, one)
        try_odd_commands(machine, fetched(client), facts, one)
    for client in ("pynvml 11.525", "pynvml 12.550"):
        try_pynvml(machine, fetched(client), facts, score(client))
    try_nvtop(machine, fetched("nvtop"), facts, score("nvtop 3.0"))
    try_nvitop(machine, [fetched("nvitop"), fetched("pynvml 12.550"), fetched("psutil")], facts, score("nvitop 1.5"))
    try_lstopo(machine, fetched("lstopo"), fetched("libhwloc"), facts, score("lstopo 2.9"))
    if facts.mig is not None:
        for one in (one for one in scores if one.client.startswith("nvidia-smi")):
            try_mig(machine, fetched(one.client), facts, one)
            machine.sh("/run/cleave-sim/bin/cleave-sim ctl reboot")
    wrong = {one.client: one.unexpected() for one in scores if one.unexpected()}
    assert not wrong, wrong
