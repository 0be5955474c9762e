# SPDX-License-Identifier: Apache-2.0
"""Programs that others wrote, unchanged, on simulated hosts.

Each call that a test makes is a row of docs/fidelity.md. The file is golden: it must say what the
tests saw, and is written again with CLEAVE_GOLDEN=write.
"""
import datetime
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))
CLIENTS = BUILD / "clients"
FIDELITY = ROOT / "docs/fidelity.md"
TIMEOUT_S = 30

# Runs inside the host: one request per line, one answer per line.
AGENT = """
import json, subprocess, sys
print("ready", flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    try:
        done = subprocess.run(ask["argv"], capture_output=True, text=True, errors="replace",
                              timeout=ask["timeout"], user=ask["user"], env=ask["env"])
        answer = [done.returncode, done.stdout, done.stderr]
    except subprocess.TimeoutExpired as late:
        answer = [124, (late.stdout or b"").decode(errors="replace"), "timed out"]
    print(json.dumps(answer), flush=True)
"""

PYTHON = "usr/lib/python3/dist-packages"
# Client, or what it needs → where it is below build/clients.
PROGRAMS = {
    "nvidia-smi 535": "nvidia-smi/usr/lib/nvidia/current/nvidia-smi",
    "nvidia-smi 550": "trixie/nvidia-smi/usr/lib/nvidia/current/nvidia-smi",
    "nvtop": "nvtop/usr/bin/nvtop",
    "driverctl": "driverctl/usr/sbin/driverctl",
    "pynvml 11.525": f"python3-pynvml/{PYTHON}",
    "pynvml 12.550": f"trixie/python3-pynvml/{PYTHON}",
    "nvitop": f"trixie/nvitop/{PYTHON}",
    "psutil": f"python3-psutil/{PYTHON}",
    "lstopo": "hwloc-nox/usr/bin/lstopo-no-graphics",
    "libhwloc": "libhwloc15/usr/lib/x86_64-linux-gnu",
}
rows = []
# What test_matrix.py tried: (client, host) → [what was tried, what was not as on a real host].
tried = {}
tests = {"run": 0, "left out": 0}


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def said(self):
        return self.out + self.err


class Host:
    """A simulated host that stays up for a test."""

    def __init__(self, name, *options):
        self.name = name
        self.process = subprocess.Popen(
            [BUILD / "sim/cleave-sim", "run", "--host", name, *options, "--", "/usr/bin/python3", "-u",
             "-c", AGENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "CLEAVE_DATADIR": str(ROOT / "data")})
        assert self.process.stdout.readline() == "ready\n", "the host did not start"

    def ask(self, *argv, user=None, timeout=TIMEOUT_S, env=None):
        request = {"argv": [str(word) for word in argv], "user": user, "timeout": timeout,
                   "env": {**os.environ, **(env or {}), "LC_ALL": "C.UTF-8", "TERM": "xterm"}}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return Result(*json.loads(self.process.stdout.readline()))

    def sh(self, script, **more):
        done = self.ask("sh", "-c", script, **more)
        assert done.code == 0, done.said
        return done.out.strip()

    def run(self, client, *words, program=None, status=0, **more):
        """Runs a client and notes the row; `status` is what the real one ends with."""
        done = self.ask(*(program or [client]), *words, **more)
        assert done.code == status, f"{client} {words}: status {done.code}\n{done.said}"
        who = " as an ordinary user" if more.get("user") else ""
        rows.append((client, (" ".join(str(word) for word in words) or "(no arguments)") + who, self.name, str(status)))
        return done

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=TIMEOUT_S)


@pytest.fixture
def host():
    if os.geteuid() != 0:
        pytest.skip("needs root (namespaces, mounts)")
    hosts = []

    def start(name, *options):
        hosts.append(Host(name, *options))
        return hosts[-1]

    yield start
    for one in hosts:
        one.close()


@pytest.fixture(scope="session")
def fetched():
    """Tries once to fetch what is missing; a program that can't be had is skipped, with the reason."""
    if not all((CLIENTS / place).exists() for place in PROGRAMS.values()):
        subprocess.run([ROOT / "tools/fetch-clients", CLIENTS], check=False)

    def path(client):
        place = CLIENTS / PROGRAMS[client]
        if not place.exists():
            missing = CLIENTS / f"{PROGRAMS[client].partition('/usr/')[0]}.missing"
            why = missing.read_text().strip() if missing.exists() else "its package could not be fetched"
            pytest.skip(f"{client} is not installed: {why}")
        return place

    return path


@pytest.fixture(params=["535", "550"])
def smi(request, fetched):
    """NVIDIA's nvidia-smi of either age."""
    client = f"nvidia-smi {request.param}"
    program = fetched(client)

    def run(host, *words, program_limit_s=None, **more):
        """A command that goes on for ever is interrupted after its limit; its status is 124 then."""
        limit = ["timeout", "-s", "INT", str(program_limit_s)] if program_limit_s else []
        return host.run(client, *words, program=[*limit, program], **more)

    run.version = int(request.param)
    return run


def pytest_runtest_logreport(report):
    if report.when == "call":
        tests["run"] += 1
    if report.skipped or report.failed:
        tests["left out"] += 1


DATE = f"Tried on {datetime.date.today()}:"


def date_of_page():
    """The page keeps the day on which it was written."""
    lines = FIDELITY.read_text().splitlines() if FIDELITY.exists() else []
    return [line for line in lines if line.startswith("Tried on ")] + [""]


def scores():
    """How much of what was tried on each host was as on a real one."""
    hosts = list(dict.fromkeys(host for client, host in tried))
    clients = list(dict.fromkeys(client for client, host in tried))
    text = [DATE, ""] if os.environ.get("CLEAVE_GOLDEN") == "write" else date_of_page()
    text += ["| right of tried | " + " | ".join(hosts) + " |", "|---|" + "---|" * len(hosts)]
    for client in clients:
        cells = []
        for host in hosts:
            all_of_it, wrong = tried.get((client, host), ([], []))
            cells.append(f"{len(all_of_it) - len(wrong)} of {len(all_of_it)}")
        text.append(f"| {client} | " + " | ".join(cells) + " |")
    return text


def table():
    text = ["<!-- SPDX-License-Identifier: Apache-2.0 -->", "# What real clients do on simulated hosts", "",
            "The tests in `test/clients` write this page (`CLEAVE_GOLDEN=write`). Each row is a call of an unchanged",
            "program, with the exit status that it had and was expected to have. The code of the tests says what they",
            "expect in the output.", ""]
    text += (ROOT / "test/clients/notes.md").read_text().splitlines() + [""]
    text += scores() + [""]
    text += ["| client | command | host | exit status |", "|---|---|---|---|"]
    for client, command, name, status in sorted(set(rows)):
        text.append(f"| {client} | `{command}` | {name} | {status} |")
    return "\n".join(text) + "\n"


def pytest_sessionfinish(session, exitstatus):
    """Only a whole run can tell: nothing left out, nothing failed."""
    whole = tests["left out"] == 0 and tests["run"] == session.testscollected and exitstatus == 0
    partial = session.config.option.keyword or session.config.option.markexpr or any(
        "::" in str(arg) or str(arg).endswith(".py") for arg in session.config.args)
    if tried:
        print("\n" + "\n".join(scores()))
    if not whole or partial or not rows:
        return
    if os.environ.get("CLEAVE_GOLDEN") == "write":
        FIDELITY.write_text(table())
    elif not FIDELITY.exists() or FIDELITY.read_text() != table():
        print(f"\n{FIDELITY} is not what the tests saw: CLEAVE_GOLDEN=write writes it")
        session.exitstatus = 1
