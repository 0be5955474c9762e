#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of the simulated host itself. Run inside `cleave-sim run`; prints, never judges."""
import os
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("CLEAVE_BUILD", ROOT / "build"))
RUNS = 11


def wall_ms(*command):
    times = []
    for _ in range(RUNS):
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)


def rss_mib():
    """Of the process that simulates: engine, socket and files."""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (path / "comm").read_text().strip() == "cleave-sim-host":
                lines = (path / "status").read_text().splitlines()
                return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
        except OSError:
            pass
    raise RuntimeError("the simulated host's process is not to be seen")


def main():
    print(f"RSS of the simulated host, 8 GPUs: {rss_mib():.1f} MiB", flush=True)
    subprocess.run([BUILD / "bench/nvml_bench"], check=True)
    smi = BUILD / "clients/nvidia-smi/usr/lib/nvidia/current/nvidia-smi"
    if smi.exists():
        query, start = wall_ms(smi, "-q"), wall_ms(smi, "--help")
        print(f"nvidia-smi -q, 8 GPUs: {query:.1f} ms; the program's start alone (--help): {start:.1f} ms "
              f"(medians of {RUNS}); ratio {query / start:.1f}")
    else:
        print("nvidia-smi is not there (tools/fetch-clients): no figure for -q")
    print(f"RSS afterwards: {rss_mib():.1f} MiB")


main()
