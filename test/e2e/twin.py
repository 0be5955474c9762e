# SPDX-License-Identifier: Apache-2.0
"""Two simulated hosts, of the same kind or not, that reach each other's libvirt: VMs move between them.

What lies in `twin.share` has the same path on both: libvirt's sockets (`share/HOST/libvirt-sock`),
consoles, sockets that carry a migration. cleaved of either listens in its own folder, which the other
reaches as well (`machine.socket`)."""
import contextlib
import re

from harness import console, wait_for
from machine import Machine, hostdev

NAMES = ("alpha", "beta")


class Twin:
    def __init__(self, directory, host, openapi, other=None, options=()):
        """other: what the second one is made of, if not of the same host file; options: of
        cleave-sim run, or what makes them for a machine's folder."""
        self.share = directory / "share"
        self.share.mkdir()
        self.machines = []
        try:
            for name, kind in zip(NAMES, (host, other or host)):
                (directory / name).mkdir()
                more = options(directory / name) if callable(options) else options
                machine = Machine(directory / name, kind, openapi, options=[
                    "--name", name, "--share", self.share, *more])
                machine.name = name
                machine.consoles = self.share
                self.machines.append(machine)
        except BaseException:
            self.end()
            raise
        self.alpha, self.beta = self.machines

    def start(self, *options):
        """cleaved on both."""
        for machine in self.machines:
            machine.start(*options)
        return self

    def end(self):
        with contextlib.ExitStack() as stack:
            for machine in self.machines:
                stack.callback(machine.end)

    def clear(self):
        """No VMs, no faults, no VFs: for the next test on the same two."""
        for machine in self.machines:
            for name in machine.names():
                machine.virsh("destroy", name, check=False)
                machine.virsh("undefine", name, check=False)
                self.console(name).unlink(missing_ok=True)
            machine.ctl("fault", "clear")
            machine.ctl("reboot")
        return self

    # ---- addresses ----

    def uri(self, machine):
        """How the other one's libvirt calls this one's."""
        return f"qemu+unix:///system?socket={self.share}/{machine.name}/libvirt-sock"

    def carrier(self):
        """Where QEMU sends a VM: reachable on both, unlike a TCP port, which they share."""
        return f"unix://{self.share}/carrier.sock"

    def other(self, machine):
        return self.beta if machine is self.alpha else self.alpha

    # ---- devices by hand, as an administrator without cleave makes them ----

    def make_vgpu(self, machine, type_name, function=0, gpu=0):
        """Enables VFs if need be, makes a vGPU on the N-th of them; returns a <hostdev>."""
        pf = sorted(machine.gpus())[gpu]
        path = f"/sys/bus/pci/devices/{pf}"
        machine.sh(f"[ -e {path}/virtfn0 ] || /usr/lib/nvidia/sriov-manage -e {pf}")
        vf = machine.sh(f"basename $(readlink {path}/virtfn{function})").strip()
        if machine.sh("ls /sys/class/mdev_bus 2>/dev/null || true"):
            uuid = machine.sh("cat /proc/sys/kernel/random/uuid").strip()
            machine.sh(f"cd /sys/class/mdev_bus/{vf}/mdev_supported_types\n"
                       f"echo {uuid} >$(dirname $(grep -l ' {type_name}$' */name))/create")
            return hostdev(mdev=uuid)
        machine.sh(f"cd /sys/bus/pci/devices/{vf}/nvidia\n"
                   f"sed -n 's/ *: NVIDIA {type_name}$//p' creatable_vgpu_types >current_vgpu_type")
        return hostdev(vf)

    def pass_through(self, machine, gpu=0):
        """Gives a whole GPU to vfio-pci; returns a <hostdev>."""
        pf = sorted(machine.gpus())[gpu]
        machine.sh(f"cd /sys/bus/pci/devices/{pf}\necho vfio-pci >driver_override\n"
                   f"echo {pf} >driver/unbind\necho {pf} >/sys/bus/pci/drivers_probe")
        return hostdev(pf)

    # ---- moving, by libvirt alone ----

    def definition_for(self, source, name, device, *options):
        """The VM's definition with another <hostdev>, at the same address inside the guest."""
        xml = source.virsh("dumpxml", name, *options).stdout

        def replace(found):
            guest = re.findall(r"<address type='pci'[^>]*/>", found.group())
            return device.replace("</hostdev>", "".join(guest) + "</hostdev>")

        path = self.share / f"{name}{''.join(options)}.xml"
        path.write_text(re.sub(r"<hostdev.*?</hostdev>", replace, xml, flags=re.S))
        return path

    def move(self, name, source, device, *options, check=True):
        """Moves a running VM to the other host, where it gets `device`; virsh's result."""
        return source.virsh(*self.move_words(name, source, device, *options), check=check)

    def move_words(self, name, source, device, *options):
        live = self.definition_for(source, name, device, "--migratable")
        stored = self.definition_for(source, name, device, "--inactive")
        return ["migrate", "--live", "--persistent", "--undefinesource", *options, name,
                self.uri(self.other(source)), "--migrateuri", self.carrier(), "--xml", live,
                "--persistent-xml", stored]

    # ---- guests that use their GPUs ----

    def boot(self, image, name, machine, *devices, seed=7, dirty_mib=0):
        """Defines and starts a VM that fills its framebuffers and reads them back each second; returns
        when it has done so once."""
        machine.define_guest(image, name, arguments=f"cleave.fb={seed} cleave.dirty={dirty_mib}")
        for device in devices:
            machine.attach(name, device)
        machine.virsh("start", name)
        self.wait_for(f"{name} reads its framebuffer", lambda: self.ticks(name))

    def console(self, name):
        return self.share / f"{name}.console"

    def said(self, name, text):
        """The lines of its console with that text; it goes on where the VM goes."""
        return [line for line in console.lines(self.console(name)) if text in line]

    def ticks(self, name):
        """Each time it read its framebuffers: (number, "ok" or what was wrong, checksum)."""
        found = [re.search(r"tick (\d+) fb=(.*) sum=(\w+)", line) for line in self.said(name, " tick ")]
        return [(int(it[1]), it[2], it[3]) for it in found]

    def goes_on(self, name, ticks=2):
        """It lives: it counts on, without a gap, and finds its framebuffers as it left them."""
        n = len(self.ticks(name)) + ticks
        self.wait_for(f"{name} goes on", lambda: len(self.ticks(name)) >= n)
        all_ticks = self.ticks(name)
        assert [tick[0] for tick in all_ticks] == list(range(1, len(all_ticks) + 1)), all_ticks
        assert {tick[1] for tick in all_ticks} == {"ok"}, all_ticks

    # ---- what is where ----

    def holders(self, machine):
        """Devices that an emulator has open: address or mdev UUID → the VM's UUID."""
        found = {}
        for bdf, gpu in machine.gpus().items():
            if gpu.get("opener"):
                found[bdf] = gpu["vm_uuid"]
            for vf in gpu.get("vfs") or []:
                vgpu = vf.get("vgpu")
                if vgpu is not None and vgpu.get("opener"):
                    found[vgpu["uuid"] if vgpu["iommu_group"] else vf["bdf"]] = vgpu["vm_uuid"]
            for vgpu in gpu["mdevs"]:
                if vgpu.get("opener"):
                    found[vgpu["uuid"]] = vgpu["vm_uuid"]
        return found

    def where(self, name):
        """The hosts on which a VM of that name is active."""
        return [machine for machine in self.machines
                if name in machine.virsh("list", "--name").stdout.split()]

    def wait_for(self, what, condition, timeout=30):
        return wait_for(condition, timeout, problem=what)
