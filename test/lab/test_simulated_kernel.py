# SPDX-License-Identifier: Apache-2.0
"""The simulated kernel gives the answers that a real one gave (kernel.golden)."""
import os
import pathlib
import subprocess

import pytest

from devices import BUILD, GOLDEN, ROOT

HOST = pathlib.Path(__file__).resolve().parent / "host.yaml"
# Start of a line → why the simulation differs there.
DIFFERS = {
    "stat {gpu}/iommu ": "there are IOMMU groups, but no IOMMU that a link could lead to",
}


def test_it_answers_like_a_real_one(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root (namespaces, mounts)")
    done = subprocess.run(
        [BUILD / "sim/cleave-sim", "run", "--host", HOST, "--", BUILD / "test/lab/lab-probe",
         "0000:01:00.0", "nvidia", "0000:02:00.0", "snd_hda_intel", "0000:01:00.0"],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, "CLEAVE_DATADIR": str(ROOT / "data")})
    assert done.returncode == 0, done.stderr
    real = GOLDEN.read_text().splitlines()
    simulated = done.stdout.splitlines()
    assert len(real) == len(simulated)
    differing = [(a, b) for a, b in zip(real, simulated) if a != b]
    unexpected = [f"real:      {a}\nsimulated: {b}" for a, b in differing
                  if not a.startswith(tuple(DIFFERS))]
    assert not unexpected, "\n".join(unexpected)
    for start in DIFFERS:
        assert any(a.startswith(start) for a, _ in differing), f"no longer differs: {start}"
