# SPDX-License-Identifier: Apache-2.0
"""Actions on claims, sites and GPUs: what an operator asks of cleave."""
import json

from play.action import Action
from play.world import NO_ROOM, Answer, Claim

# What can be asked for, by board: what it is, and how many an otherwise empty GPU holds at least.
WISHES = {
    "l40s": [({"type": "L40S-8Q"}, 6), ({"type": "L40S-4Q"}, 12), ({"type": "L40S-24Q"}, 2),
             ({"type": "L40S-12Q", "mixed": True}, 1), ({"type": "L40S-4Q", "mixed": True}, 1),
             ({"mode": "passthrough"}, 1)],
    "a100-pcie-40gb": [({"type": "A100-1-5C"}, 7), ({"type": "A100-2-10C"}, 3),
                       ({"type": "A100-3-20C"}, 2), ({"type": "A100-7-40C"}, 1),
                       ({"type": "A100-8C"}, 5), ({"type": "A100-20C"}, 2),
                       ({"mode": "gpu-instance", "profile": "1g.5gb"}, 7),
                       ({"mode": "gpu-instance", "profile": "3g.20gb"}, 2),
                       ({"mode": "passthrough"}, 1)],
    "rtx-pro-6000-blackwell-se": [({"type": "DC-1-8C"}, 12), ({"type": "DC-1-24C"}, 4),
                                  ({"type": "DC-2-48C"}, 2), ({"type": "DC-4-96C"}, 1),
                                  ({"type": "DC-1-3Q"}, 32), ({"type": "DC-24C"}, 4),
                                  ({"mode": "gpu-instance", "profile": "1g.24gb"}, 4),
                                  ({"mode": "passthrough"}, 1)],
    "h100-sxm5-80gb": [({"type": "H100XM-1-10C"}, 7), ({"type": "H100XM-3-40C"}, 2),
                       ({"type": "H100XM-20C"}, 4), ({"mode": "passthrough"}, 1)],
}


def boards(side):
    return sorted((bdf, gpu["board"]) for bdf, gpu in side.seen.gpus.items()
                  if gpu["board"] in WISHES)


def draw_wish(rng, side, with_vm=True):
    bdf, board = rng.choice(boards(side))
    wish, _ = rng.choice(WISHES[board])
    wish = dict(wish)
    if wish.get("mode") is not None or rng.random() < 0.3:
        wish["gpu"] = bdf
    if side.with_vms and with_vm and wish.get("mode") != "gpu-instance" and rng.random() < 0.8:
        # Rarely one that isn't there.
        names = sorted(side.vms) if rng.random() < 0.95 and side.vms else side.vm_names
        wish["vm"] = rng.choice(names)
        if rng.random() < 0.25:
            wish["hold"] = "on-demand"
    return wish


def of_gpu(side, bdf):
    """The claims that hold something there."""
    return [side.claims[name] for name, claim in side.seen.claims.items()
            if name in side.claims and claim["assigned"] is not None and claim["assigned"]["gpu"] == bdf]


def is_ours_alone(side, bdf):
    """No one but claims has any of it: no person, no other program, no VM by hand."""
    gpu = side.seen.gpus[bdf]
    if bdf in side.held | side.lost | side.seen.shy or any(claim.gone for claim in of_gpu(side, bdf)):
        return False
    names = {bdf, *(vf["bdf"] for vf in gpu.get("vfs") or [])}
    by_hand = {one for vm in side.vms.values() for one in vm.hand} | side.hand_vgpus
    return not names & by_hand and not any(one not in side.seen.gpus and side.seen.vgpus.get(
        one, {}).get("gpu") == bdf for one in by_hand)


def has_nothing(side, bdf):
    """Is there a whole GPU to have?"""
    return is_ours_alone(side, bdf) and not of_gpu(side, bdf)


def is_wish(wish, row):
    """Does a claim ask for what a row of WISHES says, with or without the rest of its name?"""
    return all(str(wish.get(key, "")).endswith(str(value)) for key, value in row.items()) and \
        bool(wish.get("mixed")) == bool(row.get("mixed"))


def may_clash(side, wish):
    """A VM can't have a whole GPU for one claim and name a part of it for another."""
    vm = wish.get("vm")
    others = side.of_vm(vm) if vm is not None else []
    return any(claim.on_demand or wish.get("hold") == "on-demand" for claim in others) and any(
        one.get("mode") == "passthrough" for one in [wish, *(claim.wish for claim in others)])


def must_fit(side, wish):
    """Some GPU of the right board is empty, or has room next to claims of the very same kind."""
    if may_clash(side, wish):
        return False
    for bdf, board in boards(side):
        room = max((n for row, n in WISHES[board] if is_wish(wish, row)), default=0)
        if wish.get("gpu") not in (None, bdf) or not is_ours_alone(side, bdf):
            continue
        there = of_gpu(side, bdf)
        same = all(any(is_wish(claim.wish, row) and is_wish(wish, row) for row, _ in WISHES[board])
                   for claim in there)
        if same and len(there) < room:
            return True
    return False


def legit_wish(side, wish):
    if wish.get("vm") is not None and wish["vm"] not in side.vms:
        return {"not-found"}
    if wish.get("vm") is not None and side.is_on(wish["vm"]):
        return {"in-use", *NO_ROOM}
    if wish.get("gpu") in side.lost:
        return {"driver-failed", "no-capacity"}
    # A GPU in the way may be the one that is chosen.
    trouble = {"undone"} if side.held else set()
    if must_fit(side, wish):
        return {"done"} | trouble
    return {"done", *NO_ROOM} | trouble | ({"driver-failed"} if side.lost else set())


class Create(Action):
    name, weight = "claim create", 22

    def draw(self, rng, side):
        return {"name": rng.choice(side.claim_names), "by": rng.choice(["cli", "api"]), **{
            "wish": draw_wish(rng, side)}}

    def legit(self, side, args):
        if args["name"] in side.claims:
            return {"conflict"}
        return legit_wish(side, args["wish"])

    def send(self, side, args):
        wish = args["wish"]
        if args["by"] == "api":
            return side.call("POST", "/v1/claims", {"name": args["name"], **wish})
        words = []
        for key, value in wish.items():
            flag = "--on-demand" if key == "hold" else f"--{key}" if value is True else None
            words += [flag] if flag is not None else [f"--{key}", value]
        return side.cli("claim", "create", args["name"], *words)

    def settle(self, side, args, answer):
        if answer.outcome in ("done", "undone"):
            state = "bound" if answer.outcome == "done" else "failed"
            side.claims[args["name"]] = Claim(args["name"], args["wish"], None, state)

    def touches(self, side, args):
        return {args["name"]}, set()


class Delete(Action):
    name, weight = "claim delete", 14

    def draw(self, rng, side):
        hand = [claim.name for claim in side.claims.values()]
        known = hand and rng.random() < 0.95
        return {"name": rng.choice(sorted(hand) if known else side.claim_names),
                "by": rng.choice(["cli", "api"])}

    def legit(self, side, args):
        claim = side.claims.get(args["name"])
        if claim is None:
            return {"not-found"}
        if claim.vm is not None and side.is_on(claim.vm) and claim.state == "bound":
            return {"in-use"}
        if side.lost or side.held or side.seen.shy:
            return {"done", "in-use", "driver-failed", "undone", "unavailable"}
        return {"done"}

    def send(self, side, args):
        if args["by"] == "api":
            return side.call("DELETE", f"/v1/claims/{args['name']}")
        return side.cli("claim", "delete", args["name"])

    def settle(self, side, args, answer):
        if answer.outcome == "done":
            del side.claims[args["name"]]

    def touches(self, side, args):
        return {args["name"]}, set()


class Apply(Action):
    name, weight = "apply", 8

    def draw(self, rng, side):
        site = rng.choice(side.sites)
        n = rng.randrange(4)
        return {"site": site, "by": rng.choice(["cli", "api"]),
                "claims": {f"{site}{i}": draw_wish(rng, side) for i in range(n)}}

    def legit(self, side, args):
        wanted = list(args["claims"].values())
        if any(wish.get("vm") is not None and wish["vm"] not in side.vms for wish in wanted):
            # Unless it stands as it is already, and needs nothing of the VM.
            return {"not-found", "done", *NO_ROOM}
        if not wanted and all(claim.vm is None or not side.is_on(claim.vm)
                              for claim in self.of(side, args)) and not side.lost | side.held | side.seen.shy:
            return {"done"}
        return {"done", *NO_ROOM} | ({"driver-failed", "undone", "unavailable"}
                                    if side.lost | side.held | side.seen.shy else set())

    def of(self, side, args):
        return [claim for claim in side.claims.values() if claim.site == args["site"]]

    def send(self, side, args):
        claims = [{"name": name, **wish} for name, wish in args["claims"].items()]
        if args["by"] == "api":
            return side.call("POST", "/v1/apply", {"name": args["site"], "claims": claims})
        return side.cli("apply", "-f", "-", stdin=json.dumps({"site": args["site"],
                                                              "claims": claims}))

    def settle(self, side, args, answer):
        if answer.outcome == "undone":  # claims that were new are failed, others as they were
            side.adopt_claims(self.touches(side, args)[0])
        if answer.outcome != "done":
            return
        for claim in self.of(side, args):
            del side.claims[claim.name]
        for name, wish in args["claims"].items():
            side.claims[name] = Claim(name, wish, args["site"])

    def touches(self, side, args):
        return {claim.name for claim in self.of(side, args)} | set(args["claims"]), set()


class Mode(Action):
    name, weight = "gpu mode", 4

    def draw(self, rng, side):
        return {"gpu": rng.choice(boards(side))[0],
                "mode": rng.choice(["idle", "passthrough", "time-sliced", "mig"])}

    def legit(self, side, args):
        if args["gpu"] in side.lost:
            return {"driver-failed", "in-use", "conflict", "unavailable", "no-capacity"}
        refused = {"in-use", "conflict", "unsupported"}
        if has_nothing(side, args["gpu"]):
            board = side.seen.gpus[args["gpu"]]["board"]
            return {"unsupported"} if args["mode"] == "mig" and board == "l40s" else {"done"}
        trouble = {"undone"} if args["gpu"] in side.held else set()
        return {"done", *refused} | trouble | ({"no-capacity"} if args["gpu"] in side.seen.shy
                                               else set())

    def send(self, side, args):
        return side.cli("gpu", "mode", args["gpu"], args["mode"])


class Cordon(Action):
    name, weight = "gpu cordon", 2

    def draw(self, rng, side):
        return {"gpu": rng.choice(boards(side))[0], "verb": "cordon"}

    def send(self, side, args):
        return side.cli("gpu", args["verb"], args["gpu"])


class Uncordon(Cordon):
    name, weight = "gpu uncordon", 8

    def draw(self, rng, side):
        cordoned = sorted(side.seen.cordoned)
        return {"gpu": rng.choice(cordoned), "verb": "uncordon"} if cordoned else None


class Gc(Action):
    """Claims whose VMs are gone go, too."""
    name, weight, needs_vms = "gc", 3, True

    def draw(self, rng, side):
        return {} if side.without_vm() or rng.random() < 0.3 else None

    def legit(self, side, args):
        trouble = side.lost | side.held | side.seen.shy
        return {"done", "unavailable", "undone", "in-use", "driver-failed"} if trouble else {"done"}

    def send(self, side, args):
        return side.cli("gc")

    def settle(self, side, args, answer):
        if answer.outcome != "done":
            return
        side.adopt_claims([claim.name for claim in side.without_vm() if claim.vm in side.unseen])
        for claim in side.without_vm():
            if claim.vm not in side.unseen:
                del side.claims[claim.name]

    def touches(self, side, args):
        return set(side.claims), set()  # another may undefine any VM at the same moment


class DryRun(Action):
    """What is only shown changes nothing."""
    name, weight = "dry run", 3

    def draw(self, rng, side):
        wish = draw_wish(rng, side)
        return {"wish": wish, "name": rng.choice(side.claim_names)}

    def legit(self, side, args):
        if args["name"] in side.claims:
            return {"conflict"}
        return legit_wish(side, args["wish"])

    def send(self, side, args):
        before = side.machine.ctl("status")["host"]["changes"]
        status, answer, _ = side.machine.api.call("POST", "/v1/claims?dryRun=true",
                                                  {"name": args["name"], **args["wish"]})
        if side.machine.ctl("status")["host"]["changes"] != before:
            return Answer("changed", "a dry run changed the hardware")
        return Answer("done") if status == 200 else Answer(answer["reason"], answer["detail"])


ACTIONS = [Create(), Delete(), Apply(), Mode(), Cordon(), Uncordon(), Gc(), DryRun()]
