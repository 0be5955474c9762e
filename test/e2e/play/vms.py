# SPDX-License-Identifier: Apache-2.0
"""Actions on VMs: by cleave, and by virsh behind its back."""
from machine import DOMAIN, hostdev
from play.action import Action
from play.world import NO_ROOM, Answer, Vm


def pick(rng, side, condition=lambda vm: True):
    names = sorted(vm.name for vm in side.vms.values() if condition(vm))
    return {"vm": rng.choice(names)} if names else None


class VmAction(Action):
    needs_vms = True

    def touches(self, side, args):
        return set(), {args["vm"]}


class CleaveVm(VmAction):
    """`cleave vm VERB NAME`."""
    verb = ""
    options = ()

    def draw(self, rng, side):
        known = rng.random() < 0.95
        found = pick(rng, side, self.suits if rng.random() < 0.85 else lambda vm: True)
        return found if known else {"vm": rng.choice(side.vm_names)}

    def suits(self, vm):
        return True

    def send(self, side, args):
        return side.cli("vm", self.verb, args["vm"], *self.options)


def may_fail_to_start(side, name):
    """Devices by hand may be anything: gone, or in use by another VM."""
    return bool(side.vms[name].hand) or bool(side.lost or side.held or side.seen.shy) or \
        any(claim.gone or claim.on_demand for claim in side.of_vm(name))


class Start(CleaveVm):
    name, weight, verb = "vm start", 16, "start"

    def suits(self, vm):
        return not vm.on

    def legit(self, side, args):
        name = args["vm"]
        if name not in side.vms:
            return {"not-found"}
        if side.vms[name].on:
            return {"conflict"}
        if any(claim.state == "failed" for claim in side.of_vm(name)):
            return {"conflict", "unavailable"}
        if may_fail_to_start(side, name):
            return {"done", "driver-failed", "unavailable", *NO_ROOM}
        return {"done"}

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]].on = True
            side.vms[args["vm"]].redefined = False


class Stop(CleaveVm):
    name, weight, verb, options = "vm stop", 10, "stop", ("--now",)

    def suits(self, vm):
        return vm.on

    def legit(self, side, args):
        if args["vm"] not in side.vms:
            return {"not-found"}
        return {"done"} if side.vms[args["vm"]].on else {"conflict"}

    def send(self, side, args):
        side.stopped.add(args["vm"])
        return super().send(side, args)

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.turned_off(args["vm"])


class Forget(CleaveVm):
    name, weight, verb, redefines = "vm delete", 3, "delete", True

    def suits(self, vm):
        return not vm.on

    def legit(self, side, args):
        name = args["vm"]
        if name not in side.vms:
            return {"not-found"}
        return {"in-use"} if side.vms[name].on or side.of_vm(name) else {"done"}

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            del side.vms[args["vm"]]


class Define(VmAction):
    name, weight, redefines = "vm create", 4, True

    def draw(self, rng, side):
        return {"vm": rng.choice(side.vm_names)}

    def legit(self, side, args):
        return {"conflict"} if args["vm"] in side.vms else {"done"}

    def send(self, side, args):
        return side.call("POST", "/v1/vms", {"name": args["vm"],
                                             "template": DOMAIN.format(devices="")})

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]] = Vm(args["vm"], redefined=bool(side.of_vm(args["vm"])))


# ---- behind cleave's back ----

class Virsh(VmAction):
    """`virsh VERB NAME`."""
    verb = ()

    def draw(self, rng, side):
        return pick(rng, side, self.suits)

    def suits(self, vm):
        return vm.on

    def send(self, side, args):
        side.stopped.add(args["vm"])
        done = side.machine.virsh(*self.verb, args["vm"], check=False)
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr.strip())

    def legit(self, side, args):
        there = args["vm"] in side.vms and self.suits(side.vms[args["vm"]])
        return {"done"} if there else {"done", "refused"}


class VirshStart(Virsh):
    name, weight, verb = "virsh start", 10, ("start",)

    def suits(self, vm):
        return not vm.on

    def legit(self, side, args):
        name = args["vm"]
        if name not in side.vms or side.vms[name].on:
            return {"refused"}
        if any(claim.state == "failed" for claim in side.of_vm(name)):
            return {"refused"}  # by the hook
        if side.vms[name].redefined and side.of_vm(name):
            return {"done", "refused"}
        return {"done", "refused"} if may_fail_to_start(side, name) else {"done"}

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]].on = True


class VirshDestroy(Virsh):
    name, weight, verb = "virsh destroy", 6, ("destroy",)

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.turned_off(args["vm"])


class VirshSuspend(Virsh):
    name, weight, verb = "virsh suspend", 1, ("suspend",)

    def legit(self, side, args):
        return {"done", "refused"}


class VirshReset(Virsh):
    name, weight, verb = "virsh reset", 1, ("reset",)

    def legit(self, side, args):
        return {"done", "refused"}


class Kill(Virsh):
    """The emulator dies, as out of memory."""
    name, weight = "kill emulator", 5

    def send(self, side, args):
        side.stopped.add(args["vm"])
        name = args["vm"]
        script = (f"pid=$(cat /run/libvirt/qemu/{name}.pid) && kill -9 $pid\n"
                  f"for i in $(seq 500); do virsh -q -c qemu:///system domstate {name} 2>/dev/null |"
                  " grep -qE 'running|paused' || exit 0; sleep 0.01; done; exit 1")
        done = side.machine.run("sh", "-c", script, check=False)
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr)

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.turned_off(args["vm"])


class VirshUndefine(Virsh):
    """The definition is gone; a running VM runs on without one."""
    name, weight, verb, redefines = "virsh undefine", 3, ("undefine",), True

    def suits(self, vm):
        return vm.stored

    def settle(self, side, args, answer):
        if answer.outcome != "done":
            return
        vm = side.vms[args["vm"]]
        vm.stored = False
        if not vm.on:
            del side.vms[args["vm"]]


class VirshDefine(Virsh):
    """Defined again, from a file that knows nothing of claims."""
    name, weight, redefines = "virsh define", 4, True

    def draw(self, rng, side):
        lost = sorted({claim.vm for claim in side.claims.values() if claim.vm} - set(side.vms))
        names = lost or [name for name in side.vm_names if name not in side.vms]
        return {"vm": rng.choice(names)} if names else None

    def legit(self, side, args):
        return {"done", "refused"} if args["vm"] in side.vms else {"done"}

    def send(self, side, args):
        xml = DOMAIN.replace("template", args["vm"]).format(devices="")
        if args["vm"] in side.vms:
            return Answer("refused", "is there already")
        done = side.machine.virsh("define", "/dev/stdin", input=xml, check=False)
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr)

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]] = Vm(args["vm"], redefined=bool(side.of_vm(args["vm"])))


class VirshRename(Virsh):
    """Claims follow their VM to its new name."""
    name, weight, redefines = "virsh rename", 2, True

    def suits(self, vm):
        return vm.stored and not vm.on

    def draw(self, rng, side):
        found = pick(rng, side, self.suits)
        free = [name for name in side.vm_names if name not in side.vms]
        return {**found, "to": rng.choice(free)} if found and free else None

    def send(self, side, args):
        if args["vm"] not in side.vms or args["to"] in side.vms:
            return Answer("refused", "the trace was changed")
        done = side.machine.virsh("domrename", args["vm"], args["to"], check=False)
        side.machine.api.get("/v1/vms")  # or else cleaved could not tell what became of it
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr)

    def legit(self, side, args):
        return {"done"} if args["vm"] in side.vms and args["to"] not in side.vms else {"refused"}

    def settle(self, side, args, answer):
        if answer.outcome != "done":
            return
        vm = side.vms.pop(args["vm"])
        vm.name = args["to"]
        vm.redefined = vm.redefined or bool(side.of_vm(args["to"]))  # claims that waited for such a VM
        side.vms[args["to"]] = vm
        for claim in side.of_vm(args["vm"]):
            claim.wish = {**claim.wish, "vm": args["to"]}

    def touches(self, side, args):
        return ({claim.name for claim in side.of_vm(args["vm"])}, {args["vm"], args["to"]})


class HookByHand(Virsh):
    """The hook is called for a VM that doesn't start; twice."""
    name, weight = "hook by hand", 2

    def suits(self, vm):
        return vm.stored and not vm.on

    def send(self, side, args):
        if args["vm"] not in side.vms or side.vms[args["vm"]].on:
            return Answer("refused", "the trace was changed")
        xml = side.machine.virsh("dumpxml", args["vm"], check=False).stdout
        if not xml:
            return Answer("refused", "another client was quicker")
        codes = [side.machine.run("/etc/libvirt/hooks/qemu.d/cleave", args["vm"], "prepare", "begin",
                                  "-", input=xml, check=False).returncode for _ in range(2)]
        return Answer("done" if codes == [0, 0] else "refused")

    def legit(self, side, args):
        return {"done", "refused"}


class StartWithoutCleaved(Virsh):
    """cleaved is down: a VM with devices of cleave does not start, others do."""
    name, weight, alone = "start without cleaved", 2, True

    def suits(self, vm):
        return not vm.on

    def legit(self, side, args):
        vm = side.vms.get(args["vm"])
        if vm is None or vm.on:
            return {"refused"}
        domain = side.seen.domains[args["vm"]]
        if set(domain.stored) - set(vm.hand):
            return {"refused"}
        return {"done", "refused"} if vm.hand or side.of_vm(args["vm"]) else {"done"}

    def send(self, side, args):
        side.machine.stop()
        done = side.machine.virsh("start", args["vm"], check=False)
        side.start()
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr.strip())

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]].on = True


class AttachByHand(Virsh):
    """A person gives a VM a function that is free, by hand."""
    name, weight = "attach by hand", 2

    def draw(self, rng, side):
        found = pick(rng, side, lambda vm: vm.stored and not vm.on and not vm.hand)
        claimed = {claim["assigned"]["device"] for claim in side.seen.claims.values() if claim["assigned"]}
        defined = {one for domain in side.seen.domains.values() for one in domain.stored or []}
        free = sorted({vf["bdf"] for gpu in side.seen.gpus.values() for vf in gpu.get("vfs") or []}
                      - claimed - defined)
        return {**found, "device": rng.choice(free)} if found and free else None

    def send(self, side, args):
        done = side.machine.virsh("attach-device", args["vm"], "/dev/stdin", "--config",
                                  input=hostdev(args["device"]), check=False)
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr)

    def legit(self, side, args):
        return {"done", "refused"}

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]].hand.append(args["device"])


class DetachByHand(Virsh):
    name, weight = "detach by hand", 6

    def draw(self, rng, side):
        return pick(rng, side, lambda vm: vm.stored and not vm.on and vm.hand)

    def send(self, side, args):
        vm = side.vms.get(args["vm"])
        if vm is None or not vm.hand or not vm.stored:
            return Answer("refused", "has none")
        done = side.machine.virsh("detach-device", args["vm"], "/dev/stdin", "--config",
                                  input=hostdev(vm.hand[0]), check=False)
        return Answer("done") if done.returncode == 0 else Answer("refused", done.stderr)

    def legit(self, side, args):
        return {"done", "refused"} if args["vm"] not in side.vms else {"done"}

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            side.vms[args["vm"]].hand.pop(0)


ACTIONS = [Start(), Stop(), Forget(), Define(), VirshStart(), VirshDestroy(), VirshSuspend(),
           VirshReset(), Kill(), VirshUndefine(), VirshDefine(), VirshRename(), HookByHand(), StartWithoutCleaved(),
           AttachByHand(), DetachByHand()]
