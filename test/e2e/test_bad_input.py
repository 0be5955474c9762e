# SPDX-License-Identifier: Apache-2.0
"""The production daemon and what no one should send: it refuses, names the place, and serves on."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import tempfile
import threading
import time
import urllib.parse

import pytest

from harness import connections, raw_connect, wait_for
from machine import Machine
from openapi import OpenApi

A100 = "0000:61:00.0"


@pytest.fixture(scope="module")
def host():
    """One cleaved for all: what one test does must not hurt the next."""
    if os.geteuid() != 0:
        pytest.skip("needs root (namespaces, mounts)")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
    machine = Machine(directory, "demo", OpenApi(), libvirt=False).start("--log-level", "warning")
    yield machine
    assert machine.lives(), machine.log.read_text()
    machine.end()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def unharmed(host):
    """Whatever was sent: the daemon lives, answers at once, and nothing has changed."""
    yield
    began = time.monotonic()
    assert host.api.get("/v1/claims")["claims"] == []
    assert time.monotonic() - began < 15
    assert "internal" not in host.log.read_text()


def send(host, data, timeout=10):
    """Bytes as they are; everything that is answered until the server closes, or falls silent."""
    sock = raw_connect(host.socket, timeout)
    answer = b""
    with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
        sock.sendall(data)
        while piece := sock.recv(65536):
            answer += piece
    sock.close()
    return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def post(target, body, headers=b""):
    if isinstance(body, str):
        body = body.encode()
    return (b"POST " + target.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\n" + headers +
            b"Content-Length: %d\r\n\r\n" % len(body) + body)


def get(target):
    if isinstance(target, str):
        target = target.encode()
    return b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


# ---- targets ----

@pytest.mark.parametrize("target", [
    "/v1/../../etc/passwd", "/v1/gpus/../../../etc/passwd", "/v1/gpus/..%2f..%2fetc%2fpasswd",
    "//etc/passwd", "/v1//gpus", "/v1/gpus/", "/v1/gpus/%2e%2e", "v1/gpus", "/V1/gpus", "/v1/gpus;x",
    "/v1/gpus#x", "http://x/v1/none", "*",
])
def test_a_path_that_leads_out_leads_nowhere(host, target):
    answer = send(host, get(target))
    assert status_of(answer) in (400, 404), answer
    assert b"root:" not in answer


@pytest.mark.parametrize("target", [
    "/v1/gpus/%00", "/v1/gpus/a%00", "/v1/gpus/%ff%fe", "/v1/gpus/%c3%28", "/v1/gpus/%e2%82",
    "/v1/gpus/%ed%a0%80", "/v1/gpus/%", "/v1/gpus/%4", "/v1/gpus/%0d%0aX:%20y", "/v1/claims/%1b%5b2J",
    b"/v1/gpus/\xff\xfe", b"/v1/gpus/\x01", b"/v1/gpus?\xc3", "/v1/events?after=%00",
])
def test_bytes_that_are_no_text_are_refused_and_not_echoed(host, target):
    answer = send(host, get(target))
    assert status_of(answer) in (400, 404), answer
    body = answer.partition(b"\r\n\r\n")[2]
    assert body.decode("utf-8").isprintable() or body.endswith(b"\n")
    assert b"\r\nX: y" not in answer and b"\x1b" not in answer and b"\x00" not in answer


UNSEEN = {"zero width space": "\u200b", "joiner": "\u200d", "override": "\u202e", "isolate": "\u2066",
          "line separator": "\u2028", "byte order mark": "\ufeff", "tag": "\U000e0041", "selector": "\ufe0f"}


@pytest.mark.parametrize("name", UNSEEN)
def test_characters_that_no_one_sees_are_refused_wherever_a_person_writes(host, name):
    sign = UNSEEN[name]
    code = f"U+{ord(sign):04X}"
    text = f"a{sign}b"
    for method, target, body in (
            ("POST", "/v1/claims", {"name": text, "type": "L40S-8Q"}),
            ("POST", "/v1/claims", {"name": "a", "type": "L40S-8Q", "vm": text}),
            ("POST", "/v1/claims", {"name": "a", "type": text}),
            ("PUT", "/v1/gpus/0/cordon", {"reason": text}),
            ("POST", "/v1/apply", {"name": text, "claims": []}),
            ("POST", "/v1/apply", {"name": "lab", "claims": [{"name": "a", "type": "L40S-8Q", "tenant": text}]}),
            ("POST", "/v1/vms", {"name": text, "template": "<domain/>"}),
            ("GET", "/v1/claims/" + urllib.parse.quote(text), None),
            ("GET", "/v1/events?subject=vm/" + urllib.parse.quote(text), None)):
        status, problem, _ = host.api.call(method, target, body)
        assert status == 400 and code in problem["detail"], (target, problem)
        assert sign not in json.dumps(problem, ensure_ascii=False), (target, problem)
    for words in (("gpu", "cordon", "0", "--reason", text), ("claim", "show", text), ("vm", "lint", text),
                  ("layout", "check", "--gpu", text, "1g.5gb"), ("apply", "-f", text), ("claim", "create", text)):
        done = host.cleave.run(*words)
        assert done.returncode != 0 and sign not in done.stdout + done.stderr, (words, done)


@pytest.mark.parametrize("size", [1000, 8000, 40000, 1000000])
def test_a_huge_target_is_refused(host, size):
    for target in ("/v1/gpus/" + "a" * size, "/v1/events?after=" + "1" * size,
                   "/" + "a/" * (size // 2), "/v1/gpus?" + "a=b&" * (size // 4)):
        # Where not even the refusal has room, silence.
        assert status_of(send(host, get(target), 0.5)) in (None, 400, 404, 413, 414, 431)


def test_many_headers_are_refused(host):
    for headers in (b"".join(b"X-%d: y\r\n" % i for i in range(5000)), b"X: " + b"y" * 100000):
        answer = send(host, b"GET /v1/host HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n", 0.5)
        assert status_of(answer) in (None, 400, 413, 431)


@pytest.mark.parametrize("query", [
    "after=-1", "after=1e3", "after=0x10", "after=+1", "after=%201", "after=1.0", "after=",
    "after=18446744073709551616", "limit=-5", "limit=0", "limit=99999999999999999999",
    "limit=1&limit=2", "nope=1", "after", "=1", "&&&",
])
def test_a_number_that_is_none_is_refused(host, query):
    status = status_of(send(host, get(f"/v1/events?{query}")))
    assert status == 400 or (query == "&&&" and status == 200)


# ---- bodies ----

@pytest.mark.parametrize("body", [
    b"", b" ", b"\xef\xbb\xbf{}", b'{"name": "\xff"}', b'{"name": "\xed\xa0\x80"}',
    b'{"name": "a\x00"}', b'{"name": "\\ud800"}', b"{" * 1000, b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"name": "x", "start": -1}', b'{"name": "x", "start": 1e308}', b'{"name": "x", "start": 1.5}',
    b'{"name": "x", "start": 4294967295}', b'{"name": "x", "start": 18446744073709551617}',
    b'{"name": "../x"}', b'{"name": ""}', b'{"name": "' + b"x" * 64 + b'"}', b'{"name": "a b"}',
    b'{"name": "-rf"}', b'{"name": ".."}', b'{"name": "x", "type": null}', b'{"name": null}',
    b'{"name": "x", "type": "L40S-8Q", "TYPE": "L40S-8Q"}', b'{"name": "x", "mixed": "true"}',
    b'{"name": "x", "type": "L40S-8Q", "type": "L40S-8Q"}', b'{"name": "x", "guest": "linux\\u0000"}',
    b'{"name": "x", "vm": "a\\nb", "type": "L40S-8Q"}', b"[]", b"nan", b"NaN", b"1", b'"x"',
    b'{"name": "x"}{"name": "y"}', b"{'name': 'x'}", b"name: x", b'{"name": "x",}', b"<xml/>",
    b'{"name": "x", "mode": "auto", "profile": "1g.5gb", "start": 7}',
])
def test_a_wrong_body_is_refused_with_one_sentence(host, body):
    answer = send(host, post("/v1/claims", body))
    assert status_of(answer) in (400, 404, 409, 422), answer
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["detail"] and "\n" not in problem["detail"] and len(problem["detail"]) < 600


@pytest.mark.parametrize("target, body", [
    ("/v1/apply", {"name": "s", "claims": [{"name": "a", "type": "L40S-8Q"}] * 2}),
    ("/v1/apply", {"name": "s", "claims": [{"name": f"c{i}"} for i in range(1025)]}),
    ("/v1/apply", {"name": "s", "claims": {}}), ("/v1/apply", {"name": "s"}),
    ("/v1/apply", {"name": "../s", "claims": []}), ("/v1/apply", {"claims": []}),
    ("/v1/apply", {"name": "s", "claims": [None]}), ("/v1/apply", {"name": "s", "claims": [[]]}),
    ("/v1/vms", {"name": "v"}), ("/v1/vms", {"name": "../v", "template": "<domain/>"}),
    ("/v1/vms", {"name": "v", "template": 1}), ("/v1/vms/v/stop", {"force": "yes"}),
    ("/v1/vms/v/stop", {"now": True}), ("/v1/vms/v/stop", []),
])
def test_each_object_has_its_own_reader(host, target, body):
    answer = send(host, post(target, json.dumps(body)))
    assert status_of(answer) == 400, answer


def test_a_site_over_the_limit_is_refused_and_one_at_the_limit_is_read(host):
    claims = [{"name": f"c{i}", "type": "L40S-1Q"} for i in range(1024)]
    answer = send(host, post("/v1/apply?dryRun=true", json.dumps({"name": "s", "claims": claims})))
    assert status_of(answer) == 409 and b"no-capacity" in answer


# ---- connections ----

def test_two_hundred_connections_do_not_keep_others_out(host):
    idle = []
    for _ in range(200):
        try:
            idle.append(raw_connect(host.socket, 5))
        except OSError:
            break
    for i, sock in enumerate(idle):
        try:
            sock.sendall((b"GET /v1/host HTTP/1.1\r\n", b"POST /v1/cl", b"")[i % 3])
        except OSError:
            pass
    # Anyone who says nothing is cut off after a while; no one waits longer than that.
    began = time.monotonic()
    done = host.cleave.run("gpu", "list")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 20
    for sock in idle:
        sock.close()


def test_two_hundred_requests_at_once_are_all_answered(host):
    failures = []

    def ask(i):
        try:
            answer = send(host, get(("/v1/gpus", "/v1/claims", "/v1/none", "/v1/events")[i % 4]), 60)
            if status_of(answer) not in (200, 404, 503):
                failures.append(answer[:200])
        except OSError as problem:
            failures.append(problem)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_anyone_who_leaves_in_the_middle_leaves_nothing_behind(host):
    dry = post("/v1/claims?dryRun=true", '{"name": "x", "type": "L40S-8Q"}')
    for cut in range(0, len(dry), 3):
        sock = raw_connect(host.socket)
        sock.sendall(dry[:cut])
        sock.close()
    wait_for(lambda: connections(host.socket) == 0)


def damage(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randint(1, 8)]
        elif kind == 2:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
        else:
            data[at:at] = data[at:at + rng.randint(1, 16)]
    return bytes(data)


def answers_to(host, requests, last):
    """All at once; a damaged length makes the server wait for more, so some get none. That the good
    ones that come last are answered says that the others had their turn."""
    socks = []
    for request in requests:
        socks.append(raw_connect(host.socket))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socks[-1].sendall(request)
    for request in last:
        with contextlib.closing(raw_connect(host.socket)) as sock:
            sock.sendall(request)
            assert status_of(sock.recv(65536)) == 200
    for request, sock in zip(requests, socks):
        sock.setblocking(False)
        answer = b""
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            answer = sock.recv(65536)
        sock.close()
        yield request, answer


def test_random_damage_to_a_request_hurts_no_one(host):
    rng = random.Random(20260)
    seeds = [get("/v1/gpus/0"), get("/v1/events?after=1&limit=2"), get("/v1/profiles?gpu=1"),
             post("/v1/claims?dryRun=true", '{"name": "x", "type": "L40S-8Q", "start": 1}'),
             post("/v1/apply?dryRun=true", '{"name": "s", "claims": [{"name": "x", "type": "1"}]}')]
    statuses = set()
    for _ in range(10):
        batch = [damage(rng, rng.choice(seeds)) for _ in range(60)]
        # Not what could be a real change.
        batch = [data for data in batch if b"dryRun=true" in data or data[:3] == b"GET"]
        for request, answer in answers_to(host, batch, seeds[:3]):
            status = status_of(answer)
            assert status is None or status < 500 or status in (501, 505), (request, answer)
            statuses.add(status)
    assert {200, 400, 404} <= statuses


# ---- the command line ----

@pytest.mark.parametrize("text, where, said", [
    ("site: lab\nclaims:\n  - {name: a, type: L40S-8Q\n", "4:1", ""),
    ("site: lab\nclaims:\n  - name: a\n    type: L40S-8Q\n   vm: v\n", "5:4", ""),
    ("site: lab\nclaims:\n\t- name: a\n", "3:1", ""),
    ("site: lab\nclaims: &a\n  - *a\n", "", ""),
    ("site: lab\nclaims: []\n---\nsite: b\n", "", ""),
    ("", "", ""),
    ("- a\n", "", ""),
    ("site: lab\nclaims: [{name: a, type: x, name: b}]\n", "2:", "name"),
    ("site: lab\nclaims: [{name: a, typ: x}]\n", "", "type"),
    ("site: lab\nclaims: [{name: a, mode: passthru}]\n", "", "passthru"),
    ("site: lab\nclaims: [{name: a, mode: passthrough, start: -1}]\n", "", "start"),
    ("site: lab\nclaims: " + "[" * 40 + "]" * 40 + "\n", "2:", "nested"),
    ("site: lab\nclaims: [{name: \x07}]\n", "2:", ""),
    ("site: 'lab\n", "", ""),
], ids=range(14))
def test_a_site_file_that_is_wrong_is_refused_where_it_is(host, tmp_path, text, where, said):
    site = tmp_path / "site.yaml"
    site.write_text(text)
    done = host.cleave.run("apply", "-f", site)
    assert done.returncode == 2 and done.stdout == "", done.stderr
    first = done.stderr.splitlines()[0]
    assert first.startswith("cleave: ") and len(done.stderr.splitlines()) <= 2
    assert not where or f"site.yaml:{where}" in first, first
    assert said in done.stderr


def test_a_file_of_bytes_or_none_is_refused(host, tmp_path):
    for name, data in (("bytes.yaml", os.urandom(4096)), ("big.yaml", b"a: " + b"x" * 2000000),
                       ("latin.yaml", "site: lab # ä\nclaims: []\n".encode("latin-1"))):
        path = tmp_path / name
        path.write_bytes(data)
        done = host.cleave.run("apply", "-f", path)
        assert done.returncode == 2 and name in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) <= 2
    done = host.cleave.run("vm", "create", "x", "--template", tmp_path / "big.yaml")
    assert done.returncode == 2 and "big.yaml has more than" in done.stderr, done.stderr
    assert host.cleave.run("apply", "-f", tmp_path).returncode in (2, 3)
    assert host.cleave.run("apply", "-f", tmp_path / "none").returncode == 3


@pytest.mark.parametrize("words, nearest", [
    (["claim", "create", "x", "--type", "L40S-8"], "L40S-8"),
    (["claim", "create", "x", "--type", "DC-1-9C"], "DC-1-"),
    (["claim", "create", "x", "--type", "a100-2-10x"], "A100-2-10C"),
    (["claim", "create", "x", "--profile", "3g.21gb"], "3g.20gb"),
    (["claim", "create", "x", "--gpu", "0000:41:00.1", "--type", "DC-1-8C"], "0000:41:00.0"),
    (["claim", "create", "x", "--gpu", "l40", "--type", "L40S-8Q"], "l40s"),
    (["gpu", "show", "0000:42:00.0"], "0000:41:00.0"),
    (["gpu", "mode", "0000:62:00.0", "mig"], "0000:61:00.0"),
])
def test_an_unknown_name_is_answered_with_the_nearest(host, words, nearest):
    done = host.cleave.run(*words)
    assert done.returncode == 3 and nearest in done.stderr, done.stderr


@pytest.mark.parametrize("name", [".", ".."])
@pytest.mark.parametrize("line", ["claim show", "claim delete", "gpu show", "plan show", "operation show",
                                  "migration show"])
def test_dots_are_a_name_like_any_other(host, line, name):
    done = host.cleave.run(*line.split(), name)
    assert done.returncode == 3 and f'"{name}"' in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("line, nearest", [
    ("claim creat x", "create"), ("calim create x", "claim"), ("gpu list --outptu json", "--output"),
    ("gpu show", ""), ("gpu show 0 1", ""), ("claim create", ""), ("plan show", ""), ("apply", "-f"),
    ("gpu list -o xml", "json"), ("gpu mode 0 idl", "idle"), ("claim create x --mode shared", ""),
    ("claim create x --vm", "value"), ("gpu list --dry-run", ""), ("-x", ""),
    ("claim create x --profile 1g.5gb@x", "PROFILE@START"), ("claim create a/b --type L40S-8Q", ""),
    ("claim create " + "x" * 64 + " --type L40S-8Q", ""), ("event list --limit 0", ""),
])
def test_bad_usage_is_exit_2_and_says_what_would_be_right(host, line, nearest):
    done = host.cleave.run(*line.split(" "))
    assert done.returncode == 2 and done.stdout == "", (done.returncode, done.stdout, done.stderr)
    assert nearest in done.stderr, done.stderr
    assert done.stderr.startswith("cleave: ") and len(done.stderr.splitlines()) <= 2
