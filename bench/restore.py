#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a host with claims takes to be restored after a reboot. Run inside `cleave-sim run` on
six L40S, two A100 and two RTX PRO 6000; prints, never judges. Next to each time stands the part spent
inside the simulated driver, and how long the first creation of the same claims took in this run."""
import json
import pathlib
import subprocess
import tempfile
import time

from daemon import BUILD, running

OPTIONS = "--observe-period", "0", "--restore-timeout", "0"


def claims(**counts):
    """So many of each kind."""
    kinds = {
        "sliced": {"type": "L40S-2Q"},
        "mixed": {"type": "L40S-4Q", "mixed": True},
        "whole": {"mode": "passthrough", "gpu": "l40s"},
        "mig": {"type": "A100-1-5C"},
        "bare": {"mode": "gpu-instance", "profile": "1g.5gb", "gpu": "a100-pcie-40gb"},
        "shared": {"mode": "time-sliced-mig-backed", "type": "DC-1-8C"},
    }
    return [{"name": f"{kind}{i}", **kinds[kind]} for kind, n in counts.items() for i in range(n)]


SETS = {12: claims(sliced=3, mixed=2, whole=1, mig=2, bare=1, shared=3),
        100: claims(sliced=66, mixed=6, whole=1, mig=6, bare=1, shared=20)}


def ctl(*words):
    done = subprocess.run([BUILD / "sim/cleave-sim", "ctl", *words], capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout)


def timed(directory, *words):
    """Seconds, and those of them inside the simulated driver."""
    busy, began = ctl("status")["host"]["busy_us"], time.monotonic()
    subprocess.run([BUILD / "src/cli/cleave", "--socket", directory / "s", *words],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    took = time.monotonic() - began
    return took, (ctl("status")["host"]["busy_us"] - busy) / 1e6


def measure(wanted):
    with tempfile.TemporaryDirectory(prefix="cleave-") as name:
        directory = pathlib.Path(name)
        site = directory / "site.json"
        site.write_text(json.dumps({"site": "bench", "claims": wanted}))
        with running(directory, *OPTIONS):
            created, _ = timed(directory, "apply", "-f", site, "--yes")
        ctl("reboot")
        with running(directory, *OPTIONS):
            restored, driver = timed(directory, "host", "restore")
            again, _ = timed(directory, "host", "restore")
        ctl("reboot")
    return created, restored, driver, again


def main():
    for n, wanted in SETS.items():
        assert len(wanted) == n
        created, restored, driver, again = measure(wanted)
        print(f"restoring {n} claims after a reboot: {restored:.2f} s, {driver:.2f} s of it inside the "
              f"simulated driver; first creation of the same claims: {created:.2f} s "
              f"(ratio {restored / created:.2f}); with nothing to do: {again:.2f} s", flush=True)


main()
