# SPDX-License-Identifier: Apache-2.0
"""Client configuration tokens: into a disc, into a cloud-init fragment, and nowhere else. Every mode
of each command, and every way in which it fails, is run with a token that has a mark, and everything
that the command leaves is searched for the mark."""
import base64
import json
import os
import pathlib
import pty
import resource
import signal
import subprocess
import time

import pytest
import yaml

from harness import BUILD, ROOT, wait_for, with_libvirt

CLEAVE = BUILD / "src/cli/cleave"
MARK = b"qVerySecretMark9"  # letters of base64url
L40S = "0000:81:00.0"
YEAR_S = 365 * 24 * 3600
EXPIRES = int(time.time()) + YEAR_S

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root (mounts)")


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def token(expires=None, header=None, sign=True):
    claims = {"iss": "NLS Service Instance", "jti": MARK.decode(), "filler": "x" * 2000,
              "exp": EXPIRES if expires is None else expires}
    text = part(header or {"alg": "RS256", "typ": "JWT"}) + b"." + part(claims)
    return text + b"." + MARK * 20 if sign else text


# A mark in the claims is seen by its encoding, whichever of three ways it falls into.
MARKS = [MARK] + [base64.b64encode(b"x" * shift + MARK)[4:-4] for shift in range(3)]


def assert_unmarked(what, data):
    for mark in MARKS:
        assert mark not in data, f"{what} has the token"


class Place:
    """A folder for the command, with a folder of its own for temporary files."""

    def __init__(self, path):
        self.path = path
        self.tmp = path / "tmp"
        self.tmp.mkdir()

    def file(self, name, content):
        (self.path / name).write_bytes(content)
        return name

    def run(self, *words, status=0, **options):
        env = {"PATH": os.environ["PATH"], "CLEAVE_DATADIR": str(ROOT / "data"),
               "TMPDIR": str(self.tmp), "CLEAVE_SOCKET": str(self.path / "none.sock"),
               **options.pop("env", {})}
        done = subprocess.run([CLEAVE, *words], cwd=self.path, env=env, capture_output=True,
                              timeout=30, check=False, **options)
        assert_unmarked(f"output of {words}", done.stdout + done.stderr)
        assert done.returncode in (status if isinstance(status, tuple) else (status,)), (words, done.returncode, done.stdout, done.stderr)
        return done

    def check(self, *meant):
        """Nothing below has a mark, but those files."""
        for path in self.path.rglob("*"):
            if path.is_file() and path.name not in meant:
                assert_unmarked(path, path.read_bytes())


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


MODES = [(), ("-v",), ("-o", "json"), ("-o", "yaml")]
COMMANDS = {
    "check": ("licence", "token", "{token}"),
    "iso": ("licence", "iso", "{token}", "-O", "out"),
    "windows": ("licence", "iso", "{token}", "-O", "out", "--guest", "windows", "--product", "vApps"),
    "seed": ("licence", "iso", "{token}", "-O", "out", "--seed", "--product", "vWS"),
    "cloud-init": ("licence", "cloud-init", "{token}", "-O", "out"),
}
BAD = {
    "expired": (token(expires=1_500_000_000), b"expired on 2017-07-14"),
    "unsigned": (token(sign=False), b"three parts"),
    "another file": (b"{\"" + MARK + b"\": 1}", b"three parts"),
    "cut off": (token()[:60], b"three parts"),
    "broken claims": (token().replace(b".", b".!", 1), b"no claims"),
    "no algorithm": (token(header={"typ": MARK.decode()}), b"algorithm"),
    "none": (token(header={"alg": "none"}), b"algorithm"),
    "too long": (token() + MARK * 10000, b"64 KiB"),
    "binary": (MARK + bytes(range(256)), b"no client configuration token"),
    "empty": (b"\n", b"empty"),
}


def words_of(command, name):
    return [word.format(token=name) for word in COMMANDS[command]]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_good_token_gets_into_the_file_and_nowhere_else(place, command):
    name = place.file("good.tok", token() + b"\n")
    for mode in MODES:
        done = place.run(*words_of(command, name), *mode)
        assert time.strftime("%Y", time.gmtime(EXPIRES)).encode() in done.stdout
        out = place.path / "out"
        assert out.exists() == (command != "check")
        if out.exists():
            assert out.stat().st_mode & 0o777 == 0o600
            assert token() in out.read_bytes()
        place.check(name, "out")
        out.unlink(missing_ok=True)
    with open(place.path / name, "rb") as pipe:
        place.run(*words_of(command, "-"), stdin=pipe)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_token_is_refused_without_a_word_of_it(place, command, bad):
    content, why = BAD[bad]
    name = place.file("bad.tok", content)
    for mode in MODES:
        assert why in place.run(*words_of(command, name), *mode, status=2).stderr
    with open(place.path / name, "rb") as pipe:
        place.run(*words_of(command, "-"), stdin=pipe, status=2)
    place.check(name)
    assert not (place.path / "out").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_token_for_the_name_of_its_file_is_not_repeated(place, command):
    for text in (token(), token()[:200]):
        done = place.run(*words_of(command, text.decode()), status=2)
        assert b"name of the token's file" in done.stderr


def test_a_token_of_later_is_shown_with_both_its_dates(place):
    claims = part({"nbf": EXPIRES, "exp": EXPIRES + YEAR_S})
    place.file("later.tok", b".".join([part({"alg": "RS256"}), claims, b"AAAA"]))
    said = place.run("licence", "token", "later.tok").stdout.decode()
    day, end = (time.strftime("%Y-%m-%d", time.gmtime(s)) for s in (EXPIRES, EXPIRES + YEAR_S))
    assert f"from {day} until {end}" in said


def test_the_name_of_a_file_turns_no_terminal(place):
    place.file("good.tok", token())
    name = "x\x1b[31m\n\u202eosi.iso"
    assert place.run("licence", "iso", "good.tok", "-O", name).stdout.startswith(b"x?[31m ?osi.iso: ")
    assert (place.path / name).exists()


@pytest.mark.parametrize("command", ["iso", "seed", "cloud-init"])
def test_a_file_that_is_there_stays_without_force(place, command):
    name = place.file("good.tok", token())
    place.file("out", b"kept")
    place.run(*words_of(command, name), status=4)
    assert (place.path / "out").read_bytes() == b"kept"
    place.run(*words_of(command, name), "--force")
    assert token() in (place.path / "out").read_bytes()
    place.file("target", b"kept")
    (place.path / "out").unlink()
    (place.path / "out").symlink_to("target")
    for force in ((), ("--force",)):
        place.run(*words_of(command, name), *force, status=4)
    assert (place.path / "target").read_bytes() == b"kept"
    place.check(name)


@pytest.mark.parametrize("command", ["iso", "seed", "cloud-init"])
def test_a_write_that_fails_leaves_nothing(place, command):
    name = place.file("good.tok", token())
    words = words_of(command, name)
    done = place.run(*words, status=(2, 70), preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (1024, 1024)))
    assert b"out" in done.stderr or b"ISO image" in done.stderr
    place.run(*["missing/out" if word == "out" else word for word in words], status=3)
    place.check(name)
    assert sorted(p.name for p in place.path.iterdir()) == [name, "tmp"]


@pytest.mark.parametrize("command", ["iso", "seed"])
def test_a_disc_without_a_folder_for_temporary_files_is_not_made(place, command):
    name = place.file("good.tok", token())
    done = place.run(*words_of(command, name), status=70, env={"TMPDIR": "/nowhere"})
    assert b"can't be made" in done.stderr
    place.check(name)
    assert not (place.path / "out").exists()


@needs_root
@pytest.mark.parametrize("command", ["iso", "cloud-init"])
def test_a_full_disk_leaves_nothing(place, command):
    name = place.file("good.tok", token())
    full = place.path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=8", "none", full], check=True)
    try:
        (full / "other").write_bytes(b"x" * 4096)
        done = place.run(*words_of(command, name)[:-1], "full/out", status=8)
        assert b"No space left" in done.stderr
        assert [path.name for path in full.iterdir()] == ["other"]
        place.check(name)
    finally:
        subprocess.run(["umount", full], check=True)


def test_a_terminal_is_not_asked_for_a_token(place):
    master, slave = pty.openpty()
    try:
        done = place.run("licence", "token", "-", stdin=slave, status=2)
        assert b"a terminal would show" in done.stderr
    finally:
        os.close(master)
        os.close(slave)


def test_a_crash_leaves_no_core_with_the_token(place):
    """The command has read most of a token, and waits for the rest."""
    def limit():
        resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
    ours = subprocess.Popen([CLEAVE, "licence", "token", "-"], cwd=place.path, preexec_fn=limit,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ours.stdin.write(token()[:-10])
    ours.stdin.flush()
    status = pathlib.Path(f"/proc/{ours.pid}/limits")
    wait_for(lambda: "Max core file size        0" in status.read_text())
    os.kill(ours.pid, signal.SIGQUIT)
    _, code = os.waitpid(ours.pid, 0)
    assert os.WIFSIGNALED(code) and not os.WCOREDUMP(code)
    assert_unmarked("its output", ours.stdout.read() + ours.stderr.read())
    place.check()


def test_the_fragment_is_a_cloud_config(place):
    name = place.file("good.tok", token())
    place.run("licence", "cloud-init", name, "-O", "out", "--product", "vws")
    text = (place.path / "out").read_text()
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    file, = config["write_files"]
    assert file["content"].encode() == token() and file["permissions"] == "0744"
    assert file["path"].startswith("/etc/nvidia/ClientConfigToken/") and file["path"].endswith(".tok")
    script, = config["runcmd"]
    assert script[:2] == ["sh", "-c"] and "FeatureType=2" in script[2]
    subprocess.run(["sh", "-n", "-c", script[2]], check=True)


BAD_OPTIONS = [
    (("iso", "{token}", "-O", "-"), b"takes a file"), (("cloud-init", "{token}", "-O", "-"), b"takes a file"),
    (("iso", "{token}", "-O", "{token}", "--force"), b"the token itself"),
    (("cloud-init", "{token}", "-O", "./{token}", "--force"), b"the token itself"),
    (("iso", "{token}"), b"-O FILE"), (("cloud-init", "{token}"), b"-O FILE"),
    (("iso", "{token}", "-O", "out", "--guest", "beos"), b"linux or windows"),
    (("iso", "{token}", "-O", "out", "--product", "vPC"), b"leave it out for a vGPU"),
    (("iso", "{token}", "-O", "out", "--product", "vApps"), b"Windows guests"),
    (("iso", "{token}", "-O", "out", "--seed", "--guest", "windows"), b"for Linux guests"),
]


@pytest.mark.parametrize("words, why", BAD_OPTIONS)
def test_options_that_do_not_fit_are_refused(place, words, why):
    name = place.file("good.tok", token())
    done = place.run("licence", *[word.format(token=name) for word in words], status=2)
    assert why in done.stderr
    assert not (place.path / "out").exists()


@needs_root
@with_libvirt
def test_a_vm_with_the_disc_is_licensed(machine, place):
    """The disc is a CD-ROM of the VM; no file of the host's, log or database has the token."""
    host = machine("demo")
    host.define("vm1")
    host.start("--observe-period", "1")
    host.create("c1", vm="vm1", type="L40S-8Q", gpu=L40S)
    name = place.file("good.tok", token())
    place.run("licence", "iso", name, "-O", "disc.iso")
    host.virsh("attach-disk", "vm1", place.path / "disc.iso", "sdf", "--type", "cdrom", "--mode",
               "readonly", "--targetbus", "sata", "--config")  # as docs/howto/licence-token.md says
    assert host.cleave.run("vm", "start", "vm1").returncode == 0
    wait_for(lambda: (host.api.get("/v1/claims/c1")["licence"] or {}).get("state") == "licensed")
    assert host.api.get("/v1/claims/c1")["licence"]["expiry"] == "valid"
    host.virsh("change-media", "vm1", "sdf", "--eject")
    for path in ("/v1/events", "/v1/vms", "/v1/claims", "/v1/plans"):
        assert_unmarked(path, json.dumps(host.api.get(path)).encode())
