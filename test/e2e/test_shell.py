# SPDX-License-Identifier: Apache-2.0
"""`cleave-sim shell`, and what README says to type there, as it stands on the page."""
import os
import re
import subprocess

import pytest

from harness import ROOT, with_libvirt

README = (ROOT / "README.md").read_text()
# A person reads until the guest has said it; Ctrl-C is the end of `tail`.
READ = "until grep -a 'cleave-guest: vm=web1 gpu=.*L40S-8Q' web1.log; do sleep 0.1; done"


# sudo lets no core files be written, and in a container root may not raise that limit.
BY_SUDO = ["setpriv", "--bounding-set", "-sys_resource", "bash", "-c", 'ulimit -Hc 0; exec "$@"', "sudo"]


def shell(script, *host):
    """Runs the script in the shell; ends at its first command that fails."""
    return subprocess.run([*BY_SUDO, ROOT / "run", "cleave-sim", "shell", *host, "--", "bash", "-euxc", script],
                          env={**os.environ, "LC_ALL": "C.UTF-8"}, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=300)


def typed():
    """The page's blocks of what is typed in the shell, each as a script."""
    blocks = re.findall(r"\$ sudo \./run cleave-sim shell\n(.*?)```", README, re.S)
    return ["\n".join(READ if line == "# tail -f web1.log" else line.removeprefix("# ")
                      for line in block.splitlines()) for block in blocks]


@with_libvirt
def test_the_readmes_first_vm_works_as_typed(image):
    script = typed()[0]
    assert len(script.splitlines()) >= 10 and READ in script
    done = shell(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "claim web1 is bound: L40S-8Q" in done.stdout
    assert "cleave-guest: vm=web1 gpu=" in done.stdout
    # All of that was in the host's own /usr.
    assert not any(os.path.exists(f"/usr/bin/{name}") for name in ("cleave", "cleaved")) or \
        "CLEAVE_DATADIR" not in open("/usr/bin/cleave", errors="replace").read(200)


@with_libvirt
def test_the_site_files_that_are_shown_can_be_applied(image):
    shown = re.search(r"```\n(site: lab\n.*?)```", README, re.S)[1]
    as_typed = typed()[1].removesuffix("\nexit")
    assert "cleave apply -f site.yaml" in as_typed
    done = shell(f"""
        cat >shown.yaml <<'END'
{shown}END
        cleave apply -f shown.yaml
        {as_typed}
        cleave apply -f site.yaml | tee again
        grep -q 'nothing to do' again
        cleave claim list -o json""")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("desk", "train", "share-1", "share-2", "jobs"):
        assert f'"name":"{name}"' in done.stdout.replace(" ", "")


@with_libvirt
def test_the_shell_ends_with_its_commands_status_and_says_what_is_wrong(image):
    assert shell("exit 7").returncode == 7
    done = shell("true", "no-such-host")
    assert done.returncode != 0 and "no-such-host" in done.stderr


@pytest.mark.parametrize("words", [["--"], ["a", "b"], ["--wrong"]], ids=" ".join)
def test_wrong_words_show_the_usage(words):
    done = subprocess.run([ROOT / "run", "cleave-sim", "shell", *words], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 2 and "usage: cleave-sim shell" in done.stderr
