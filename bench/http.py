#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long /v1/health and libvirt's hook wait while others crowd the socket. Run inside `cleave-sim run`;
prints, never judges. The anchor of each figure is the same request to the same cleaved when it is quiet.
"""
import json
import os
import pathlib
import resource
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))
RUNS = 5000
WAITING = 1000
SLOW = 250
HOOK = json.dumps({
    "domain": "v", "operation": "prepare", "subOperation": "begin", "extra": "-",
    "xml": "<domain><name>v</name><uuid>00000000-0000-0000-0000-000000000001</uuid><devices/></domain>"})
REQUESTS = {
    "/v1/health": b"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "the hook": (b"POST /v1/hooks/qemu HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                 b"application/json\r\nContent-Length: %d\r\n\r\n" % len(HOOK) + HOOK.encode()),
}


def dial(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(30)
    sock.connect(str(path))
    return sock


def ask_ms(path, request):
    """One request on a connection of its own, as a new client has it."""
    began = time.monotonic()
    sock = dial(path)
    sock.sendall(request)
    answer = b""
    while piece := sock.recv(65536):
        answer += piece
    sock.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
    return (time.monotonic() - began) * 1000


def measure(path, tick=lambda: None):
    """Median and 99th percentile of each request, in ms."""
    out = {}
    for name, request in REQUESTS.items():
        times = []
        for i in range(RUNS):
            if i % 500 == 0:
                tick()
            times.append(ask_ms(path, request))
        times.sort()
        out[name] = times[len(times) // 2], times[len(times) * 99 // 100]
    return out


def show(what, figures, quiet):
    for name, (median, p99) in figures.items():
        ratio = "" if figures is quiet else f": x{p99 / quiet[name][1]:.2f} of the quiet one's p99"
        print(f"{name}, {what}: median {median:.2f} ms, p99 {p99:.2f} ms{ratio}")


def alive(socks):
    """How many the server still keeps, answered or not."""
    n = 0
    for sock in socks:
        sock.setblocking(False)
        try:
            n += sock.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            n += 1
        except OSError:
            pass
    return n


def main(directory):
    path = directory / "s"
    with open(directory / "log", "w") as log, subprocess.Popen(
            [BUILD / "src/daemon/cleaved", "--socket", path, "--state-dir", directory / "state"],
            stderr=log, stdout=log) as daemon:
        while not path.exists():
            time.sleep(0.01)
        quiet = measure(path)
        show("quiet", quiet, quiet)

        slow = [dial(path) for _ in range(SLOW)]

        def drip():
            """A byte of each head; who was cut off for being slow begins again."""
            for i, sock in enumerate(slow):
                try:
                    sock.send(b"GET /v1/health HTTP/1.1\r\nX: " if i % 2 else b"G")
                except OSError:
                    sock.close()
                    slow[i] = dial(path)

        show(f"beside {SLOW} clients with slow heads", measure(path, drip), quiet)
        for sock in slow:
            sock.close()

        subprocess.run([BUILD / "sim/cleave-sim", "ctl", "fault", "add", "at=nvmlDeviceGet*", "hang=true"],
                       check=True, stdout=subprocess.DEVNULL)
        waiting = [dial(path) for _ in range(WAITING)]
        for sock in waiting:
            sock.sendall(b"GET /v1/gpus HTTP/1.1\r\nHost: x\r\n\r\n")
        show(f"beside {WAITING} clients that stay while NVML hangs", measure(path), quiet)
        print(f"of these {alive(waiting)} are still connected; {daemon.pid} has "
              f"{len(os.listdir(f'/proc/{daemon.pid}/fd'))} descriptors")
        for sock in waiting:
            sock.close()
        began = time.monotonic()
        daemon.terminate()
        daemon.wait(timeout=60)
        print(f"SIGTERM while NVML hangs: {time.monotonic() - began:.1f} s until cleaved has ended")


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder))
