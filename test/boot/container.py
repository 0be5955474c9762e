# SPDX-License-Identifier: Apache-2.0
"""The same Debian with the same units, in a container of systemd-nspawn: no GPU, but seconds."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

BOOT_S = 300  # nothing depends on how fast it is; this ends what hangs


class Container:
    """Its root stays as it is: what is written goes to a layer in memory."""

    def __init__(self, tree, log):
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "systemd-nspawn", "--quiet", "--register=no",
                 "--keep-unit", "--private-network", "--volatile=overlay", "--console=pipe",
                 "--boot", "-D", tree], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.log = pathlib.Path(log)
        self.leader = None
        try:
            self.leader = self.wait(self.find_leader)
            self.wait(lambda: self.run("systemctl is-system-running --wait", check=False)[1].strip()
                      in ("running", "degraded"))
        except BaseException:
            self.end()
            raise

    def find_leader(self):
        """Process 1 of the container, once it is systemd."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                return int(pid)
        return None

    def wait(self, found):
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end and self.process.poll() is None:
            result = found()
            if result:
                return result
            time.sleep(0.1)
        raise RuntimeError(f"the container did not boot: {self.log.read_text(errors='replace')}")

    def run(self, script, check=True):
        """What it printed; with check=False (status, text)."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.leader), "-m", "-p", "-u", "-i", "-n", "-C", "env", "-i",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
             "bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=BOOT_S)
        assert not check or done.returncode == 0, f"{script}: {done.returncode}: {done.stdout}"
        return done.stdout if check else (done.returncode, done.stdout)

    def until(self, script):
        self.run(f"until {script}; do sleep 0.1; done")

    def end(self):
        """Its processes end with its process 1, and systemd-nspawn, which tidies up, after them."""
        if self.leader is not None:
            os.kill(self.leader, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()


def missing():
    """What keeps a container from starting here, or None."""
    if os.geteuid() != 0:
        return "needs root (systemd-nspawn)"
    if shutil.which("systemd-nspawn") is None:
        return "systemd-nspawn is not installed (package systemd-container)"
    return None
