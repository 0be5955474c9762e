# SPDX-License-Identifier: Apache-2.0
"""Actions on a host and its daemons: ends, restarts, reboots, GPUs that others touch; and actions
made of others, at the same moment or cut off in the middle."""
import json
import time

from play.action import Action
from play.world import OPTIONS, Answer, Broken, together


def gone(side, keeps=()):
    """What claims had was taken away: the hardware forgot it."""
    for claim in side.claims.values():
        if claim.state == "bound" and claim.wish.get("mode") not in keeps:
            claim.gone = True


class Restart(Action):
    """cleaved ends in good order and comes back."""
    name, weight, alone = "restart cleaved", 3, True

    def draw(self, rng, side):
        return {}

    def send(self, side, args):
        side.machine.stop()
        side.start()
        return Answer("done")


class KillCleaved(Restart):
    name, weight = "kill cleaved", 3

    def send(self, side, args):
        side.machine.kill()
        side.start()
        side.settle()
        return Answer("done")


RESTORE_S = 60


def wait_restored(side):
    """How the restoration that runs on its own ends: "done" or "incomplete"."""
    deadline = time.monotonic() + RESTORE_S
    while True:
        restore = side.machine.api.get("/v1/host/restore")
        if restore["state"] in ("done", "incomplete"):
            return Answer(restore["state"], json.dumps(
                [gpu for gpu in restore["gpus"] if gpu["state"] != "restored"]))
        if time.monotonic() > deadline:
            raise Broken(f"the restoration does not end: {json.dumps(restore)}")
        time.sleep(0.05)


class Reboot(Action):
    """The machine goes down with everything on it. VFs, instances, vGPUs are gone, and brought back
    by cleaved itself."""
    name, weight, alone = "reboot", 2, True

    def draw(self, rng, side):
        return {} if side.claims else None

    def send(self, side, args):
        side.stopped |= set(side.vms)
        side.machine.reboot(options=OPTIONS)
        answer = wait_restored(side)
        side.settle()
        return answer

    def settle(self, side, args, answer):
        side.power_lost()
        side.hand_vgpus.clear()
        side.held.clear()
        side.lost.clear()
        for claim in side.claims.values():
            claim.gone = False  # the witnesses look whether all is there again


class Restore(Action):
    """`cleave host restore`: after it nothing is missing, unless a GPU is in trouble."""
    name, weight = "host restore", 2

    def draw(self, rng, side):
        missing = any(claim.gone for claim in side.claims.values())
        return {} if missing or rng.random() < 0.2 else None

    def legit(self, side, args):
        return {"done", "driver-failed"} if side.lost | side.held | side.seen.shy else {"done"}

    def send(self, side, args):
        return side.cli("host", "restore", "--timeout", "3")

    def settle(self, side, args, answer):
        for claim in side.claims.values():
            claim.gone = claim.gone and answer.outcome != "done"


class Reload(Action):
    """The driver is loaded again; refused while anybody has a GPU open."""
    name, weight, alone = "reload driver", 1, True

    def draw(self, rng, side):
        return {} if side.claims else None

    def legit(self, side, args):
        return {"done", "refused"}

    def send(self, side, args):
        done = side.machine.run("/run/cleave-sim/bin/cleave-sim", "ctl", "driver-reload",
                                check=False)
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr)

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.hand_vgpus.clear()
            gone(side, keeps=("passthrough",))


class RestartLibvirt(Action):
    """libvirtd ends and comes back; VMs run on."""
    name, weight, alone, needs_vms = "restart libvirtd", 2, True, True

    def draw(self, rng, side):
        return {}

    def send(self, side, args):
        side.machine.restart_libvirt()
        return Answer("done")


class Holder(Action):
    """Another program has a GPU open, or lets go of it."""
    name, weight = "hold", 2

    def draw(self, rng, side):
        if side.held:
            return {"gpu": min(side.held), "who": ""}
        # With vfio-pci there is nothing that NVML could open.
        able = sorted(bdf for bdf, gpu in side.seen.gpus.items() if gpu["driver"] == "nvidia")
        return {"gpu": rng.choice(able), "who": "dcgm"} if able and rng.random() < 0.5 else None

    def send(self, side, args):
        side.machine.ctl("set", args["gpu"], "holder", args["who"])
        return Answer("done")

    def settle(self, side, args, answer):
        (side.held.add if args["who"] else side.held.discard)(args["gpu"])


class Lose(Action):
    """A GPU falls off the bus, or is found again as it was."""
    name, weight = "lose GPU", 2

    def draw(self, rng, side):
        if side.lost:
            return {"gpu": min(side.lost), "lost": "0"}
        return {"gpu": rng.choice(sorted(side.seen.gpus)), "lost": "1"} \
            if rng.random() < 0.5 else None

    def send(self, side, args):
        side.machine.ctl("set", args["gpu"], "lost", args["lost"])
        return Answer("done")

    def settle(self, side, args, answer):
        (side.lost.add if args["lost"] == "1" else side.lost.discard)(args["gpu"])


class Recover(Action):
    """What the operator does about a GPU that is quarantined."""
    name, weight = "gpu recover", 8

    def draw(self, rng, side):
        ill = sorted(side.seen.ill - side.lost)
        return {"gpu": rng.choice(ill)} if ill else None

    def legit(self, side, args):
        outcomes = {"done", "in-use"}
        if args["gpu"] in side.held:
            outcomes |= {"failed", "driver-failed"}
        return outcomes

    def send(self, side, args):
        return side.cli("gpu", "recover", args["gpu"])

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.hand_vgpus -= {name for name, vgpu in side.seen.vgpus.items()
                                if vgpu["gpu"] == args["gpu"]}


# ---- actions made of others ----

class Combined(Action):
    """Holds inner actions; the table gives it the others to draw from."""
    alone = True
    table = ()

    def inner(self, rng, side):
        able = [act for act in self.table if not act.alone and act.name not in self.never
                and (side.with_vms or not act.needs_vms)]
        while True:
            act = rng.choices(able, [act.weight for act in able])[0]
            args = act.draw(rng, side)
            if args is not None:
                return {"action": act.name, "args": args}

    never = ()

    def find(self, inner):
        return next(act for act in self.table if act.name == inner["action"])

    def adopt(self, side, inners):
        """No one knows what became of them: it is as it is now, but for what they may not touch."""
        claims, vms = set(), set()
        for inner in inners:
            more_claims, more_vms = self.find(inner).touches(side, inner["args"])
            claims |= more_claims
            vms |= more_vms
        side.adopt_claims(claims)
        side.adopt_vms(vms, any(self.find(inner).redefines for inner in inners))


class Crash(Combined):
    """cleaved is killed around the N-th commit of its store, while it does something."""
    name, weight = "crash", 6
    never = ("hold", "lose GPU", "attach by hand", "detach by hand")

    def draw(self, rng, side):
        return {"inner": self.inner(rng, side), "when": rng.choice(["die_before", "die_after"]),
                "commit": rng.randint(1, 12)}

    def send(self, side, args):
        side.machine.stop()
        # Before the first commit there is nothing to die before.
        side.start(**{args["when"]: args["commit"] + (args["when"] == "die_before")})
        act = self.find(args["inner"])
        answer = act.send(side, args["inner"]["args"])
        side.settle()
        side.revive()
        return Answer("done", f"{answer.outcome}: {answer.detail}")

    def settle(self, side, args, answer):
        self.adopt(side, [args["inner"]])


class Together(Combined):
    """Two to four clients at the same moment."""
    name, weight = "together", 6
    never = ("hold", "lose GPU", "gpu mode", "dry run", "attach by hand", "detach by hand")

    def draw(self, rng, side):
        return {"inners": [self.inner(rng, side) for _ in range(rng.randint(2, 4))]}

    def send(self, side, args):
        def one(inner):
            return lambda: self.find(inner).send(side, inner["args"])

        answers = together(*(one(inner) for inner in args["inners"]))
        side.settle()
        for inner, answer in zip(args["inners"], answers):
            if answer.outcome in ("internal", "cut", "stuck", "invalid-argument"):
                raise Broken(f"{inner}: {answer.outcome}: {answer.detail}")
        return Answer("done", ", ".join(answer.outcome for answer in answers))

    def settle(self, side, args, answer):
        self.adopt(side, args["inners"])


FAULTS = ["at=nvmlDeviceCreateGpuInstance* nvml=INSUFFICIENT_RESOURCES count=1",
          "at=nvidia/current_vgpu_type access=write errno=EIO count=1",
          "at=sriov-manage errno=EBUSY count=1", "at=nvmlDeviceSetMigMode nvml=IN_USE count=1",
          "at=nvmlGpuInstanceCreateComputeInstance* nvml=UNKNOWN count=1",
          "at=nvmlGpuInstanceDestroy nvml=IN_USE count=1",
          "at=driver_override access=write errno=EIO count=1", "at=unbind access=write errno=EBUSY count=1",
          "at=open errno=EIO count=1"]


class Fault(Combined):
    """Something fails once, while cleave is at it."""
    name, weight = "fault", 6
    never = ("hold", "lose GPU", "attach by hand", "detach by hand")

    def draw(self, rng, side):
        return {"inner": self.inner(rng, side), "fault": rng.choice(FAULTS)}

    def send(self, side, args):
        side.machine.ctl("fault", "add", *args["fault"].split())
        act = self.find(args["inner"])
        answer = act.send(side, args["inner"]["args"])
        side.machine.ctl("fault", "clear")
        side.settle()
        allowed = act.legit(side, args["inner"]["args"]) | {"undone", "driver-failed", "refused"}
        if "in-use" not in allowed:  # a GPU or a file that is busy is reported as it is
            allowed = allowed | {"in-use"}
        if answer.outcome not in allowed:
            raise Broken(f"with a fault: {answer.outcome}: {answer.detail}")
        return Answer("done", f"{answer.outcome}: {answer.detail}")

    def settle(self, side, args, answer):
        self.adopt(side, [args["inner"]])


ACTIONS = [Restart(), KillCleaved(), Reboot(), Restore(), Reload(), RestartLibvirt(), Holder(), Lose(),
           Recover(), Crash(), Together(), Fault()]
