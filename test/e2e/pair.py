# SPDX-License-Identifier: Apache-2.0
"""Two simulated hosts with a cleaved and libvirt's hook each; VMs move between them by `cleave vm
migrate`."""
import contextlib
import json
import time

from lifecycle import events, garbage, hook_options
from twin import Twin

OVER = ("done", "cancelled", "failed")


class Pair(Twin):
    """Two hosts with a cleaved and its hook each."""

    def __init__(self, directory, host, openapi, other=None):
        super().__init__(directory, host, openapi, other=other, options=hook_options)

    def start(self, *options):
        for machine in self.machines:
            machine.start(*options)

    def boot_claimed(self, image, name, machine, dirty_mib=0, **claim):
        """A VM with a claim of its own, started by cleave."""
        machine.define_guest(image, name, arguments=f"cleave.fb=7 cleave.dirty={dirty_mib}")
        if claim:
            machine.create(name, vm=name, **claim)
        done = machine.cleave.run("vm", "start", name)
        assert done.returncode == 0, done.stderr
        self.wait_for(f"{name} reads its framebuffer", lambda: self.ticks(name))

    def words(self, name, source, *options):
        target = self.other(source)
        return ["vm", "migrate", name, self.uri(target), "--peer", f"unix:{target.socket}",
                "--migrate-uri", self.carrier(), *options]

    def migrate(self, name, source, *options):
        return source.cleave.run(*self.words(name, source, *options))

    def begin(self, name, source, *options):
        """Without waiting; returns its id."""
        done = self.migrate(name, source, "--no-wait", "-o", "json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["migration"]["id"]

    def migration(self, source, ident):
        status, body, _ = source.api.call("GET", f"/v1/migrations/{ident}")
        assert status == 200, body
        return body["migration"]

    def wait_state(self, source, ident, *states, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                found = self.migration(source, ident)
                if found["state"] in states:
                    return found
                assert found["state"] not in OVER, found
                assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def wait_sent(self, source, ident):
        """libvirt is in the middle of it."""
        self.wait_state(source, ident, "moving")
        self.wait_for("memory is sent",
                      lambda: self.migration(source, ident)["progress"]["processedBytes"])

    def wait_end(self, source, ident, state, timeout=90):
        found = self.wait_state(source, ident, *OVER, timeout=timeout)
        assert found["state"] == state, found["problem"]
        return found

    def at_rest(self):
        return all(i["finishedAt"] for m in self.machines
                   for i in m.api.get("/v1/migrations")["incoming"])

    def is_at(self, name, machine):
        """The VM runs there alone, with its claim; the other host has nothing of it."""
        other = self.other(machine)
        assert self.where(name) == [machine]
        assert other.names() == []
        assert [c["vm"] for c in machine.api.get("/v1/claims")["claims"]] == [name]
        assert other.api.get("/v1/claims")["claims"] == []
        self.wait_for("the other let go", lambda: self.holders(other) == {})
        assert machine.problems() == [] and other.problems() == []
        assert len(self.holders(machine)) == 1
        for one in self.machines:
            assert garbage(one)[0] == []
            assert events(one, "vm-started-without-hook") == []
