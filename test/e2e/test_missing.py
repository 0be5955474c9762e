# SPDX-License-Identifier: Apache-2.0
"""What is missing is said in a line, with what still works; what is in the way stays unharmed."""
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import BUILD, ROOT, Cleave, stop, wait_for, wait_for_socket

CLEAVED = BUILD / "src/daemon/cleaved"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
L40S = "0000:81:00.0"


def refused(*words, status, **options):
    """Starts cleaved, which must not start; returns what it says, the last line first."""
    env = {**os.environ, "CLEAVE_DATADIR": str(ROOT / "data"), **options.pop("env", {})}
    done = subprocess.run([CLEAVED, *map(str, words)], capture_output=True, text=True, timeout=20,
                          env=env, **options)
    assert done.returncode == status, done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("cleaved: error: ") and done.stdout == ""
    assert sum("error: " in line for line in lines) == 1
    return lines[-1]


@pytest.fixture
def bare(directory):
    """cleaved on this machine, where nothing is simulated."""
    log = directory / "log"
    with open(log, "w") as out:
        process = subprocess.Popen([CLEAVED, "--socket", directory / "s", "--state-dir",
                                    directory / "state", "--libvirt-uri",
                                    f"qemu+unix:///system?socket={directory}/none"],
                                   stdout=out, stderr=out,
                                   env={**os.environ, "CLEAVE_DATADIR": str(ROOT / "data")})
    wait_for_socket(directory / "s", process, log)
    cleave = Cleave(directory / "s")
    cleave.log = log
    yield cleave
    stop(process)
    assert process.returncode == 0


@pytest.mark.skipif(pathlib.Path("/dev/nvidiactl").exists(), reason="this machine has a GPU")
def test_without_nvml_and_libvirt_it_says_so_and_serves(bare):
    shown = bare.run("host", "show").stdout
    missing = [line for line in shown.splitlines() if line.startswith("Missing: ")]
    assert len(missing) == 2
    assert "libnvidia-ml.so.1" in missing[0] and "only pass-through works" in missing[0]
    assert "libvirt" in missing[1] and "claims without a VM work" in missing[1]
    said = bare.log.read_text().splitlines()
    assert sum("libnvidia-ml" in line for line in said) == 1, said
    assert bare.run("gpu", "list").stdout == "no GPUs\n"
    assert bare.run("claim", "list").stdout == "no claims\n"
    done = bare.run("vm", "list")
    assert done.returncode == 11 and done.stderr.count("\n") == 1
    done = bare.run("claim", "create", "a", "--type", "L40S-8Q")
    assert done.returncode == 3 and done.stderr == "cleave: this host has no NVIDIA GPU\n"


def test_without_nvml_a_gpu_is_passed_through_all_the_same(machine):
    host = machine("l40s-x2")
    host.define("v1")
    host.sh("for lib in $(ls /usr/lib/*/libnvidia-ml.so.1); do mount --bind /dev/null $lib; done")
    host.start()
    assert host.api.get("/v1/host")["nvmlProblem"]
    assert len(host.api.get("/v1/gpus")["gpus"]) == 2
    status, problem, _ = host.api.call("POST", "/v1/claims", {"name": "a", "type": "L40S-8Q"})
    assert status >= 400 and problem["detail"], problem
    host.create("p", mode="passthrough", vm="v1")
    assert host.api.call("POST", "/v1/vms/v1/start")[0] == 200
    host.virsh("destroy", "v1")
    host.delete("p")


def test_without_libvirt_claims_without_a_vm_work(machine):
    host = machine("demo", libvirt=False).start()
    host.create("a", type="L40S-8Q")
    host.create("b", mode="passthrough")
    for words in (["claim", "create", "c", "--type", "L40S-8Q", "--vm", "v"], ["vm", "list"],
                  ["vm", "start", "v"], ["vm", "stop", "v"], ["vm", "delete", "v"]):
        done = host.cleave.run(*words)
        assert done.returncode == 11 and "does not answer" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) <= 2
    host.delete("a")
    host.delete("b")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
def test_a_cleaved_that_is_not_root_shows_and_refuses_to_change(machine):
    host = machine("demo", libvirt=False)
    host.directory.chmod(0o777)
    host.start(wrap=NOBODY)
    assert len(host.api.get("/v1/gpus")["gpus"]) == 4
    assert "cleave can't change GPUs" in host.cleave.run("host", "show").stdout
    for claim in ({"type": "L40S-8Q"}, {"mode": "passthrough"}, {"type": "A100-2-10C"}):
        status, problem, _ = host.api.call("POST", "/v1/claims", {"name": "a", **claim})
        assert (status, problem["reason"]) == (403, "permission-denied") and problem["hint"]
    done = host.cleave.run("claim", "create", "a", "--mode", "passthrough")
    assert done.returncode == 10 and "drivers_probe" in done.stderr
    assert host.api.get("/v1/claims")["claims"] == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root")
def test_who_may_not_use_the_socket_is_reported(bare, directory):
    directory.chmod(0o755)
    done = subprocess.run([*NOBODY, BUILD / "src/cli/cleave", "--socket", bare.socket, "gpu", "list"],
                          capture_output=True, text=True, cwd="/")
    if "failed to execute" in done.stderr:
        pytest.skip("the build folder is not for everyone")
    assert done.returncode == 10 and done.stdout == ""
    assert "no permission" in done.stderr and "hint: use sudo" in done.stderr


def test_a_state_directory_and_a_socket_have_one_cleaved(bare, directory):
    assert "another cleaved uses the state directory" in refused(
        "--socket", directory / "s2", "--state-dir", directory / "state", status=4)
    assert "another process serves" in refused(
        "--socket", directory / "s", "--state-dir", directory / "state2", status=4)
    assert bare.run("claim", "list").returncode == 0


def test_what_stands_where_the_socket_should_is_left_alone(directory):
    precious = directory / "precious"
    precious.write_text("data")
    assert "not a socket" in refused("--socket", precious, "--state-dir", directory / "state", status=4)
    assert precious.read_text() == "data"
    assert "1 to 107 bytes" in refused("--socket", directory / ("x" * 120), "--state-dir",
                                       directory / "state", status=2)
    assert refused("--socket", "/proc/none/s", "--state-dir", directory / "state", status=3)


def test_a_database_that_cannot_be_read_is_left_as_it_is(directory):
    state = directory / "state"
    state.mkdir()
    database = state / "cleave.db"
    words = ("--socket", directory / "s", "--state-dir", state)
    for content in (os.urandom(100), b"SQLite format 3\0" + os.urandom(8176)):
        database.write_bytes(content)
        said = refused(*words, status=11)
        assert str(database) in said and "backup" in said
        assert database.read_bytes() == content


def test_missing_data_and_bad_settings_are_named(directory):
    words = ("--socket", directory / "s", "--state-dir", directory / "state")
    assert "catalog" in refused(*words, status=3, env={"CLEAVE_DATADIR": "/nonexistent"})
    assert "nogroup-x" in refused(*words, "--socket-group", "nogroup-x", status=3)
    assert "127.0.0.1:8080" in refused(*words, "--listen", "foo", status=2)
    assert "--state-dir?" in refused("--state-dri", "x", status=2)
    config = directory / "config.yaml"
    config.write_text("socket: x\nstateDir: [\n")
    assert "config.yaml:" in refused("--config", config, status=2)


@pytest.fixture
def small(machine, directory):
    """A host whose state directory is a disk of 1 MiB, seen inside and here."""
    host = machine("demo", libvirt=False)
    host.sh(f"mkdir {host.state_dir}; mount -t tmpfs -o size=1m,mode=700 tmpfs {host.state_dir}")
    return host


def fill(host):
    host.sh(f"dd if=/dev/zero of={host.state_dir}/full bs=4k 2>/dev/null || true")


def test_a_full_disk_refuses_changes_and_loses_nothing(small):
    host = small.start()
    host.create("a", type="L40S-8Q", gpu=L40S)
    fill(host)
    before = host.gpus()
    for _ in range(3):
        done = host.cleave.run("claim", "create", "b", "--type", "L40S-8Q")
        assert done.returncode == 11 and "full" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 2
    done = host.cleave.run("claim", "delete", "a")
    assert done.returncode == 11, done.stderr
    assert host.gpus() == before
    assert [claim["name"] for claim in host.api.get("/v1/claims")["claims"]] == ["a"]
    assert host.cleave.run("gpu", "list").returncode == 0
    host.kill()
    host.start()  # no room to write, and none needed
    assert [claim["state"] for claim in host.api.get("/v1/claims")["claims"]] == ["bound"]
    host.sh(f"rm {host.state_dir}/full")
    host.create("b", type="L40S-8Q", gpu=L40S)
    assert host.problems() == []


def store_problems(host):
    return [problem["text"] for problem in host.api.get("/v1/health")["problems"] if problem["what"] == "store"]


def test_a_start_on_a_full_disk_reads_and_stores_again_once_there_is_room(small):
    host = small.start("--observe-period", "1")
    host.create("a", type="L40S-8Q", gpu=L40S)
    host.stop()
    fill(host)
    host.start("--observe-period", "1")
    assert [claim["state"] for claim in host.api.get("/v1/claims")["claims"]] == ["bound"]
    assert store_problems(host)
    done = host.cleave.run("claim", "create", "b", "--type", "L40S-8Q")
    assert done.returncode == 11 and "state directory" in done.stderr, done.stderr
    host.sh(f"rm {host.state_dir}/full")
    wait_for(lambda: not store_problems(host))
    host.create("b", type="L40S-8Q", gpu=L40S)
    assert host.problems() == []


def test_a_journal_that_is_lost_refuses_the_start(machine):
    host = machine("demo", libvirt=False).start()
    host.create("a", type="L40S-8Q", gpu=L40S)
    host.kill()
    journal = host.state_dir / "cleave.db-wal"
    kept = journal.read_bytes()
    journal.unlink()
    host.start(wait=False)
    assert host.cleaved.wait(timeout=20) == 4
    said = host.log.read_text()
    assert f"{journal}, is lost" in said and "cleave.db-count" in said
    journal.write_bytes(kept)
    host.start()
    assert [claim["state"] for claim in host.api.get("/v1/claims")["claims"]] == ["bound"]
    assert host.problems() == []


def test_files_that_are_cut_while_cleaved_runs_lose_nothing(machine):
    host = machine("demo", libvirt=False).start()
    host.create("a", type="L40S-8Q", gpu=L40S)
    os.truncate(host.state_dir / "cleave.db-shm", 0)  # mapped: the kernel ends cleaved
    host.cleave.run("claim", "create", "b", "--type", "L40S-8Q")
    assert host.cleaved.wait(timeout=20) != 0
    assert "cleave.db-shm" in host.log.read_text()
    host.start()
    assert "bound" in [claim["state"] for claim in host.api.get("/v1/claims")["claims"] if claim["name"] == "a"]
    host.create("c", type="L40S-8Q", gpu=L40S)
    os.truncate(host.state_dir / "cleave.db-wal", 100)
    done = host.cleave.run("claim", "create", "d", "--type", "L40S-8Q")
    assert done.returncode == 11 and "was cut" in done.stderr, done.stderr
    assert host.problems() == []


def test_a_disk_that_fills_up_in_the_middle_of_a_plan_undoes_it(small):
    host = small.start()
    host.ctl("fault", "add", "at=sriov-manage", "hang=true", "count=1")
    status, change, _ = host.api.call("POST", "/v1/claims", {"name": "a", "type": "L40S-8Q"})
    assert status == 202
    wait_for(lambda: host.ctl("fault", "list")["faults"][0]["struck"] == 1)
    fill(host)
    host.ctl("fault", "clear")
    wait_for(lambda: "is full" in host.log.read_text())
    host.sh(f"rm {host.state_dir}/full")
    plan = host.api.wait_plan(change)
    assert plan["state"] in ("done", "undone")
    assert host.problems() == []
