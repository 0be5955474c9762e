# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import BUILD, Api, Cleave, stop, wait_for_socket
from openapi import OpenApi


@pytest.fixture(scope="session")
def openapi():
    return OpenApi()


@pytest.fixture
def directory():
    """Short enough for the path of a socket, unlike pytest's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="cleave-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def fake(directory, openapi):
    """The API with a made-up manager behind it."""
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
