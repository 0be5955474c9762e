#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random actions on a simulated host, with a fixed seed: create, start, stop, kill, reboot and what else
people and machines do. After each, claims, hardware and VMs are compared (play/witness.py).

  /usr/bin/python3 test/e2e/actions.py --seed 1 --count 1000 [--hosts 2]
  /usr/bin/python3 test/e2e/actions.py --replay FILE [--shrink SECONDS]
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import ROOT
from lifecycle import hook_options
from machine import Machine
from openapi import OpenApi
from play import witness
from play.table import BY_NAME, TABLE
from play.world import Broken, Side, Vm
from twin import Twin

# What one life of cleaved may have more than at its start.
MAX_FILES_MORE = 24
MAX_KIB_MORE = 24 * 1024


class Play:
    """One run: one host or two, the actions done on them, and what came of them."""

    def __init__(self, seed=1, host="demo", with_vms=True, hosts=1, say=None):
        self.seed, self.host, self.with_vms, self.hosts = seed, host, with_vms, hosts
        self.rng = random.Random(seed)
        self.say = say or (lambda line: None)
        self.trace = []
        self.outcomes = collections.Counter()
        self.wrong = collections.Counter()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
        self.sides = []
        self.twin = None
        self.spent = 0.0
        self.log_read = {}  # how much of each log was looked at
        self.usage = {}  # by process id of cleaved: (files open, KiB resident), first and last

    @property
    def side(self):
        return self.sides[0]

    def __enter__(self):
        self.sides = [Side(machine, self.with_vms, number)
                      for number, machine in enumerate(self.make_machines())]
        for number, side in enumerate(self.sides):
            if self.hosts == 2:
                side.peer, side.twin = self.sides[1 - number], self.twin
            if self.with_vms:
                names = side.vm_names[:4]
                side.machine.define(*names)
                side.vms = {name: Vm(name) for name in names}
            side.start()
            self.check(side, "at the start")
        return self

    def make_machines(self):
        if self.hosts == 2:
            self.twin = Twin(self.directory, self.host, OpenApi(), options=hook_options)
            return self.twin.machines
        options = hook_options(self.directory) if self.with_vms else []
        return [Machine(self.directory, self.host, OpenApi(), libvirt=self.with_vms,
                        options=options)]

    def __exit__(self, *failed):
        try:
            for side in self.sides:
                side.machine.end()
        except AssertionError:  # the trace says more than how cleaved ended
            if failed[0] is None:
                raise
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def check_usage(self, side):
        pid = side.machine.pid()
        now = witness.open_files(pid), witness.resident_kib(pid)
        first, _ = self.usage.setdefault(pid, (now, now))
        self.usage[pid] = first, now
        if now[0] > first[0] + MAX_FILES_MORE:
            raise Broken(f"cleaved has {now[0]} files open, had {first[0]}")
        if now[1] > first[1] + MAX_KIB_MORE:
            raise Broken(f"cleaved has {now[1]} KiB resident, had {first[1]}")

    # ---- one action ----

    def draw(self):
        able = [act for act in TABLE if (self.with_vms or not act.needs_vms)
                and (self.hosts == 2 or not act.needs_pair)]
        while True:
            host = self.rng.randrange(self.hosts)
            act = self.rng.choices(able, [act.weight for act in able])[0]
            args = act.draw(self.rng, self.sides[host])
            if args is not None:
                return {"action": act.name, "host": host, "args": args}

    def do(self, row):
        act, args, side = BY_NAME[row["action"]], row["args"], self.sides[row.get("host", 0)]
        self.trace.append(row)
        began = time.monotonic()
        legit = act.legit(side, args)
        before = side.machine.pid(), set(side.vms)
        answer = act.send(side, args)
        row["outcome"] = answer.outcome
        row["ms"] = round(1000 * (time.monotonic() - began))
        self.spent += time.monotonic() - began
        if answer.detail:
            row["detail"] = answer.detail[:300]
        self.say(f"{len(self.trace):5} {row['ms']:6} ms  {act.name}: {answer.outcome}  "
                 f"{json.dumps(args)}")
        self.outcomes[act.name, answer.outcome] += 1
        if answer.outcome not in legit:
            raise Broken(f"{act.name} answered {answer.outcome} ({answer.detail.strip()}); "
                         f"legitimate are {', '.join(sorted(legit))}")
        act.settle(side, args, answer)
        if side.machine.pid() != before[0]:
            side.unseen |= before[1] - set(side.vms)
        side.unseen -= set(side.vms)
        self.check(side, f"after {act.name}")
        if act.needs_pair:
            self.check(side.peer, f"after {act.name}, at the target")

    def check(self, side, when):
        found = witness.check(side)
        log = side.machine.log.read_text() if side.machine.log.exists() else ""
        bad = witness.wrong_lines(log[self.log_read.get(side, 0):])
        self.log_read[side] = len(log)
        for kind, sentences in found.items():
            self.wrong[kind] += len(sentences)
        if found or bad:
            raise Broken(f"{when}: " + "; ".join(
                [*(f"{kind}: {', '.join(what)}" for kind, what in found.items()), *bad]))
        self.check_usage(side)

    # ---- the end ----

    def end(self):
        """Everything is given back: nothing may be left of it."""
        for side in self.sides:
            self.check(side, "at the end")
        for side in self.sides:
            self.clear(side)

    def clear(self, side):
        for gpu in sorted(side.lost):
            side.machine.ctl("set", gpu, "lost", "0")
        for gpu in sorted(side.held):
            side.machine.ctl("set", gpu, "holder", "")
        side.lost, side.held = set(), set()
        for vm in [vm for vm in side.vms.values() if vm.on]:
            side.machine.virsh("destroy", vm.name)
            side.turned_off(vm.name)
        self.check(side, "with all VMs off")
        for name in sorted(side.claims):
            answer = side.cli("claim", "delete", name)
            if answer.outcome != "done":
                raise Broken(f"claim {name} can't be deleted at the end: {answer.detail}")
            del side.claims[name]
        self.check(side, "with all claims deleted")

    def report(self):
        kinds = collections.defaultdict(dict)
        for (name, outcome), n in sorted(self.outcomes.items()):
            kinds[name][outcome] = n
        lines = [f"{sum(outcomes.values()):6}  {name:18} "
                 + ", ".join(f"{outcome} {n}" for outcome, n in sorted(outcomes.items()))
                 for name, outcomes in sorted(kinds.items())]
        n = len(self.trace)
        lines.append(f"{n} actions in {self.spent:.1f} s ({n / self.spent:.1f} per second), "
                     f"seed {self.seed}; "
                     f"{self.wrong['orphans']} orphans, "
                     f"{self.wrong['double assignments']} double assignments, "
                     f"{self.wrong['lost claims']} lost claims, "
                     f"{self.wrong['interrupted VMs']} interrupted VMs")
        (files, kib), (files_now, kib_now) = max(self.usage.values(),
                                                 key=lambda life: life[1][1] - life[0][1])
        lines.append(f"{len(self.usage)} lives of cleaved; the one that grew most: {files} files "
                     f"open, then {files_now}; {kib} KiB resident, then {kib_now}")
        return "\n".join(lines)


def head_of(play):
    return {"seed": play.seed, "host": play.host, "vms": play.with_vms, "hosts": play.hosts}


def make_play(head, say=None):
    return Play(head["seed"], head["host"], head["vms"], head.get("hosts", 1), say)


def strip(rows):
    """Without what came of them."""
    return [{key: row[key] for key in ("action", "host", "args") if key in row} for row in rows]


def write_trace(path, play, error):
    head = {**head_of(play), "error": str(error)}
    path.write_text("".join(json.dumps(row) + "\n" for row in [head, *play.trace]))


def read_trace(path):
    rows = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    return rows[0], rows[1:]


def run(play, rows):
    """Does them all, then the end; returns what is broken, or None."""
    try:
        for row in rows:
            play.do(row)
        play.end()
    except subprocess.TimeoutExpired as error:
        return Broken(f"{error.cmd[0]} {' '.join(map(str, error.cmd[1:]))}: no end in {error.timeout} s")
    except (Broken, AssertionError) as error:
        return error
    return None


def replay(head, rows, say=None):
    with make_play(head, say) as play:
        return run(play, strip(rows)), play


def kind_of(error):
    """What stays the same when a trace gets shorter."""
    words = str(error).split(":")
    return words[1 if str(error).startswith(("after", "with all")) else 0][:40]


def shrink(head, rows, error, seconds):
    """Leaves out what isn't needed for the same failure, as long as there is time."""
    deadline = time.monotonic() + seconds
    size = max(1, len(rows) // 2)
    while size >= 1:
        at = 0
        while at < len(rows) and time.monotonic() < deadline:
            fewer = rows[:at] + rows[at + size:]
            try:
                now, _ = replay(head, fewer)
            except Exception as other:  # another failure than ours: this piece is needed
                now = other
            if now is not None and kind_of(now) == kind_of(error):
                rows, error = fewer, now
                print(f"shrunk to {len(rows)}", file=sys.stderr)
            else:
                at += size
        size //= 2
    return rows, error


def fail(args, play, error):
    path = pathlib.Path(args.trace or tempfile.mkstemp(prefix="cleave-actions-",
                                                       suffix=".jsonl")[1])
    write_trace(path, play, error)
    for row in play.trace[-12:]:
        print(json.dumps(row))
    for side in play.sides:
        for line in witness.describe(side):
            print(line)
    print(f"BROKEN: seed {play.seed}, action {len(play.trace)}: {error}")
    print(f"again: /usr/bin/python3 test/e2e/actions.py --replay {path}")
    if args.log:
        shutil.copy(play.side.machine.log, args.log)
    if args.shrink:
        rows, error = shrink(head_of(play), play.trace, error, args.shrink)
        play.trace = rows
        write_trace(path, play, error)
        print(f"shrunk to {len(rows)} actions: {error}")
        for row in rows:
            print(json.dumps(row))
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--host", default="demo", help="host file of the simulator")
    parser.add_argument("--hosts", type=int, choices=(1, 2), default=1,
                        help="two hosts: VMs migrate between them")
    parser.add_argument("--no-vms", action="store_true", help="claims alone: no libvirt, and quick")
    parser.add_argument("--replay", metavar="FILE", help="the actions of a trace instead of a seed's")
    parser.add_argument("--shrink", type=int, metavar="SECONDS", help="shorten what fails")
    parser.add_argument("--trace", metavar="FILE", help="where to write the trace of a failure")
    parser.add_argument("--log", metavar="FILE", help="where to keep cleaved's log of a failure")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each action")
    args = parser.parse_args()
    os.environ.setdefault("CLEAVE_DATADIR", str(ROOT / "data"))
    say = (lambda line: print(line, flush=True)) if args.verbose else None
    head = {"seed": args.seed, "host": args.host, "vms": not args.no_vms, "hosts": args.hosts}
    rows = None
    if args.replay:
        head, rows = read_trace(args.replay)
        rows = strip(rows)
    if head["hosts"] == 2 and not head["vms"]:
        parser.error("two hosts have nothing to do with each other without VMs")
    with make_play(head, say) as play:
        error = run(play, rows if rows is not None else (play.draw() for _ in range(args.count)))
        print(play.report())
        if error is not None:
            return fail(args, play, error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
