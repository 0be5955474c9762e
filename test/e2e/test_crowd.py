# SPDX-License-Identifier: Apache-2.0
"""Clients that crowd the socket: idle, slow, half-closed, gone; and a driver that hangs behind it all."""
import contextlib
import json
import pathlib
import selectors
import signal
import socket
import subprocess

import pytest

from harness import BUILD, connections, raw_connect, read_all, stop, wait_for, wait_for_socket

HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
HOOK_BODY = json.dumps({
    "domain": "v", "operation": "prepare", "subOperation": "begin", "extra": "-",
    "xml": "<domain><name>v</name><uuid>00000000-0000-0000-0000-000000000001</uuid><devices/></domain>"})
HOOK = (b"POST /v1/hooks/qemu HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(HOOK_BODY) + HOOK_BODY.encode())


def status(path, request, timeout=10):
    sock = raw_connect(path, timeout)
    sock.sendall(request)
    answer = sock.recv(65536)
    sock.close()
    return int(answer.split(b" ")[1])


@pytest.mark.parametrize("target", ["/v1/gpus", "/v1/health", "/v1/claims/none"])
def test_two_hundred_half_closed_clients_are_all_answered(fake, target):
    socks = [raw_connect(fake.socket, 30) for _ in range(200)]
    for sock in socks:
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sock.shutdown(socket.SHUT_WR)
    for sock in socks:
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), "an empty answer"
        length = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
        assert len(body) == int(length[0].split(b" ")[1])
        sock.close()


def one_shots(path, at_once, total):
    """Keeps so many one-request connections open until all are done; yields what each heard."""
    selector = selectors.DefaultSelector()
    started = 0
    while started < total or selector.get_map():
        while started < total and len(selector.get_map()) < at_once:
            sock = raw_connect(path, 30)
            sock.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            selector.register(sock, selectors.EVENT_READ, bytearray())
            started += 1
        ready = selector.select(10)
        assert ready, "the server has fallen silent"
        for key, _ in ready:
            data = key.fileobj.recv(65536)
            key.data.extend(data)
            if not data:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                yield bytes(key.data)


def test_connections_that_close_at_once_never_stall(fake):
    answers = list(one_shots(fake.socket, 256, 1500))
    assert len(answers) == 1500 and all(a.startswith(b"HTTP/1.1 200 ") for a in answers)


def test_three_hundred_slow_and_idle_clients_delay_no_one(fake):
    """Each sends a byte of its head whenever another request has been answered."""
    slow = [raw_connect(fake.socket) for _ in range(300)]
    for i, sock in enumerate(slow):
        sock.sendall((b"", b"GET /v1/health HTTP/1.1\r\nX: ", b"POST /v1/cl")[i % 3])
    for _ in range(20):
        for sock in slow:
            with contextlib.suppress(OSError):  # some have been cut off by now
                sock.send(b"a")
        assert status(fake.socket, HEALTH, 5) == 200
    for sock in slow:
        sock.close()


def test_without_descriptors_the_idle_make_room(directory):
    process = subprocess.Popen(["prlimit", "--nofile=64:64", BUILD / "test/e2e/api_test_server",
                                directory / "s"])
    wait_for_socket(directory / "s", process)
    idle = [raw_connect(directory / "s") for _ in range(200)]
    for _ in range(5):
        assert status(directory / "s", HEALTH, 5) == 200
    for sock in idle:
        sock.close()
    stop(process)


def test_while_nvml_hangs_clients_that_leave_take_nothing_with_them(machine):
    host = machine("demo", libvirt=False).start()
    host.ctl("fault", "add", "at=nvmlDeviceGet*", "hang=true")
    for i in range(300):
        sock = raw_connect(host.socket)
        sock.sendall(b"GET /v1/gpus?x=1 HTTP/1.1\r\nHost: x\r\n\r\n" if i % 10 == 0 else
                     b"GET /v1/gpus HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.close()
    assert status(host.socket, HEALTH) == 200
    wait_for(lambda: connections(host.socket) == 0)
    stay = [raw_connect(host.socket) for _ in range(300)]
    for sock in stay:
        sock.sendall(b"GET /v1/gpus HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(host.socket, HEALTH, 5) == 200
    assert status(host.socket, HOOK, 5) == 200
    assert connections(host.socket) > 0
    host.signal(signal.SIGTERM)
    assert host.cleaved.wait(timeout=20) == 0, host.log.read_text()
    for sock in stay:
        sock.close()


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def test_unfinished_bodies_take_little_memory_together(machine):
    host = machine("demo", libvirt=False).start()
    before = rss_mib(host.pid())
    body = b'{"name": "a", "x": "' + b"y" * (1024 * 1024 - 64)
    socks = []
    for _ in range(100):
        sock = raw_connect(host.socket)
        sock.sendall(b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 1048576\r\n\r\n")
        with contextlib.suppress(OSError):
            sock.sendall(body)
        socks.append(sock)
    assert status(host.socket, HEALTH, 5) == 200
    assert rss_mib(host.pid()) < before + 40
    assert socks[0].recv(64).startswith(b"HTTP/1.1 503 "), "the oldest had to go"
    for sock in socks:
        sock.close()


def test_a_full_queue_is_not_a_host_without_cleaved(tmp_path):
    """What libvirt's hook says while clients fill the socket's queue, and when its server has gone."""
    path = tmp_path / "s"
    config = tmp_path / "hook.yaml"
    config.write_text(f"socket: {path}\nwithoutCleaved: allow\n")
    device = "<hostdev><alias name='ua-cleave-a'/></hostdev>"
    plain = "<domain type='kvm'><name>v</name>{}</domain>"

    def hook(xml):
        asked = subprocess.Popen([BUILD / "src/cli/cleave", "hook", "qemu", "v", "prepare", "begin", "-"],
                                 env={"CLEAVE_HOOK_CONFIG": str(config)}, stdin=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        asked.stdin.write(xml)
        asked.stdin.close()
        return asked

    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(0)
    queued = []
    with pytest.raises(BlockingIOError):
        while len(queued) < 8:
            queued.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            queued[-1].connect(str(path))
    asked = [hook(plain.format(inner)) for inner in (device, "<hostdev/>", "")]
    said = [one.stderr.read() for one in asked]
    assert [one.wait() for one in asked] == [11, 11, 0], said
    assert all("is busy" in one and "start cleaved" not in one for one in said[:2]), said
    server.close()
    assert hook(plain.format(device)).wait() == 0
    for sock in queued:
        sock.close()
