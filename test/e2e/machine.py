# SPDX-License-Identifier: Apache-2.0
"""A simulated host that stays up while cleaved comes and goes on it, with libvirt and real VMs."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree

from harness import BUILD, ROOT, Api, Cleave, UnixConnection, console, wait_for_socket

START_LIBVIRT = BUILD / "sim/guest/start-libvirt"
CTL = "/run/cleave-sim/bin/cleave-sim"
# Nothing to boot from: enough to hold a device, and gone at once.
DOMAIN = """<domain type='qemu'><name>template</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{devices}</devices></domain>"""
OVER = ("done", "undone", "stuck", "failed", "cancelled")


def children(pid):
    with contextlib.suppress(OSError):
        return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]
    return []


def hostdev(address=None, mdev=None):
    """A <hostdev> as a person writes it."""
    if mdev is not None:
        return ("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                f"<address uuid='{mdev}'/></source></hostdev>")
    domain, bus, slot, function = address.replace(".", ":").split(":")
    return ("<hostdev mode='subsystem' type='pci' managed='no'><source>"
            f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>"
            "</source></hostdev>")


class Machine:
    def __init__(self, directory, host, openapi, libvirt=True, options=()):
        """options: more of `cleave-sim run`, as --name, --share, --hook."""
        self.directory = directory
        self.consoles = directory
        self.socket = directory / "s"
        self.state_dir = directory / "state"
        self.log = directory / "log"
        self.api = Api(self.socket, openapi)
        self.cleave = Cleave(self.socket)
        self.libvirt = libvirt
        self.env = {**os.environ, "CLEAVE_DATADIR": str(ROOT / "data")}
        self.cleaved = None
        self.program = BUILD / "src/daemon/cleaved"
        self.options = ()  # of its latest start
        self.sim = subprocess.Popen(
            [BUILD / "sim/cleave-sim", "run", "--host", host, *(["--libvirt"] if libvirt else []),
             *options, "--", "sh", "-c", "echo up; exec sleep infinity"],
            stdout=subprocess.PIPE, text=True, env=self.env)
        assert self.sim.stdout.readline() == "up\n"
        self.init = children(self.sim.pid)[0]

    # ---- inside ----

    def command(self, *words):
        return ["nsenter", "-t", str(self.init), "-m", "-p", "-u", "-i", "--", *map(str, words)]

    def run(self, *words, check=True, **options):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60,
                              env=self.env, **options)
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def sh(self, script, check=True):
        return self.run("sh", "-ec", script, check=check).stdout

    def virsh(self, *words, check=True, **options):
        return self.run("virsh", "-q", "-c", "qemu:///system", *words, check=check, **options)

    def ctl(self, *words, check=True):
        return json.loads(self.run(CTL, "ctl", *words, check=check).stdout)

    def gpus(self):
        """What the hardware has, by address; asked of the simulator, not of cleaved."""
        return {gpu["bdf"]: gpu for gpu in self.ctl("status")["host"]["gpus"]}

    # ---- cleaved ----

    def become(self, build, root):
        """Programs and data are of that tree from now on."""
        self.program = build / "src/daemon/cleaved"
        self.cleave.path = build / "src/cli/cleave"
        self.cleave.data = root / "data"
        self.env = {**self.env, "CLEAVE_DATADIR": str(root / "data")}

    def start(self, *options, die_before=0, die_after=0, wait=True, wrap=()):
        env = {"DIE_BEFORE": die_before, "DIE_AFTER": die_after,
               "LD_PRELOAD": BUILD / "test/e2e/die.so"} if die_before or die_after else {}
        self.options = options
        with open(self.log, "a") as log:
            self.cleaved = subprocess.Popen(
                self.command("env", *(f"{key}={value}" for key, value in env.items()), *wrap,
                             self.program, "--socket", self.socket, "--state-dir",
                             self.state_dir, *options), stdout=log, stderr=log, env=self.env)
        if wait:
            wait_for_socket(self.socket, self.cleaved, self.log)
        return self

    def lives(self):
        return self.cleaved is not None and self.cleaved.poll() is None

    def pid(self):
        """Of cleaved itself, which is nsenter's child; None if it is gone."""
        found = children(self.cleaved.pid)
        return found[0] if found else None

    def signal(self, number):
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.cleaved.wait(timeout=10)

    def stop(self):
        if self.lives():
            self.signal(signal.SIGTERM)
            assert self.cleaved.wait(timeout=20) == 0, self.log.read_text()

    def restart_libvirt(self):
        """As an update of its package does: VMs stay."""
        self.run(START_LIBVIRT, "restart")

    def reboot(self, start=True, options=()):
        """The whole machine: VMs, cleaved and libvirtd die, the hardware starts again, then libvirtd,
        which starts the VMs that are to start by themselves. start: cleaved before libvirtd, as
        at a real boot, and only if it ran."""
        ran = self.lives()
        if ran:
            self.kill()
        self.run(START_LIBVIRT, "power-off")
        if ran and start:
            self.start(*options)
        if self.libvirt:
            self.run(START_LIBVIRT)

    def end(self):
        try:
            self.stop()
        finally:
            self.sim.terminate()
            self.sim.wait(timeout=30)

    # ---- VMs ----

    def define(self, *names, devices=""):
        for name in names:
            xml = DOMAIN.replace("template", name).format(devices=devices)
            self.virsh("define", "/dev/stdin", input=xml)

    def define_guest(self, image, *names, arguments=""):
        """VMs that boot, and say on their consoles which GPUs they find. arguments: more of the
        kernel's, as cleave.fb=SEED (sim/guest/init.c)."""
        for name in names:
            self.console(name).write_text("")
            xml = (ROOT / "data/templates/linux-direct.xml").read_text()
            for key, value in {"NAME": name, "KERNEL": image / "kernel",
                               "INITRAMFS": image / "initramfs",
                               "CONSOLE": self.console(name)}.items():
                xml = xml.replace(f"@{key}@", str(value))
            xml = xml.replace("<cmdline>", f"<cmdline>{arguments} ")
            self.virsh("define", "/dev/stdin", input=xml)

    def console(self, name):
        return self.consoles / f"{name}.console"

    def boot(self, *names, timeout=60):
        """Starts VMs with cleave; returns, per VM, what it said about each GPU it found."""
        done = self.cleave.run("vm", "start", *names)
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + timeout
        while not all(self.said(name, " ready gpus=") for name in names):
            assert time.monotonic() < deadline, [self.console(n).read_text() for n in names]
            time.sleep(0.05)
        return {name: self.said(name, " gpu=") for name in names}

    def said(self, name, text):
        """The whole lines of its console with that text."""
        return [line for line in console.lines(self.console(name)) if text in line]

    def attach(self, name, device):
        """By hand, behind cleave's back."""
        self.virsh("attach-device", name, "/dev/stdin", "--config", input=device)

    def stored_devices(self, name):
        """Addresses and UUIDs of the <hostdev>s in a VM's stored definition."""
        xml = self.virsh("dumpxml", "--inactive", "--domain", name).stdout
        found = []
        for address in ElementTree.fromstring(xml).iterfind("devices/hostdev/source/address"):
            if address.get("uuid") is not None:
                found.append(address.get("uuid"))
            else:
                part = [int(address.get(key), 16) for key in ("domain", "bus", "slot", "function")]
                found.append("%04x:%02x:%02x.%x" % tuple(part))
        return sorted(found)

    def names(self):
        return [line for line in self.virsh("list", "--all", "--name").stdout.splitlines() if line]

    # ---- plans ----

    def settle(self, timeout=60):
        """Waits until no plan runs, or until cleaved is dead; True if it lives."""
        deadline = time.monotonic() + timeout
        while self.lives():
            with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                connection = UnixConnection(self.socket)
                connection.request("GET", "/v1/plans")
                plans = json.loads(connection.getresponse().read())["plans"]
                if all(plan["state"] in OVER for plan in plans):
                    return True
            assert time.monotonic() < deadline, "the plans don't end"
            time.sleep(0.01)
        return False

    def apply(self, site, claims, wait=True, **options):
        """Applies a site; returns its plan, over or not. Claims: name → what it asks for."""
        claims = [{"name": name, **claim} for name, claim in claims.items()]
        body = {"name": site, "claims": claims, **options}
        status, change, _ = self.api.call("POST", "/v1/apply", body)
        assert status in (200, 202), change
        return self.api.wait_plan(change) if wait else change["plan"]

    def create(self, name, **claim):
        """Makes a claim; returns it once it is bound."""
        status, change, _ = self.api.call("POST", "/v1/claims", {"name": name, **claim})
        assert status in (200, 202), change
        plan = self.api.wait_plan(change)
        assert plan["state"] == "done", plan["problem"]
        return self.api.get(f"/v1/claims/{name}")

    def delete(self, name):
        status, change, _ = self.api.call("DELETE", f"/v1/claims/{name}")
        assert status in (200, 202), change
        assert self.api.wait_plan(change)["state"] == "done"

    # ---- is all well? ----

    def problems(self):
        """How the claims, the hardware and the VMs' definitions disagree; [] when they don't."""
        claims = self.api.get("/v1/claims")["claims"]
        found = [f"claim {c['name']} is {c['state']}" for c in claims
                 if c["state"] not in ("bound", "failed", "pending" if waits(c) else "")]
        found += [f"plan {p['reason']} is {p['state']}" for p in self.api.get("/v1/plans")["plans"]
                  if p["state"] not in ("done", "undone", "failed", "cancelled")]
        got = [(claim, claim["assigned"]) for claim in claims if claim["assigned"] is not None]
        for bdf, gpu in self.gpus().items():
            on = [(claim, it) for claim, it in got if it["gpu"] == bdf]
            found += compare(f"{bdf}: vGPUs", vgpus(gpu),
                             sorted(device(it) for claim, it in on if is_vgpu(claim)))
            wanted = {device(it): params(claim) for claim, it in on if is_vgpu(claim)}
            there = {name: line for name, line in written(gpu).items() if name in wanted}
            found += compare(f"{bdf}: parameters of vGPUs", there, wanted)
            found += compare(f"{bdf}: GPU instances", sorted((gi["name"], gi["start"])
                                                             for gi in gpu["gis"]),
                             sorted({(it["profile"], it["start"]) for _, it in on if it["profile"]}))
            bare = sorted(it["start"] for claim, it in on if claim["mode"] == "gpu-instance")
            found += compare(f"{bdf}: compute instances",
                             sorted(gi["start"] for gi in gpu["gis"] if gi["cis"]), bare)
            whole = any(claim["mode"] == "passthrough" for claim, _ in on)
            found += compare(f"{bdf}: driver", gpu["driver"], "vfio-pci" if whole else "nvidia")
        for name in self.names() if self.libvirt else []:
            wanted = sorted(device(c["assigned"] or c["reserved"]) for c in claims
                            if c["vm"] == name and c["mode"] != "gpu-instance"
                            and (c["assigned"] or c["reserved"]) is not None)
            found += compare(f"VM {name}", self.stored_devices(name), wanted)
        return found


def waits(claim):
    """On-demand: pending while its VM is off."""
    return claim["hold"] == "on-demand"


def is_vgpu(claim):
    return claim["mode"] not in ("passthrough", "gpu-instance")


def device(got):
    return got["mdevUuid"] or got["device"]


def vgpus(gpu):
    """UUIDs of mediated devices, or addresses of virtual functions that carry a vGPU."""
    mdevs = [mdev["uuid"] for mdev in gpu["mdevs"]]
    for vf in gpu.get("vfs") or []:
        vgpu = vf.get("vgpu")
        if vgpu is not None:  # an mdev has an IOMMU group of its own
            mdevs.append(vgpu["uuid"] if vgpu["iommu_group"] else vf["bdf"])
    return sorted(mdevs)


# By the API's name: the driver's, and its words for off and on.
PARAMS = {"unifiedMemory": ("enable_uvm", "01"), "debugger": ("enable_debugging", "01"),
          "profiler": ("enable_profiling", "01"),
          "frameRateLimiter": ("frame_rate_limiter", "01"), "console": ("disable_vnc", "10")}


def params(claim):
    """What a claim's vGPU is to have in vgpu_params, next to its placement."""
    implied = {"unifiedMemory": True} if (claim.get("need") or {}).get("unifiedMemory") else {}
    given = {**implied, **(claim.get("params") or {})}
    return {f"{key}={words[given[name]]}" for name, (key, words) in PARAMS.items() if name in given}


def written(gpu):
    """The same as the hardware has it, by the vGPU's UUID or address."""
    found = {mdev["uuid"]: mdev.get("params", "") for mdev in gpu["mdevs"]}
    for vf in gpu.get("vfs") or []:
        vgpu = vf.get("vgpu") or {}
        found[vgpu["uuid"] if vgpu.get("iommu_group") else vf["bdf"]] = vgpu.get("params", "")
    return {name: {word for word in line.replace(",", " ").split()
                   if not word.startswith("vgpu-placement-id")} for name, line in found.items()}


def compare(what, there, wanted):
    return [] if there == wanted else [f"{what}: there are {there}, claims say {wanted}"]
