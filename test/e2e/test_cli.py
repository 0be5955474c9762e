# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints (golden files), its exit statuses, its errors.

CLEAVE_GOLDEN=write regenerates test/golden/cli."""
import fcntl
import getpass
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import tempfile
import termios

import pytest

from harness import BUILD, ROOT, Cleave

GOLDEN = ROOT / "test/golden/cli"
PLAN = "7d0f3c1e-0000-4000-8000-000000000001"
OPERATION = "7d0f3c1e-0000-4000-8000-0000000000d1"


def compare(name, text):
    text = re.sub(rf"\b{re.escape(getpass.getuser())}\b", "root", text)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("CLEAVE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("line", [
    "host show", "gpu list", "gpu show 0", "gpu show 1", "profile list", "profile list --gpu 0",
    "claim list", "plan list", "operation list", f"operation show {OPERATION}",
    f"operation cancel {OPERATION} --dry-run", "vm list", "vm show web1",
    "event list", "vm list -o name --sort=-vm", "gpu list --no-headers", "event list --after 1 --limit 1",
    "rule list", "rule show mig-vgpu-not-for-windows-on-h100", "host show -o json", "host show -o yaml", "gpu show 1 -o yaml",
    "advise --memory 8G --graphics", "advise --memory 8G -o json", "advise --board a100-pcie-40gb --memory 9G --predictable",
    "advise --board l40s --model llama-3.1-8b --concurrency 16", "advise --board rtx-pro-6000-blackwell-se --memory 1G --graphics --licences vPC",
    "claim create a --type DC-1-8C --dry-run", "vm start web1", "vm stop web1 --dry-run",
])
def test_output_is_golden(cleave, line):
    done = cleave.run(*line.split())
    assert done.returncode == 0 and done.stderr == ""
    compare(re.sub(r"[^a-z0-9]+", "-", line).strip("-"), done.stdout)


@pytest.mark.parametrize("line", ["--help", "claim --help", "claim create --help", "apply --help",
                                  "gpu list --help", "event list --help", "--generate-man",
                                  "--generate-completion bash", "--generate-completion fish",
                                  "--generate-completion zsh"])
def test_what_the_table_of_commands_makes_is_golden(cleave, line):
    """All of it in one file, the one that changes with each command."""
    path = GOLDEN / "commands.txt"
    parts = re.split(r"^\$ cleave (.*)\n", path.read_text(), flags=re.M)[1:] if path.exists() else []
    golden = dict(zip(parts[::2], parts[1::2]))
    done = cleave.run(*line.split())
    assert done.returncode == 0 and done.stderr == ""
    if os.environ.get("CLEAVE_GOLDEN") == "write":
        golden[line] = done.stdout
        path.write_text("".join(f"$ cleave {key}\n{text}" for key, text in golden.items()))
    assert done.stdout == golden[line]


def test_the_readme_and_the_help_have_the_same_exit_statuses(cleave):
    page = re.findall(r"^\| (\d+) \| ", (ROOT / "README.md").read_text(), flags=re.M)
    shown = cleave.run("--help").stdout.split("exit status:\n")[1]
    assert page == re.findall(r"^  (\d+)  ", shown, flags=re.M)


def test_without_a_utf8_locale_pictures_are_ascii(cleave):
    done = cleave.run("gpu", "show", "0", env={"LC_ALL": "C"})
    assert done.stdout.isascii() and "+-----" in done.stdout


def on_terminal(cleave, columns, *words):
    """What a terminal of so many columns is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "LC_ALL": "C.UTF-8", "CLEAVE_SOCKET": str(cleave.socket)}
    env.pop("COLUMNS", None)
    with subprocess.Popen([cleave.path, *words], stdout=theirs, stderr=subprocess.PIPE, env=env,
                          text=True) as process:
        os.close(theirs)
        sent = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not piece:
                break
            sent += piece
        said = process.stderr.read()
    os.close(ours)
    assert process.returncode == 0, said
    return sent.decode().replace("\r\n", "\n"), said


def test_on_a_terminal_a_table_is_no_wider_than_it(cleave):
    piped = cleave.run("gpu", "list").stdout
    narrow, said = on_terminal(cleave, 80, "gpu", "list")
    assert max(map(len, piped.splitlines())) > 80
    assert max(map(len, narrow.splitlines())) <= 80
    assert all(word in narrow for word in ("0000:41:00.0", "time-sliced", "PROBLEM", "…"))
    assert said.startswith("hint: no room for INSTANCES") and "-o wide" in said
    assert on_terminal(cleave, 80, "gpu", "list", "-o", "wide") == (piped, "")
    assert on_terminal(cleave, 200, "gpu", "list") == (piped, "")
    assert cleave.run("gpu", "list", env={"COLUMNS": "80"}).stdout == narrow


def test_a_claim_lives_and_dies(cleave):
    done = cleave.run("claim", "create", "a", "--type", "DC-1-8C", "--vm", "web2")
    compare("claim-create", done.stdout)
    compare("claim-create-progress", done.stderr)
    compare("claim-list-one", cleave.run("claim", "list").stdout)
    compare("claim-show", cleave.run("claim", "show", "a").stdout)
    compare("plan-show", cleave.run("plan", "show", PLAN).stdout)
    compare("plan-list-one", cleave.run("plan", "list").stdout)
    done = cleave.run("claim", "delete", "a")
    assert done.returncode == 0 and "steps done" in done.stdout


def test_several_names_are_taken_one_by_one(cleave, fake):
    for name in ("a", "b"):
        assert cleave.run("claim", "create", name, "--type", "DC-1-8C").returncode == 0
    done = cleave.run("claim", "delete", "a", "none", "b")
    assert done.returncode == 3 and 'no claim "none"' in done.stderr
    assert done.stdout.count("steps done") == 2
    assert fake.get("/v1/claims")["claims"] == []
    assert cleave.run("claim", "delete").returncode == 2


def test_json_is_what_the_api_answers(cleave, fake):
    assert cleave.json("gpu", "list") == fake.get("/v1/gpus")
    assert cleave.json("gpu", "show", "0") == fake.get("/v1/gpus/0")
    change = cleave.json("claim", "create", "a", "--type", "DC-1-8C")
    assert change["plan"]["state"] == "done" and change["claims"][0]["state"] == "bound"
    fake.openapi.check("POST", "/v1/claims", 202, "application/json", json.dumps(change))
    assert cleave.json("claim", "list")["claims"] == change["claims"]


def test_no_wait_does_not_wait(cleave):
    done = cleave.run("gpu", "mode", "0", "idle", "--no-wait")
    assert done.returncode == 0 and f"plan {PLAN} is running" in done.stdout and done.stderr == ""


def test_options_become_the_claim(cleave):
    claim = cleave.json("claim", "create", "a", "--profile", "1g.24gb+gfx@3", "--mixed",
                        "--migratable", "--tenant", "t1", "--gpu", "0", "--guest", "linux")
    claim = claim["claims"][0]
    assert (claim["profile"], claim["start"]) == ("1g.24gb+gfx", 3)
    assert claim["mixed"] and claim["migratable"]
    assert (claim["tenant"], claim["gpu"]) == ("t1", "0")
    claim = cleave.json("claim", "create", "b", "--type", "DC-1-8C", "--param", "console=off", "--param",
                        "unified-memory=on")["claims"][0]
    assert claim["params"] == {"console": False, "unifiedMemory": True}


def fails(cleave, line, status, *said, stdin=None):
    done = cleave.run(*line.split(), stdin=stdin)
    assert done.returncode == status, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("cleave: ") and len(lines) <= 2, done.stderr
    assert len(lines) == 1 or lines[1].startswith("hint: ")
    for text in said:
        assert text in done.stderr
    assert done.stdout == ""


def test_errors_are_a_line_and_a_hint(cleave):
    fails(cleave, "gpus list", 2, 'no command "gpus"', 'hint: did you mean "gpu"?')
    fails(cleave, "gpu show 9", 3, 'there is no gpu "9"', "cleave gpu list")
    fails(cleave, "claim create a --guest windows", 9, "[mig-vgpu-not-for-windows-on-h100]", "hint:")
    fails(cleave, "claim create a --guest beos", 2, "--guest")
    fails(cleave, "claim create a --profile x@y", 2, "PROFILE@START")
    fails(cleave, "gpu mode 0 turbo", 2, "turbo", '"time-sliced"')
    fails(cleave, "claim show none", 3, "none")
    fails(cleave, "vm create n", 2, "template")
    fails(cleave, "vm create n --template /nonexistent", 3, "/nonexistent")
    fails(cleave, "event list --after x", 2, "--after must be a number")


@pytest.mark.parametrize("line", ["--help", "--version", "--generate-man", "gpu list", "gpu list -o json",
                                  "gpu list --watch", "event list", "event list --follow",
                                  "layout check --gpu a100-40gb 1g.5gb", "advise --board l40s --memory 8G"])
def test_what_could_not_be_written_is_a_failure(cleave, line):
    """Wherever on the way the disk was found full."""
    with open("/dev/full", "w") as full:
        done = cleave.run(*line.split(), stdout=full)
    assert done.returncode == 74
    assert done.stderr.startswith("cleave: standard output can't be written")


@pytest.mark.parametrize("program, line", [
    ("src/daemon/cleaved", "--help"), ("src/daemon/cleaved", "--version"), ("src/daemon/cleaved", "--generate-man"),
    ("src/daemon/cleaved", "--dump-states"), ("sim/cleave-sim", "--help"), ("sim/cleave-sim", "--version"),
    ("sim/cleave-sim", "hosts"), ("sim/cleave-sim", "run --help"), ("sim/cleave-sim", "coverage")])
def test_the_other_programs_tell_it_too(program, line):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / program, *line.split()], stdout=full, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "CLEAVE_DATADIR": str(ROOT / "data")})
    assert done.returncode == 74, done
    assert "standard output can't be written" in done.stderr


def test_help_of_the_simulator_fits_a_terminal():
    for verb in ("", "capture", "coverage", "ctl", "hosts", "run", "shell"):
        done = subprocess.run([BUILD / "sim/cleave-sim", *verb.split(), "--help"], capture_output=True, text=True)
        assert done.returncode == 0, verb
        wide = [text for text in done.stdout.splitlines() if len(text) > 80]
        assert not wide, wide


@pytest.mark.parametrize("line, said", [
    ("claim create a --guest beos", "--guest"), ("claim create a --mode turbo", "--mode: "),
    (["claim", "create", "a b"], "NAME: "), ("claim create a --profile 1g.5gb@99", "start"),
    ("gpu mode 0 turbo", "MODE: "), ("gpu scheduler 0 turbo", "POLICY: "),
    (["gpu", "cordon", "0", "--reason", "x" * 2000], "--reason: "),
    ("event list --kind none --limit 4000000000000000000000", "--limit"),
    ("event list --limit 0", "--limit"), ("event list --after x", "--after"),
    ("profile list --gpu 99", "gpu"), ("advise --memory 8G --for host --guest windows", "--for host contradicts --guest"),
    ("advise --catalog --peer-traffic", "--peer-traffic contradicts --gpus"),
    ("advise --catalog --board l40s", "leave one out"), ("advise --context 8k", "--model"),
    ("advise --model no-such", "llama-3.1-8b"), ("advise --model-params 8", "--model-params"),
])
def test_errors_name_what_was_typed(cleave, line, said):
    """The API's own words are for programs."""
    done = cleave.run(*(line if isinstance(line, list) else line.split()))
    assert done.returncode != 0 and said in done.stderr, done.stderr
    assert not re.search(r"request body|query|JSON|/v1/|\b[a-z]+[A-Z]", done.stderr), done.stderr


def test_a_daemon_that_does_not_answer_is_named(cleave):
    fails(cleave, "--socket /nonexistent/s gpu list", 11,
          "cleaved does not answer on /nonexistent/s", "CLEAVE_SOCKET")


def test_something_else_on_the_socket_is_noticed(cleave, directory):
    import socket
    import threading
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(directory / "other"))
    server.listen()

    def answer():
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    fails(cleave, f"--socket {directory}/other gpu list", 11, "is not JSON", "check that cleaved")
    thread.join()
    server.close()


def test_each_of_several_names_is_a_document_of_its_own(cleave):
    for name in ("y1", "y2"):
        assert cleave.run("claim", "create", name, "--type", "DC-1-8C").returncode == 0
    done = cleave.run("claim", "delete", "y1", "none", "y2", "-o", "yaml")
    assert done.stdout.count("\n---\n") == 1 and not done.stdout.startswith("---"), done.stdout


def test_a_site_file_is_applied(cleave, directory):
    site = directory / "site.yaml"
    site.write_text("site: lab\nclaims:\n  - {name: a, type: DC-1-8C}\n")
    done = cleave.run("apply", "-f", site, "--dry-run")
    assert done.returncode == 0 and "Dry run: nothing was changed." in done.stdout
    assert cleave.run("apply", "-f", site).returncode == 0
    assert cleave.run("apply", "-f", "-", stdin=site.read_text()).returncode == 0


def test_errors_in_a_site_file_say_where(cleave, directory):
    site = directory / "site.yaml"
    fails(cleave, f"apply -f {directory}/none.yaml", 3, "none.yaml")
    fails(cleave, "apply", 2, "apply -f site.yaml")
    for text, said in (("site: lab\nclaims: [\n", "site.yaml:"),
                       ("site: lab\nclaims: []\nclaim: []\n", "claim"),
                       ("site: lab\n", "claims"),
                       ("site: lab\nsite: lab\nclaims: []\n", "site.yaml:2:")):
        site.write_text(text)
        fails(cleave, f"apply -f {site}", 2, said)


# zsh completes only in its line editor, which needs a terminal: the first line that it edits is completed, and then
# it leaves. What is offered to compadd, and fits, is what a person would see.
ZSH = r"""
unsetopt monitor
autoload -Uz compinit && compinit -D -u -d $OUT.dump
source $OUT.script
compdef _cleave cleave
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    local hit
    builtin compadd -O hits "$@"
    for hit in "${hits[@]}"; print -r -- "$IPREFIX$hit" >>$OUT
    builtin compadd "$@"
}
ask() { _main_complete }
zle -C ask list-choices ask
zle-line-init() {
    BUFFER=$LINE
    CURSOR=${#BUFFER}
    zle ask
    BUFFER=exit
    zle .accept-line
}
zle -N zle-line-init
"""


def completed_by_zsh(directory, script, line, env):
    (directory / "out.script").write_text(script)
    (directory / ".zshrc").write_text(ZSH)
    terminal, end = pty.openpty()
    with subprocess.Popen(["zsh", "-d", "-i"], stdin=end, stdout=end, stderr=subprocess.PIPE, start_new_session=True,
                          env={**env, "ZDOTDIR": str(directory), "OUT": str(directory / "out"), "TERM": "vt100"}) as zsh:
        os.close(end)
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:  # the other end is closed
            pass
        said = zsh.stderr.read().decode()
    os.close(terminal)
    return said, (directory / "out").read_text() if (directory / "out").exists() else ""


def completed(cleave, shell, line):
    """What the shell itself makes of a Tab behind `line`."""
    script = cleave.run("--generate-completion", shell).stdout
    env = {**os.environ, "CLEAVE_SOCKET": str(cleave.socket), "LINE": line, "SCRIPT": script,
           "CLEAVE_DATADIR": str(ROOT / "data"),
           "PATH": f"{cleave.path.parent}:{os.environ['PATH']}"}
    ask = {
        "bash": ["bash", "--norc", "-c", 'source <(printf "%s" "$SCRIPT"); COMP_LINE=$LINE; '
                 'COMP_POINT=${#LINE}; COMP_TYPE=9; _cleave; printf "%s\\n" "${COMPREPLY[@]}"'],
        "fish": ["fish", "--no-config", "-c", 'printf "%s" "$SCRIPT" | source; complete -C "$LINE"'],
    }
    if shell == "zsh":
        with tempfile.TemporaryDirectory(prefix="zsh-") as directory:
            errors, found = completed_by_zsh(pathlib.Path(directory), script, line, env)
    else:
        done = subprocess.run(ask[shell], capture_output=True, text=True, env=env, timeout=60)
        errors, found = done.stderr, done.stdout
    assert errors == ""
    return [word.split("\t")[0] for word in found.splitlines() if word]


SHELLS = [pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"no {shell}"))
          for shell in ("bash", "fish", "zsh")]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line, wanted", [
    ("cleave cl", ["claim"]), ("cleave rule ", ["list"]), ("cleave claim d", ["delete"]),
    ("cleave -o json gpu m", ["mode"]), ("cleave apply --f", ["--file"]),
    ("cleave claim create x --mi", ["--mixed", "--migratable"]),
    ("cleave operation show 7d", [OPERATION]), ("cleave vm stop --now web", ["web1"]),
    ("cleave vm start web1 w", ["web1"]), ("cleave vm create w", []),
    ("cleave gpu mode 0 t", ["time-sliced"]), ("cleave gpu list -o w", ["wide"]),
    ("cleave claim create x --type DC-1-8", ["DC-1-8C"]),
    ("cleave claim create x --profile 1g", ["1g.24gb+gfx"]),
    ("cleave gpu list --sort me", ["memory"]), ("cleave vm list --sort -v", ["-vm"]),
    ("cleave event list --kind claim-b", ["claim-bound"]), ("cleave advise --board l40", ["l40s"]),
    ("cleave operation list --kind dr", ["drain"]),
    ("cleave rule show mixed-sizes-need-dr", ["mixed-sizes-need-driver"]),
    ("cleave claim create x --override mig-vgpu-not-for-win", ["mig-vgpu-not-for-windows-on-h100="]),
    ("cleave licence iso x.tok --product vC", ["vCS"]), ("cleave licence iso x.tok --product vP", []),
    ("cleave licence cloud-init x.tok --product vA", []), ("cleave licence pool set vP", ["vPC"]),
    ("cleave event list --subject lic", ["licence/"]),
    ("cleave rule list --changed-since lib", ["libvirt="]), ("cleave rule show no-such-r", []),
    ("cleave help gpu sch", ["scheduler"]), ("cleave no-such ", []), ("cleave gpu list x", []),
])
def test_shells_complete_words_values_and_objects(cleave, shell, line, wanted):
    found = completed(cleave, shell, line)
    assert set(wanted) <= set(found) and (found != [] or wanted == []) and len(found) <= len(wanted) + 3
    last = line.rsplit(" ", 1)[1]
    assert all(word.startswith(last) for word in found)


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_files(cleave, shell, directory):
    (directory / "site-a.yaml").write_text("")
    (directory / "a.tok").write_text("")
    assert [word.split("/")[-1] for word in completed(cleave, shell, f"cleave licence iso {directory}/a")] == ["a.tok"]
    for option in ("-f ", "--file="):
        found = completed(cleave, shell, f"cleave apply {option}{directory}/site")
        wanted = {"bash": f"{directory}/site-a.yaml", "zsh": "site-a.yaml",
                  "fish": f"{option.strip() if '=' in option else ''}{directory}/site-a.yaml"}
        assert [word.removeprefix(option) if shell == "zsh" else word for word in found] == [wanted[shell]], option


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("word, wanted", [
    ("--type=DC-1-8", "--type=DC-1-8C"), ("--mode=mig", "--mode=mig-backed"),
    ("--gpu=0000:4", "--gpu=0000:41:00.0"),
])
def test_values_behind_an_equals_sign_are_completed(cleave, shell, word, wanted):
    """bash ends a word there, and takes what is behind it alone; the others take all."""
    done = cleave.run("--complete", "--", "claim", "create", "x", word)
    assert wanted in [line.split("\t")[0] for line in done.stdout.splitlines()]
    found = completed(cleave, shell, f"cleave claim create x {word}")
    assert (re.split("[:=]", wanted, maxsplit=word.count(":") + 1)[-1] if shell == "bash" else wanted) in found


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_addresses_behind_a_colon(cleave, shell):
    """bash ends a word at each colon."""
    gpus = ["0000:41:00.0", "0000:61:00.0"]
    assert completed(cleave, shell, "cleave gpu show 0000:4") == (["41:00.0"] if shell == "bash" else gpus[:1])
    assert completed(cleave, shell, "cleave gpu show 0") == gpus


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_of_shells_are_theirs(cleave, directory, shell):
    script = directory / "script"
    script.write_text(cleave.run("--generate-completion", shell).stdout)
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_completion_is_quiet_without_cleaved(cleave, directory):
    done = cleave.run("--complete", "--", "claim", "show", "", env={"CLEAVE_SOCKET": f"{directory}/none"})
    assert (done.returncode, done.stdout) == (0, "")


def test_version(cleave):
    assert re.fullmatch(r"cleave \d+\.\d+\.\d+\n", cleave.run("--version").stdout)
