# SPDX-License-Identifier: Apache-2.0
"""Actions between two hosts: VMs move with their claims, or stay as they are."""
from play.action import Action
from play.claims import must_fit
from play.vms import pick

# A migration that is refused or fails may say any of these, and the VM runs on where it was.
REFUSED = {"not-found", "conflict", "no-capacity", "in-use", "unsupported", "driver-failed",
           "rule-violated", "unavailable"}


class Migrate(Action):
    """`cleave vm migrate`: afterwards the VM runs on exactly one of the two."""
    name, weight, alone, needs_vms, needs_pair = "vm migrate", 14, True, True, True

    def draw(self, rng, side):
        on = pick(rng, side, lambda vm: vm.on and vm.stored)
        return on if on is not None and rng.random() < 0.95 else pick(rng, side)

    def must(self, side, name):
        """Nothing speaks against it that anybody could know of."""
        claims, peer = side.of_vm(name), side.peer
        return (side.is_on(name) and side.vms[name].stored and not side.vms[name].hand
                and name not in peer.vms and len(claims) == 1 and not peer.of_vm(name)
                and not any(claim.name in peer.claims for claim in claims)
                and not side.lost | side.held | side.seen.shy
                and not peer.lost | peer.held | peer.seen.shy
                and all(claim.wish.get("type", "").startswith("L40S") and not claim.site
                        and not claim.gone and must_fit(peer, {"type": claim.wish["type"],
                                                               "mixed": claim.wish.get("mixed")})
                        for claim in claims))

    def legit(self, side, args):
        if args["vm"] not in side.vms:
            return {"not-found"}
        if not side.is_on(args["vm"]):
            return REFUSED
        return {"done"} if self.must(side, args["vm"]) else {"done", *REFUSED}

    def send(self, side, args):
        twin = side.twin
        answer = side.cli("vm", "migrate", args["vm"], twin.uri(side.peer.machine), "--peer",
                          f"unix:{side.peer.machine.socket}", "--migrate-uri", twin.carrier())
        if answer.outcome == "done":
            side.stopped.add(args["vm"])
        return answer

    def settle(self, side, args, answer):
        if answer.outcome != "done":
            return
        vm = side.vms.pop(args["vm"])
        vm.redefined, vm.stored = False, True
        side.peer.vms[vm.name] = vm
        there = {claim["name"]: claim for claim in
                 side.peer.machine.api.get("/v1/claims")["claims"]}
        for claim in side.of_vm(vm.name):
            side.peer.claims[claim.name] = side.claims.pop(claim.name)
            claim.site = there.get(claim.name, {}).get("site")


ACTIONS = [Migrate()]
