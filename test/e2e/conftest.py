# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import BUILD, LONG, ROOT, Api, Cleave, stop, wait_for_socket
from machine import Machine
from openapi import OpenApi

HERE = pathlib.Path(__file__).resolve().parent
# What `./check quick` runs: fast tests, each marked with the areas that it touches.
QUICK_TESTS = 20
QUICK_AREAS = {"claim", "plan", "hook", "vm", "gpu", "migration", "restore", "drain"}
WRONG_MARKS = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "quick(area, …): part of `./check quick`, for these areas")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Where the whole folder is run, the marks are counted before any test is left out. Long variants
    of a quick test are none."""
    if HERE not in [pathlib.Path(config.invocation_params.dir, arg).resolve() for arg in config.args]:
        return
    marks = [mark for item in items if LONG.mark not in item.iter_markers()
             for mark in item.iter_markers("quick")]
    areas = {area for mark in marks for area in mark.args}
    if len(marks) != QUICK_TESTS or areas != QUICK_AREAS:
        config.stash[WRONG_MARKS] = (
            f"{len(marks)} tests are marked as quick, and {QUICK_TESTS} are wanted; areas that are "
            f"missing or none: {', '.join(sorted(areas ^ QUICK_AREAS)) or 'none'}")


def pytest_runtest_setup(item):
    if WRONG_MARKS in item.config.stash:
        pytest.fail(item.config.stash[WRONG_MARKS], pytrace=False)


@pytest.fixture(scope="session")
def openapi():
    return OpenApi()


@pytest.fixture(scope="session")
def image():
    """Kernel and initramfs of a guest that says which GPUs it finds."""
    out = BUILD / "guest"
    done = subprocess.run([ROOT / "sim/guest/build-image", out, BUILD], capture_output=True,
                          text=True)
    if done.returncode != 0:
        pytest.skip(f"no guest image: {done.stderr.strip()}")
    return out


@pytest.fixture
def directory():
    """Short enough for the path of a socket, unlike pytest's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def fake(directory, openapi):
    """The API with made-up verbs behind it."""
    path = directory / "s"
    process = subprocess.Popen([BUILD / "test/e2e/api_test_server", path])
    wait_for_socket(path, process)
    api = Api(path, openapi)
    api.process = process
    yield api
    stop(process)
    assert process.returncode == 0, "the server did not end cleanly"


@pytest.fixture
def cleave(fake):
    return Cleave(fake.socket)


class SimulatedHost:
    """cleaved on a simulated host: the production binary, NVML's C ABI, sysfs."""

    def __init__(self, directory, name, openapi, libvirt=False):
        self.options = ["--libvirt"] if libvirt else []
        self.directory = directory
        self.name = name
        self.socket = directory / "s"
        self.api = Api(self.socket, openapi)
        self.cleave = Cleave(self.socket)
        self.process = None

    def start(self):
        log = self.directory / "log"
        with open(log, "w") as out:
            self.process = subprocess.Popen(
                [BUILD / "sim/cleave-sim", "run", "--host", self.name, "--state",
                 self.directory / "hardware", *self.options, "--", BUILD / "src/daemon/cleaved", "--socket",
                 self.socket, "--state-dir", self.directory / "state"],
                stdout=out, stderr=out, env={**os.environ, "CLEAVE_DATADIR": str(ROOT / "data")})
        wait_for_socket(self.socket, self.process, log)
        return self

    def stop(self):
        if self.process is not None:
            process, self.process = self.process, None
            stop(process)
            assert process.returncode == 0, (self.directory / "log").read_text()


@pytest.fixture
def simulated(directory, openapi):
    """simulated("demo") starts cleaved on that host; it ends with the test."""
    if os.geteuid() != 0:
        pytest.skip("needs root (namespaces, mounts)")
    hosts = []

    def start(name, **options):
        hosts.append(SimulatedHost(directory, name, openapi, **options))
        return hosts[-1].start()

    yield start
    for host in hosts:
        host.stop()


@pytest.fixture
def machine(directory, openapi):
    """machine("demo") is a simulated host with libvirt; cleaved starts on it when asked to."""
    if os.geteuid() != 0:
        pytest.skip("needs root (namespaces, mounts)")
    machines = []

    def make(host, **options):
        machines.append(Machine(directory, host, openapi, **options))
        return machines[-1]

    yield make
    for one in machines:
        one.end()
