#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of cleaved on a simulated host. Run inside `cleave-sim run`; prints, never judges.

Each time stands next to an anchor of the same run: the part spent inside the simulated driver, or
NVIDIA's own tool doing the like.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from daemon import BUILD, running

RUNS = 7


class Host:
    def __init__(self, directory, daemon):
        self.dir = directory
        self.socket = self.dir / "s"
        self.daemon = daemon

    def cleave(self, *words):
        return subprocess.run([BUILD / "src/cli/cleave", "--socket", self.socket, *words],
                              capture_output=True, text=True, check=True).stdout

    def rss_kib(self):
        for line in open(f"/proc/{self.daemon.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        raise RuntimeError("no VmRSS")

    def apply(self, name, claims):
        path = self.dir / f"{name}.json"
        path.write_text(json.dumps({"site": name, "claims": claims}))
        self.cleave("apply", "-f", str(path), "--yes")
        return json.loads(self.cleave("plan", "list", "-o", "json"))["plans"][0]


def driver_busy_us():
    status = subprocess.run([BUILD / "sim/cleave-sim", "ctl", "status"], capture_output=True,
                            text=True, check=True)
    return json.loads(status.stdout)["host"]["busy_us"]


def wall_ms(command):
    times = []
    for _ in range(RUNS):
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def twelve_claims(host):
    idle = host.rss_kib()
    busy = driver_busy_us()
    began = time.monotonic()
    host.apply("twelve", [{"name": f"c{i}", "type": "DC-1-8C"} for i in range(12)])
    total = (time.monotonic() - began) * 1000
    inside = (driver_busy_us() - busy) / 1000
    print(f"twelve claims, request to bound: {total:.0f} ms, of which {inside:.0f} ms inside the "
          f"simulated driver ({inside / total:.0%}); cleave and the kernel: {total - inside:.0f} ms")
    print(f"RSS of cleaved: {idle / 1024:.1f} MiB idle, {host.rss_kib() / 1024:.1f} MiB with 12 claims")


def gpu_list(host):
    mine = wall_ms([BUILD / "src/cli/cleave", "--socket", host.socket, "gpu", "list"])
    fetched = sorted(BUILD.glob("clients/nvidia-smi/usr/lib/nvidia/current/nvidia-smi"))
    smi = fetched[0] if fetched else shutil.which("nvidia-smi")
    if smi is None:
        print(f"cleave gpu list: {mine:.1f} ms (median of {RUNS}); nvidia-smi is not installed: no anchor")
        return
    theirs = wall_ms([smi, "-L"])
    print(f"cleave gpu list: {mine:.1f} ms, nvidia-smi -L: {theirs:.1f} ms on the same host "
          f"(medians of {RUNS}): ratio {mine / theirs:.2f}")


def layouts(host):
    kinds = [["A100-2-10C"] * 3, ["A100-3-20C"] * 2, ["A100-4-20C", "A100-2-10C", "A100-1-5C"],
             ["A100-2-10C"] * 3]
    destroyed = everything = before = 0
    for number, types in enumerate(kinds):
        plan = host.apply("a100", [{"name": f"l{number}-{i}", "type": kind}
                                   for i, kind in enumerate(types)])
        destroyed += sum(1 for i in plan["instances"] if i["what"] == "destroyed")
        everything += before
        before = len(types)
    print(f"A100 through three layouts and back to the first: {destroyed} instances destroyed; "
          f"destroying everything at each change: {everything}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="+", choices=["claims", "list", "layouts"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        with running(directory) as daemon:
            for what in args.what:
                {"claims": twelve_claims, "list": gpu_list, "layouts": layouts}[what](
                    Host(directory, daemon))


main()
