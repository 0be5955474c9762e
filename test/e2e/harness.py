# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: an HTTP client on a Unix socket, the command line, processes."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "sim/guest"))

import console

BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))
# Installed, or unpacked for the tests alone.
LIBVIRT = shutil.which("libvirtd", path=os.environ["PATH"] + ":/usr/sbin") or \
    next(BUILD.glob("libvirt/usr/sbin/libvirtd"), None)
with_libvirt = pytest.mark.skipif(LIBVIRT is None, reason="needs libvirtd: run `tools/fetch-libvirt needed`")
# Variants that ./check leaves out for time.
LONG = pytest.mark.skipif("CLEAVE_LONG" not in os.environ, reason="long: set CLEAVE_LONG")
START_S = 30
WAITED = re.compile(r"^cleave: waiting: .*\n", re.M)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = raw_connect(self.path, self.timeout)


def raw_connect(path, timeout=10):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout)
    sock.connect(str(path))
    return sock


def read_all(sock):
    """Everything until the server closes."""
    text = b""
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            return text
        if not data:
            return text
        text += data


class Api:
    """The API as a program uses it; every answer is validated."""

    # On a busy machine a look can take longer than cleaved lets readers wait: the answer is then from
    # an earlier look, and says so. Where nothing hangs on purpose, get() asks until it is fresh.
    waits = True

    def __init__(self, socket_path, openapi):
        self.socket = socket_path
        self.openapi = openapi

    def call(self, method, target, body=None, headers=None, raw=None):
        """Returns (status, JSON body, headers)."""
        connection = UnixConnection(self.socket)
        headers = dict(headers or {})
        data = raw
        if body is not None:
            data = json.dumps(body)
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, target, body=data, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        answer_headers = dict(answer.getheaders())
        parsed = self.openapi.check(method, target, answer.status,
                                    answer_headers.get("Content-Type"), text)
        return answer.status, parsed, answer_headers

    def get(self, target):
        deadline = time.monotonic() + START_S
        while True:
            status, body, _ = self.call("GET", target)
            late = status == 503 or isinstance(body, dict) and body.get("late") is not None
            if not self.waits or not late or time.monotonic() > deadline:
                assert status == 200, body
                return body
            time.sleep(0.1)

    def wait_plan(self, change, timeout=60):
        """Polls the plan of a change until it is over; returns it."""
        plan = change["plan"]
        deadline = time.monotonic() + timeout
        while plan["state"] in ("running", "undoing"):
            assert time.monotonic() < deadline, f"the plan is still {plan['state']}: {plan}"
            time.sleep(0.02)
            plan = self.get(f"/v1/plans/{plan['id']}")
        return plan


class Cleave:
    """The command line."""

    path = BUILD / "src/cli/cleave"
    data = ROOT / "data"

    def __init__(self, socket_path):
        self.socket = socket_path

    def run(self, *words, stdin=None, env=None, stdout=subprocess.PIPE):
        full = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "CLEAVE_SOCKET": str(self.socket),
                "CLEAVE_DATADIR": str(self.data), **(env or {})}
        if "COLUMNS" not in (env or {}):
            full.pop("COLUMNS", None)  # watch(1) sets it
        done = subprocess.run([self.path, *map(str, words)], text=True, input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, env=full, timeout=120)
        # What a command waited for depends on how busy the machine is.
        done.waited = "".join(WAITED.findall(done.stderr))
        done.stderr = WAITED.sub("", done.stderr)
        return done

    def json(self, *words):
        done = self.run(*words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def wait_for_socket(path, process, log=None):
    deadline = time.monotonic() + START_S
    while True:
        try:
            raw_connect(path).close()
            return
        except OSError:
            pass
        said = pathlib.Path(log).read_text() if log else ""
        assert process.poll() is None, f"the server ended with {process.returncode}\n{said}"
        assert time.monotonic() < deadline, f"the server does not answer\n{said}"
        time.sleep(0.02)


def wait_for(what, timeout=20, pause=0.05, problem="it does not come about"):
    """Until what() is true; returns that. problem: said if it never is."""
    deadline = time.monotonic() + timeout
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, problem
        time.sleep(pause)


def connections(path):
    """How many are connected to the socket at that path, or wait to be."""
    with open("/proc/net/unix") as sockets:
        fields = [line.split() for line in sockets]
    return sum(len(f) == 8 and f[7] == str(path) and f[5] == "03" for f in fields)


def tcp_port(log):
    """The port on which a server with `--listen 127.0.0.1:0` says that it serves TCP."""
    line = re.compile(r"serves TCP on 127\.0\.0\.1:(\d+) ")
    return int(wait_for(lambda: line.findall(pathlib.Path(log).read_text()), START_S)[-1])


def stop(process):
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
