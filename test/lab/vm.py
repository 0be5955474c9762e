# SPDX-License-Identifier: Apache-2.0
"""A VM with Debian's kernel and real PCI devices, emulated; the machine's own files are its root."""
import lzma
import os
import pathlib
import re
import socket
import subprocess
import time

BOOT_S = 900  # nothing depends on how fast it is; this ends what hangs


def depends(module):
    """Names of the modules that one needs, from its .modinfo section."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.decode() for name in found.group(1).split(b",") if name] if found else []


class Kernel:
    """A kernel package, unpacked."""

    def __init__(self, folder):
        self.image = next(pathlib.Path(folder).glob("boot/vmlinuz-*"))
        self.release = self.image.name.removeprefix("vmlinuz-")
        modules = next(pathlib.Path(folder).glob("**/lib/modules/*"))
        self.files = {path.name.split(".ko")[0].replace("-", "_"): path
                      for path in modules.glob("kernel/**/*.ko*")}

    def modules(self, wanted):
        """(name, bytes) of those modules and all that they need, in load order."""
        loaded = {}

        def add(name):
            name = name.replace("-", "_")
            if name in loaded or name not in self.files:
                assert name in loaded or name not in wanted, f"no module {name}"
                return  # built in
            path = self.files[name]
            data = path.read_bytes()
            data = lzma.decompress(data) if path.suffix == ".xz" else data
            loaded[name] = None  # cycles there are none
            for other in depends(data):
                add(other)
            del loaded[name]
            loaded[name] = data

        for name in wanted:
            add(name)
        return list(loaded.items())


def newc(members):
    """An initial file system: (name, mode, bytes) each, in cpio's "newc" form."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*members, ("TRAILER!!!", 0, b"")], 1):
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields)
        out += name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += data
        out += bytes(-len(out) % 4)
    return bytes(out)


def initramfs(init, kernel, modules):
    files = [(f"m/{name}.ko", 0o100644, data) for name, data in kernel.modules(modules)]
    order = "".join(f"/{name}\n" for name, _, _ in files)
    return newc([("dev", 0o040755, b""), ("m", 0o040755, b""), *files,
                 ("modules", 0o100644, order.encode()),
                 ("init", 0o100755, pathlib.Path(init).read_bytes())])


class Vm:
    """`run` gives a script to the VM's shell; everything else is QEMU's command line."""
    # The machine's folders are on several devices: 9p keeps their inode numbers apart.
    ROOT = ["-no-reboot", "-m", "1024",
            "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=root,mount_tag=root"]

    def __init__(self, directory, kernel, init, modules, devices, root=ROOT, accel="tcg"):
        self.directory = pathlib.Path(directory)
        self.console = self.directory / "console"
        started = time.monotonic()
        (self.directory / "initramfs").write_bytes(initramfs(init, kernel, modules))
        (self.directory / "port").unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.directory / "port"))
        server.listen()
        with open(self.directory / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(self.command(kernel, accel) + root + devices,
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        server.settimeout(BOOT_S)
        try:
            self.port, _ = server.accept()
            self.run("true", timeout=BOOT_S)
        except BaseException:
            self.process.kill()
            raise
        finally:
            server.close()
        self.boot_s = time.monotonic() - started

    def command(self, kernel, accel):
        # Messages of interrupts pass the IOMMU's remapping, which VFIO insists on.
        return ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults",
                "-no-user-config", "-display", "none", "-accel", accel, "-cpu", "max",
                "-machine", "q35,kernel-irqchip=split",
                "-device", "intel-iommu,intremap=on,caching-mode=on",
                "-kernel", kernel.image, "-initrd", self.directory / "initramfs",
                "-append", "console=ttyS0 quiet panic=-1 intel_iommu=on no_timer_check",
                "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console",
                "-chardev", f"socket,id=port,path={self.directory}/port",
                "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port"]

    def receive(self, length):
        data = b""
        while len(data) < length:
            part = self.port.recv(length - len(data))
            if not part:
                said = self.console.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the VM ended: {said}")
            data += part
        return data

    def run(self, script, check=True, timeout=600):
        """What it printed; with check=False (status, text)."""
        data = script.encode()
        self.port.settimeout(timeout + 30)
        self.port.sendall(b"%d %d\n" % (timeout, len(data)) + data)
        head = b""
        while not head.endswith(b"\n"):
            head += self.receive(1)
        status, length = map(int, head.split())
        text = self.receive(length).decode(errors="replace")
        assert not check or status == 0, f"{script}: exit {status}: {text}"
        return text if check else (status, text)

    def end(self):
        self.port.close()
        self.process.kill()
        self.process.wait()
