#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo's script, run inside a simulated host: everything it does, it does with `cleave`.

It checks what it shows: the exit status is 0 only if every check held.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "sim/guest"))

import console
import keep

BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))
# Nothing depends on how fast the machine is; these end what hangs.
START_TIMEOUT_S = 120
BOOT_TIMEOUT_S = 600
FOUND = re.compile(r"cleave-guest: (.*)")

# None: what is printed goes into a file.
WIDTH = os.get_terminal_size().columns if sys.stdout.isatty() else None
SUDO = "sudo " if "SUDO_USER" in os.environ else ""
NEXT = f"""
Next, by hand: `{SUDO}./run cleave-sim shell` is a shell on such a host.
There, where cleaved and libvirt run:
  cleave gpu list
  cleave profile list --gpu 2
  cleave vm create web1 --template guest.xml
  cleave claim create web1 --vm web1 --type L40S-8Q --dry-run
  cleave claim create web1 --vm web1 --type L40S-8Q
  cleave vm start web1
  cleave gpu show 2
"""

RTX, A100, L40S_1, L40S_2 = "0000:41:00.0", "0000:61:00.0", "0000:81:00.0", "0000:a1:00.0"


def say(line, indent=4):
    """Prints a line. A terminal gets no wider one than it has room for: the rest is indented."""
    if WIDTH and len(line) > WIDTH:
        line = "\n".join(textwrap.wrap(line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False))
    print(line, flush=True)


class Host:
    """One of the two: what others need to know of it."""

    def __init__(self, name, share, socket):
        self.name = name
        self.share = share
        self.socket = socket
        self.uri = f"qemu+unix:///system?socket={share / name / 'libvirt-sock'}"


class Demo:
    def __init__(self, image, directory, share):
        self.image = image
        self.dir = directory
        self.build = BUILD
        self.socket = directory / "cleaved.sock"
        self.alpha = Host("alpha", share, self.socket)
        self.beta = Host("beta", share, share / "beta.sock")
        self.rows = []
        self.vms = []
        self.sites = {}  # claims of each site that was applied
        self.daemon = None
        (directory / "consoles").mkdir(parents=True, exist_ok=True)

    # ---- running things ----

    def cleave(self, *words, check=True, show=True, host=None):
        """Runs the CLI as a user would; returns (exit status, output as a terminal shows it)."""
        host = host or self.alpha
        if show:
            say(f"{'' if host is self.alpha else host.name}$ cleave {' '.join(words)}")
        is_table = WIDTH and words[1:2] in (("list",), ("show",))
        environ = {**os.environ, **({"COLUMNS": str(WIDTH)} if is_table else {})}
        done = subprocess.run([BUILD / "src/cli/cleave", "--socket", host.socket, *words],
                              stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ,
                              stderr=subprocess.STDOUT if show else subprocess.PIPE)
        if show:
            for line in done.stdout.splitlines():
                say(line if is_table else f"  {line}")
        if check and done.returncode != 0:
            raise SystemExit(f"demo: `cleave {' '.join(words)}` failed with {done.returncode}: "
                             f"{(done.stderr or done.stdout).strip()}")
        return done.returncode, done.stdout

    def get(self, *words, host=None):
        return json.loads(self.cleave(*words, "-o", "json", show=False, host=host)[1])

    def check(self, part, what, held, detail=""):
        self.rows.append((part, what, "ok" if held else "FAILED", detail))
        say(f"  [{'ok' if held else 'FAILED'}] {what}{': ' + detail if detail else ''}")

    def title(self, text):
        print(f"\n=== {text}", flush=True)

    def start(self):
        self.socket.unlink(missing_ok=True)
        log = open(self.dir / "cleaved.log", "a")
        self.daemon = subprocess.Popen(
            [BUILD / "src/daemon/cleaved", "--socket", self.socket,
             "--state-dir", self.dir / "state"], stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not keep.answers(self.socket):
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("demo: cleaved did not start:\n" +
                                 (self.dir / "cleaved.log").read_text())
            time.sleep(0.02)

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def stop(self):
        for vm in self.vms:
            self.cleave("vm", "stop", "--now", vm, check=False, show=False)
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(timeout=START_TIMEOUT_S)

    # ---- VMs ----

    def make_vm(self, name, arguments=""):
        """arguments: more of the guest kernel's."""
        path = self.console(name)
        path.write_text("")
        template = (ROOT / "data/templates/linux-direct.xml").read_text()
        for key, value in {"KERNEL": self.image / "kernel", "INITRAMFS": self.image / "initramfs",
                           "CONSOLE": path, "NAME": name}.items():
            template = template.replace(f"@{key}@", str(value))
        template = template.replace("<cmdline>", f"<cmdline>{arguments} ")
        path = self.dir / f"{name}.xml"
        path.write_text(template)
        self.cleave("vm", "create", name, "--template", os.path.relpath(path, ROOT))
        self.vms.append(name)

    def console(self, vm):
        return self.dir / "consoles" / f"{vm}.log"

    def console_line(self, vm):
        """The first that tells what the guest found; None before it is there as a whole."""
        for line in console.lines(self.console(vm)):
            match = FOUND.search(line)
            if match:
                return match.group(1).strip()
        return None

    def boot(self, names, start=None):
        """Starts VMs and waits until each has said what it found; returns name → line. start: how,
        if not by `cleave vm start`."""
        for name in names:
            self.console(name).write_text("")
        if start is None:
            self.cleave("vm", "start", *names)
        for name in names if start else []:
            start(name)
        print("  waiting for their consoles", flush=True)
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        found = {}
        while len(found) < len(names) and time.monotonic() < deadline:
            for name in names:
                line = self.console_line(name) if name not in found else None
                if line is not None:
                    found[name] = line
                    say(f"  {name}: {line}")
            time.sleep(0.05)
        return found

    def halt(self, names):
        self.cleave("vm", "stop", "--now", *names)

    # ---- sites ----

    def apply(self, name, claims):
        """Writes a site file and applies it; returns the plan."""
        path = self.dir / f"{name}.yaml"
        lines = [f"site: {name}", "claims:" if claims else "claims: []"]
        for claim in claims:
            body = ", ".join(f"{key}: {json.dumps(value)}" for key, value in claim.items())
            lines.append(f"  - {{{body}}}")
        path.write_text("\n".join(lines) + "\n")
        fewer = self.sites.get(name, set()) - {claim["name"] for claim in claims}
        self.sites[name] = {claim["name"] for claim in claims}
        self.cleave("apply", "-f", os.path.relpath(path, ROOT), *(["--yes"] if fewer else []))
        return self.get("plan", "list")["plans"][0]


def instances(plan):
    counts = {}
    for instance in plan["instances"]:
        counts.setdefault(instance["what"], []).append(
            f"{instance['profile']}@{instance['start']}")
    return counts


def in_words(counts):
    return "; ".join(f"{what} {', '.join(counts[what])}"
                     for what in ("kept", "destroyed", "created") if what in counts) or "nothing"


def part_a(demo):
    demo.title("(a) one RTX PRO 6000: 4 GPU instances x 3 DC-1-8C, twelve VMs")
    names = [f"pro-{i:02}" for i in range(1, 13)]
    for name in names:
        demo.make_vm(name)
    demo.apply("pro", [{"name": name, "vm": name, "gpu": RTX, "type": "DC-1-8C"}
                       for name in names])
    demo.cleave("gpu", "show", RTX)
    found = demo.boot(names)
    good = [n for n in names if "DC-1-8C" in found.get(n, "") and f"vm={n} " in found[n] + " "]
    uuids = {match.group(1) for n in good for match in [re.search(r"uuid=(\S+)", found[n])] if match}
    demo.check("a", "each of 12 VMs found its own vGPU DC-1-8C",
               len(good) == 12 and len(uuids) == 12, f"{len(good)} VMs, {len(uuids)} vGPUs")
    gpu = demo.get("gpu", "show", RTX)
    per_gi = {}
    for vgpu in gpu["vgpus"]:
        per_gi[vgpu["gpuInstance"]] = per_gi.get(vgpu["gpuInstance"], 0) + 1
    demo.check("a", "4 GPU instances carry 3 vGPUs each", sorted(per_gi.values()) == [3, 3, 3, 3],
               f"{len(gpu['gpuInstances'])} instances of {gpu['gpuInstances'][0]['profile']}")


LAYOUTS = [
    ("2g.10gb x 3", [("A100-2-10C", "2g.10gb")] * 3),
    ("3g.20gb x 2", [("A100-3-20C", "3g.20gb")] * 2),
    ("4g.20gb + 2g.10gb + 1g.5gb",
     [("A100-4-20C", "4g.20gb"), ("A100-2-10C", "2g.10gb"), ("A100-1-5C", "1g.5gb")]),
]


def part_b(demo):
    demo.title("(b) an A100 40GB through three layouts, a VM on each instance")
    names = ["a100-1", "a100-2", "a100-3"]
    for name in names:
        demo.make_vm(name)
    destroyed = everything = 0
    before = 0
    for index, (text, types) in enumerate(LAYOUTS):
        print(f"--- layout {index + 1}: {text}")
        claims = [{"name": f"{index + 1}-{vm}", "vm": vm, "gpu": A100, "type": kind}
                  for vm, (kind, _) in zip(names, types)]
        plan = demo.apply("a100", claims)
        counts = instances(plan)
        say(f"  GPU instances: {in_words(counts)}")
        destroyed += len(counts.get("destroyed", []))
        everything += before
        before = len(types)
        used = names[:len(types)]
        found = demo.boot(used)
        good = [vm for vm, (kind, profile) in zip(used, types)
                if kind in found.get(vm, "") and f"profile={profile}" in found[vm]]
        demo.check("b", f"{text}: a VM on each instance", len(good) == len(types),
                   f"{len(good)} VMs; {in_words(counts)}")
        demo.halt(used)
    plan = demo.apply("a100", [{"name": f"4-{vm}", "vm": vm, "gpu": A100, "type": kind}
                               for vm, (kind, _) in zip(names, LAYOUTS[0][1])])
    counts = instances(plan)
    destroyed += len(counts.get("destroyed", []))
    everything += before
    demo.check("b", "back to the first layout: what fits stays",
               counts.get("kept") == ["2g.10gb@4"], in_words(counts))
    demo.check("b", "fewer destroyed than by starting over", destroyed < everything,
               f"{destroyed} instances destroyed; destroying everything would be {everything}")


def part_cd(demo):
    demo.title("(c) pass-through of an L40S, (d) time-sliced vGPUs of mixed sizes on another")
    mixed = [("mix-1", "L40S-24Q"), ("mix-2", "L40S-12Q"), ("mix-3", "L40S-4Q")]
    demo.make_vm("whole")
    for name, _ in mixed:
        demo.make_vm(name)
    demo.cleave("claim", "create", "whole", "--vm", "whole", "--mode", "passthrough", "--gpu", L40S_1)
    demo.apply("mixed", [{"name": name, "vm": name, "gpu": L40S_2, "type": kind, "mixed": True}
                         for name, kind in mixed])
    demo.cleave("gpu", "show", L40S_2)
    found = demo.boot(["whole"] + [name for name, _ in mixed])
    gpu = demo.get("gpu", "show", L40S_1)
    demo.check("c", "the VM has the whole L40S", "L40S" in found.get("whole", "")
               and gpu["driver"] == "vfio-pci", f"driver {gpu['driver']}, VM {gpu['vm']}")
    good = [name for name, kind in mixed if kind in found.get(name, "")]
    places = sorted(v["placementId"] for v in demo.get("gpu", "show", L40S_2)["vgpus"]
                    if v["placementId"] is not None)
    demo.check("d", "three sizes share one L40S", len(good) == 3 and len(places) == 3,
               f"placement ids {places}")
    demo.halt(["whole"])
    demo.cleave("claim", "delete", "whole")
    gpu = demo.get("gpu", "show", L40S_1)
    demo.check("c", "the GPU is back with its driver", gpu["driver"] == "nvidia")


def refusal(demo, what, words, wanted):
    status, text = demo.cleave(*words, check=False)
    said = [line for line in text.splitlines()
            if line.startswith("cleave: ") and not line.startswith("cleave: waiting: ")]
    said = said[-1] if said else "nothing said"
    demo.check("e", what, status == wanted and said != "nothing said", f"exit {status}: {said}")


def part_e(demo):
    demo.title("(e) refusals")
    refusal(demo, "a layout that can't be",
            ["layout", "check", "--gpu", "a100-40gb", "3g.20gb=3"], 1)
    refusal(demo, "a time-sliced claim on a MIG GPU",
            ["claim", "create", "ts", "--gpu", RTX, "--mode", "time-sliced", "--type", "DC-8C"], 4)
    refusal(demo, "a device in use", ["claim", "delete", "pro-01"], 6)
    refusal(demo, "pass-through with live migration, by rule",
            ["claim", "create", "moves", "--gpu", L40S_1, "--mode", "passthrough", "--migratable"], 9)


def table(demo):
    demo.title("result")
    width = max(len(row[1]) for row in demo.rows)
    for part, what, result, detail in demo.rows:
        say(f"  {part}  {what:<{width}}  {result:<6}  {detail}", indent=5)
    return all(row[2] == "ok" for row in demo.rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", type=pathlib.Path, required=True)
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--share", type=pathlib.Path, required=True,
                        help="folder with the sockets of this host and of the other")
    parser.add_argument("--stay", action="store_true")
    args = parser.parse_args()
    demo = Demo(args.image.resolve(), args.dir.resolve(), args.share.resolve())
    began = time.monotonic()
    demo.start()
    held = False
    try:
        demo.cleave("host", "show")
        demo.cleave("gpu", "list")
        parts = (part_a, part_b, part_cd, part_e,
                 lambda it: keep.part_f(it, it.alpha, it.beta, L40S_1),
                 lambda it: keep.part_g(it, [RTX, A100, L40S_2], ["pro-01", "a100-1", "mix-1"]))
        for part in parts:
            at = time.monotonic()
            part(demo)
            print(f"  ({time.monotonic() - at:.1f} s)", flush=True)
        demo.cleave("vm", "list")
        demo.cleave("gpu", "list")
        held = table(demo)
        print(f"\n{'every check held' if held else 'A CHECK FAILED'}, "
              f"{time.monotonic() - began:.1f} s", flush=True)
        print(NEXT, flush=True)
        if args.stay:
            print(f"The host stays up. From another terminal:\n"
                  f"  {SUDO}./run cleave --socket {os.path.relpath(demo.socket, ROOT)} gpu list\n"
                  f"Ctrl-C ends it.", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print()
    finally:
        demo.stop()
    return 0 if held else 1


sys.exit(main())
