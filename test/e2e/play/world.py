# SPDX-License-Identifier: Apache-2.0
"""What a host should look like: the model that actions change as they go, and that cleave, libvirt and
the simulated hardware are compared with."""
import contextlib
import dataclasses
import http.client
import json
import threading
import time

from harness import UnixConnection
from machine import OVER

# Exit statuses of `cleave`, as in the reason table (src/base/error.h).
REASONS = {2: "invalid-argument", 3: "not-found", 4: "conflict", 5: "no-capacity", 6: "in-use",
           7: "unsupported", 8: "driver-failed", 9: "rule-violated", 10: "permission-denied",
           11: "unavailable", 70: "internal"}
# Claims of VMs that are gone stay until `cleave gc`: nothing happens by the clock.
OPTIONS = ("--vm-grace", "86400")
# What a request may be refused with when it is sound and there is no room for it, or none next to the
# vGPUs that its VM has (rules several-vgpus-*).
NO_ROOM = {"no-capacity", "in-use", "conflict", "rule-violated"}


class Broken(Exception):
    """An invariant does not hold, or an answer is not a legitimate one."""


@dataclasses.dataclass
class Answer:
    outcome: str  # "done", "undone", a reason, or "cut" when cleaved died meanwhile
    detail: str = ""
    body: dict | None = None


@dataclasses.dataclass
class Claim:
    name: str
    wish: dict
    site: str | None = None
    state: str = "bound"
    gone: bool = False  # its device went with a reboot or a driver reload, and was not made again

    @property
    def vm(self):
        return self.wish.get("vm")

    @property
    def on_demand(self):
        return self.wish.get("hold") == "on-demand"


@dataclasses.dataclass
class Vm:
    name: str
    on: bool = False
    stored: bool = True  # False: it runs on without a definition, and vanishes when it stops
    redefined: bool = False  # defined again after it was lost: without the devices of its claims
    hand: list = dataclasses.field(default_factory=list)  # devices that a person put in


class Side:
    """One host: its machine, the model of it, and how to ask its cleaved."""

    def __init__(self, machine, with_vms, number=0):
        self.machine = machine
        # Of their own per host, so that what moves is welcome at the other.
        self.vm_names = [f"{'vw'[number]}{i}" for i in range(6)]
        self.claim_names = [f"{'cd'[number]}{i}" for i in range(14)]
        self.sites = (("lab", "shop"), ("yard", "barn"))[number]
        self.peer = self.twin = None  # the other host, if there are two
        self.with_vms = with_vms
        self.claims = {}
        self.vms = {}
        self.hand_vgpus = set()  # functions on which someone made a vGPU behind cleave's back
        self.held = set()  # GPUs that another program has open
        self.lost = set()  # GPUs that fell off the bus
        self.unseen = set()  # VMs that went in an action in which cleaved was not always there
        self.seen = None  # the last snapshot
        self.stopped = set()  # VMs that the action in hand may have ended

    # ---- the model ----

    def of_vm(self, name):
        return [claim for claim in self.claims.values() if claim.vm == name]

    def is_on(self, name):
        return name in self.vms and self.vms[name].on

    def state_of(self, claim):
        """What it should be: on-demand claims hold a device only while their VM is on."""
        waits = claim.on_demand and claim.state == "bound" and not self.is_on(claim.vm)
        return "pending" if waits else claim.state

    def without_vm(self):
        return [claim for claim in self.claims.values()
                if claim.vm is not None and claim.vm not in self.vms]

    def turned_off(self, name):
        vm = self.vms[name]
        vm.on = False
        self.stopped.add(name)
        if not vm.stored:
            del self.vms[name]

    def power_lost(self):
        """All VMs are off; what ran without a definition is gone."""
        for name in [vm.name for vm in self.vms.values() if vm.on]:
            self.turned_off(name)

    def adopt_claims(self, names):
        """After an answer that says nothing for certain: what cleaved says of these, holds."""
        there = {claim["name"]: claim for claim in self.machine.api.get("/v1/claims")["claims"]}
        for name in names:
            if name not in there:
                self.claims.pop(name, None)
                continue
            now = there[name]
            wish = {key: now[key] for key in ("vm", "type", "mode", "gpu", "profile", "mixed", "hold")
                    if now[key]}
            old = self.claims.get(name)
            gone = old is not None and old.gone  # made again: the witnesses see it
            state = "bound" if now["state"] == "pending" else now["state"]
            self.claims[name] = Claim(name, wish, now["site"], state, gone and state == "bound")

    def adopt_vms(self, names, redefined=False):
        """Likewise for VMs: what libvirt says, holds."""
        if not self.with_vms:
            return
        active = set(self.machine.virsh("list", "--name").stdout.split())
        stored = set(self.machine.virsh("list", "--all", "--persistent", "--name").stdout.split())
        # One that has a new name now takes along what a person put in.
        hand = [device for name in names if name in self.vms and name not in active | stored
                for device in self.vms[name].hand]
        for name in names:
            self.stopped.add(name)
            vm = self.vms.pop(name, Vm(name, hand=list(hand)))
            if name in active | stored:
                vm.on, vm.stored = name in active, name in stored
                vm.redefined = vm.redefined or redefined
                self.vms[name] = vm

    # ---- asking cleaved ----

    def call(self, method, target, body=None):
        """Through the API; waits for the plan."""
        try:
            status, answer, _ = self.machine.api.call(method, target, body)
            if status >= 400:
                return Answer(answer["reason"], answer["detail"], answer)
            if isinstance(answer, dict) and "plan" in answer:
                plan = self.machine.api.wait_plan(answer)
                return Answer(plan["state"], plan["problem"] or "", {**answer, "plan": plan})
            return Answer("done", "", answer)
        except (OSError, http.client.HTTPException) as error:
            return Answer("cut", str(error))

    def cli(self, *words, stdin=None):
        """Through the command line; it waits itself."""
        done = self.machine.cleave.run(*words, "-o", "json", stdin=stdin)
        body = None
        with contextlib.suppress(ValueError):
            body = json.loads(done.stdout)
        if done.returncode == 0:
            return Answer("done", "", body)
        if done.returncode not in REASONS:
            raise Broken(f"cleave {words} ended with {done.returncode}: {done.stderr}")
        if not any(line.startswith("cleave: ") for line in done.stderr.splitlines()):
            raise Broken(f"cleave {words} says nothing useful: {done.stderr!r}")
        if "the plan is undone" in done.stderr or "the plan is stuck" in done.stderr:
            return Answer("undone" if "undone" in done.stderr else "stuck", done.stderr, body)
        if not self.machine.lives() or "Connection refused" in done.stderr:
            return Answer("cut", done.stderr)
        return Answer(REASONS[done.returncode], done.stderr, body)

    # ---- cleaved comes and goes ----

    def start(self, **options):
        self.machine.start(*OPTIONS, **options)

    def settle(self, timeout=60):
        """Waits until all plans are over; False when cleaved is dead."""
        deadline = time.monotonic() + timeout
        while self.machine.lives():
            with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                connection = UnixConnection(self.machine.socket)
                connection.request("GET", "/v1/plans")
                plans = json.loads(connection.getresponse().read())["plans"]
                if all(plan["state"] in OVER for plan in plans):
                    return True
            if time.monotonic() > deadline:
                raise Broken("the plans don't end")
            time.sleep(0.01)
        return False

    def revive(self):
        """Whatever became of cleaved, afterwards it runs and its plans are over."""
        if self.machine.lives():
            self.machine.kill()
        self.start()
        if not self.settle():
            raise Broken("cleaved does not survive its own start")


def together(*functions):
    """Runs all at the same moment; returns what each returned, in order."""
    results = [None] * len(functions)
    gate = threading.Barrier(len(functions))

    def run(i):
        gate.wait()
        try:
            results[i] = functions[i]()
        except Exception as error:  # reported by who waits, with the rest of the trace
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
