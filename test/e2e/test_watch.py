# SPDX-License-Identifier: Apache-2.0
"""Clients that follow: what they know by the stream alone is what the lists say, whatever is done to
them meanwhile."""
import json
import os
import pathlib
import subprocess

import pytest

from harness import UnixConnection, raw_connect, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (namespaces, mounts)")

LISTS = {"gpu": ("/v1/gpus", "gpus", "address"), "claim": ("/v1/claims", "claims", "name"),
         "operation": ("/v1/operations", "operations", "id")}


class Watcher:
    """A client of GET /v1/watch, as a browser's EventSource is one."""

    def __init__(self, socket, kinds=None, last_id=None):
        self.connection = UnixConnection(socket, timeout=30)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        target = "/v1/watch" + (f"?kind={kinds}" if kinds else "")
        self.connection.request("GET", target, headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.getheader("Content-Type") == "text/event-stream"
        self.objects, self.events, self.snapshots, self.last_id = {}, [], 0, last_id

    def message(self):
        """The next one: (name, data). None at the end."""
        name, data = None, None
        while True:
            line = self.answer.readline().decode()
            if line == "":
                return None
            line = line.rstrip("\n")
            if line == "" and name is not None:
                return name, data
            if line.startswith("id: "):
                self.last_id = line[4:]
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])

    def take(self):
        message = self.message()
        assert message is not None, "the stream has ended"
        name, data = message
        if name == "snapshot":
            self.snapshots += 1
            key = LISTS.get(data["kind"], (None, None, "name"))[2]
            self.objects[data["kind"]] = {one.get(key, ""): one for one in data["objects"] or []}
        elif name == "change" and data["object"] is None:
            self.objects[data["kind"]].pop(data["key"], None)
        elif name == "change":
            self.objects[data["kind"]][data["key"]] = data["object"]
        elif name == "event":
            self.events.append(data)
        return name

    def until(self, is_so):
        while not is_so(self):
            self.take()
        return self

    def ready(self):
        while self.take() != "ready":
            pass
        return self

    def close(self):
        self.connection.close()


def is_known(api, watcher):
    """Does the client know what the lists say?"""
    for kind, (target, member, key) in LISTS.items():
        said = {one[key]: one for one in api.get(target)[member]}
        if watcher.objects[kind] != said:
            return False
    return True


def claim(host, name, wait=True, **spec):
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": name, **spec})
    assert status in (200, 202), change
    if wait:
        assert host.api.wait_plan(change)["state"] == "done"


def test_a_client_knows_by_the_stream_what_the_lists_say(simulated):
    host = simulated("l40s-x2")
    watcher = Watcher(host.socket).ready()
    assert is_known(host.api, watcher)
    claim(host, "a", type="L40S-8Q")
    claim(host, "b", type="L40S-12Q")
    host.api.call("DELETE", "/v1/claims/a")
    watcher.until(lambda w: set(w.objects["claim"]) == {"b"})
    watcher.until(lambda w: is_known(host.api, w))
    said = host.api.get("/v1/events")["events"]
    watcher.until(lambda w: len(w.events) == len(said))
    assert watcher.events == said
    assert watcher.snapshots == 6  # host, GPUs, VMs, claims, operations, health


def test_only_what_was_asked_for_comes(simulated):
    host = simulated("l40s-x2")
    watcher = Watcher(host.socket, kinds="claim,event").ready()
    claim(host, "a", type="L40S-8Q")
    watcher.until(lambda w: w.objects["claim"].get("a", {}).get("state") == "bound")
    assert set(watcher.objects) == {"claim"}


def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(simulated):
    host = simulated("l40s-x2")
    first = Watcher(host.socket).ready()
    claim(host, "a", type="L40S-8Q")
    first.until(lambda w: w.objects["claim"].get("a", {}).get("state") == "bound")
    first.close()
    claim(host, "b", type="L40S-8Q")
    again = Watcher(host.socket, last_id=first.last_id)
    again.objects, again.events = first.objects, first.events
    again.until(lambda w: w.objects["claim"].get("b", {}).get("state") == "bound")
    again.until(lambda w: is_known(host.api, w))
    assert again.snapshots == 0
    numbers = [event["seq"] for event in again.events]
    assert numbers == sorted(set(numbers)) and len(numbers) == numbers[-1] - numbers[0] + 1


def test_after_a_restart_of_cleaved_all_comes_again(simulated):
    host = simulated("l40s-x2")
    first = Watcher(host.socket).ready()
    claim(host, "a", type="L40S-8Q")
    first.until(lambda w: w.objects["claim"].get("a", {}).get("state") == "bound")
    host.stop()
    while first.message() is not None:
        pass
    host.start()
    again = Watcher(host.socket, last_id=first.last_id).ready()
    assert again.snapshots == 6 and "a" in again.objects["claim"]


def test_unknown_kinds_are_refused(simulated):
    host = simulated("l40s-x2")
    status, problem, _ = host.api.call("GET", "/v1/watch?kind=claims")
    assert status == 400 and 'did you mean "claim"?' in problem["hint"]


def memory_of(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def daemon_of(host):
    """cleave-sim's child."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/cleaved") and str(host.socket).encode() in words:
            return int(path.parent.name)
    raise AssertionError("cleaved does not run")


def test_a_hundred_clients_of_which_many_take_nothing_hold_up_no_one(simulated):
    host = simulated("l40s-x2")
    stalled = []
    for _ in range(60):
        sock = raw_connect(host.socket)
        sock.sendall(b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
        stalled.append(sock)
    watchers = [Watcher(host.socket).ready() for _ in range(40)]
    before = memory_of(daemon_of(host))
    for round in range(30):
        claim(host, f"c{round}", type="L40S-8Q")
        host.api.wait_plan(host.api.call("DELETE", f"/v1/claims/c{round}")[1])
    for watcher in watchers:
        watcher.until(lambda w: any(event["subject"] == "claim/c29" and event["kind"] == "claim-released"
                                    for event in w.events))
    # Each that takes nothing costs a piece at most; the ring of messages is there once.
    assert memory_of(daemon_of(host)) - before < 60 * 128 * 1024 + 8 * 1024 * 1024
    for sock in stalled:
        sock.close()


def test_one_who_was_stopped_catches_up(simulated):
    """What it did not take meanwhile fills no memory of cleaved's, and is not lost."""
    host = simulated("l40s-x2")
    watcher = Watcher(host.socket).ready()
    for round in range(40):
        claim(host, "c", type="L40S-8Q")
        host.api.wait_plan(host.api.call("DELETE", "/v1/claims/c")[1])
    claim(host, "last", type="L40S-8Q")
    watcher.until(lambda w: w.objects["claim"].get("last", {}).get("state") == "bound")
    watcher.until(lambda w: is_known(host.api, w))


def test_what_is_changed_by_hand_is_seen_without_a_request(machine):
    """A vGPU that another tool takes off, of which no event tells."""
    host = machine("l40s-x2", libvirt=False).start("--observe-period", "0")
    claim(host, "a", type="L40S-8Q")
    assigned = host.api.get("/v1/claims/a")["assigned"]
    watcher = Watcher(host.socket, kinds="gpu").ready()
    assert watcher.objects["gpu"][assigned["gpu"]]["vgpus"]
    host.sh(f"echo 0 >/sys/bus/pci/devices/{assigned['device']}/nvidia/current_vgpu_type")
    watcher.until(lambda w: not w.objects["gpu"][assigned["gpu"]]["vgpus"])


def test_the_command_line_shows_what_changes(simulated):
    """Both that stay: a list, and events."""
    host = simulated("l40s-x2")
    log = host.directory / "asked"
    env = {**os.environ, "CLEAVE_SOCKET": str(host.socket), "CLEAVE_DATADIR": str(host.cleave.data)}
    followers = [subprocess.Popen([host.cleave.path, *words.split()], stdout=open(log, "a"), env=env)
                 for words in ("event list --follow --verbose", "claim list --watch --verbose")]
    try:
        wait_for(lambda: "NAME" in log.read_text() or "no claims" in log.read_text().lower())
        claim(host, "a", type="L40S-8Q")
        wait_for(lambda: "claim-bound" in log.read_text() and "bound" in log.read_text())
    finally:
        for follower in followers:
            follower.terminate()
            follower.wait()
