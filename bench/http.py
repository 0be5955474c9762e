#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long /v1/health and libvirt's hook wait while others crowd the socket or ask for long lists. Run inside
`cleave-sim run`, with the names of scenes or none for all; prints, never judges. The anchor of each figure is the same request to the same cleaved when it is quiet.
"""
import json
import multiprocessing
import pathlib
import resource
import selectors
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

from daemon import BUILD, running

RUNS = 5000
WAITING = 1000
SLOW = 250
LISTING = 64
PIPELINED = 8
PLANS = 1000
EVENTS = 5000
LISTS = ("/v1/plans", "/v1/events?limit=1000", "/v1/gpus", "/v1/rules", "/v1/profiles")
PORT = 18472
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


def measure(path, tick=lambda: None, runs=RUNS):
    """Median and 99th percentile of each request, in ms."""
    out = {}
    for name, request in REQUESTS.items():
        times = []
        for i in range(runs):
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


def fill_journal(directory, log):
    """One real plan, and copies of it under other names, as after a year; and as many events."""
    with running(directory, "--listen", f"127.0.0.1:{PORT}", log=log):
        subprocess.run([BUILD / "src/cli/cleave", "--socket", directory / "s", "claim", "create", "a",
                        "--type", "L40S-8Q"], check=True, stdout=log, stderr=log)
    with sqlite3.connect(directory / "state/cleave.db") as db:
        put = "INSERT INTO records (kind, id, version, document) VALUES (?, ?, 1, ?)"
        plan, document = db.execute("SELECT id, document FROM records WHERE id LIKE 'over:plan:%' ORDER BY id DESC").fetchone()
        _, _, number, name = plan.split(":")
        steps = db.execute("SELECT id, document FROM records WHERE kind = 'step' AND id LIKE ?", (number + "/%",)).fetchall()
        for i in range(1, PLANS):
            new, at = str(uuid.uuid4()), f"{int(number) + i:012}"
            db.execute(put, ("operation", f"over:plan:{at}:{new}", document.replace(name, new)))
            db.executemany(put, [("step", at + step[len(number):], text) for step, text in steps])
        event = json.loads(db.execute("SELECT document FROM records WHERE kind = 'event' ORDER BY id DESC").fetchone()[0])
        db.executemany(put, [("event", f"{event['seq'] + i:020}", json.dumps({**event, "seq": event["seq"] + i}))
                             for i in range(1, EVENTS + 1)])
    db.close()


def list_forever(target, counted):
    """Asks over TCP, which is one user and not root, on many connections, several requests ahead of the
    answers."""
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    watched = selectors.DefaultSelector()
    for _ in range(LISTING):
        sock = socket.create_connection(("127.0.0.1", PORT))
        sock.sendall(request * PIPELINED)
        watched.register(sock, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            answers = key.fileobj.recv(1 << 20).count(b"HTTP/1.1 200")
            if answers > 0:
                key.fileobj.sendall(request * answers)
                counted.value += answers


def measure_with_lists(path, quiet):
    for target in LISTS:
        counted = multiprocessing.Value("Q", 0)
        lister = multiprocessing.Process(target=list_forever, args=(target, counted), daemon=True)
        lister.start()
        while counted.value < LISTING:
            time.sleep(0.01)
        began, before = time.monotonic(), counted.value
        figures = measure(path, runs=RUNS // 5)
        rate = (counted.value - before) / (time.monotonic() - began)
        show(f"with {LISTING} TCP clients that ask for {target}, {PIPELINED} at once ({rate:.0f} answers/s)",
             figures, quiet)
        lister.kill()
        lister.join()


def measure_with_slow_heads(path, quiet):
    slow = [dial(path) for _ in range(SLOW)]

    def drip():
        """A byte of each head; who was cut off for being slow begins again."""
        for i, sock in enumerate(slow):
            try:
                sock.send(b"GET /v1/health HTTP/1.1\r\nX: " if i % 2 else b"G")
            except OSError:
                sock.close()
                slow[i] = dial(path)

    show(f"with {SLOW} clients with slow heads", measure(path, drip), quiet)
    for sock in slow:
        sock.close()


def measure_while_nvml_hangs(path, quiet):
    subprocess.run([BUILD / "sim/cleave-sim", "ctl", "fault", "add", "at=nvmlDeviceGet*", "hang=true"],
                   check=True, stdout=subprocess.DEVNULL)
    waiting = [dial(path) for _ in range(WAITING)]
    for sock in waiting:
        sock.sendall(b"GET /v1/gpus HTTP/1.1\r\nHost: x\r\n\r\n")
    show(f"with {WAITING} clients that stay while NVML hangs", measure(path), quiet)
    print(f"of these {alive(waiting)} are still connected")
    for sock in waiting:
        sock.close()


SCENES = {"slow-heads": measure_with_slow_heads, "lists": measure_with_lists,
          "hang": measure_while_nvml_hangs}


def main(directory, scenes):
    path = directory / "s"
    with open(directory / "log", "w") as log:
        fill_journal(directory, log)
        with running(directory, "--listen", f"127.0.0.1:{PORT}", log=log):
            quiet = measure(path)
            show("quiet", quiet, quiet)
            for scene in scenes:
                SCENES[scene](path, quiet)
            began = time.monotonic()
        print(f"SIGTERM after that: {time.monotonic() - began:.1f} s until cleaved has ended")


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder), sys.argv[1:] or SCENES)
