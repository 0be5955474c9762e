# SPDX-License-Identifier: Apache-2.0
"""The units as installed, under systemd itself: what they shut in, and what they leave open."""
import pathlib
import shutil
import tempfile

import pytest

from conftest import built
from container import Container, missing
from machine import BUILD, make_tree

# What cleaved does in its unit, and whether it may.
OPEN, SHUT = "open", "shut"
DOES = [
    ("keeps its state", ": >/var/lib/cleave/x && rm /var/lib/cleave/x", OPEN),
    ("gives its socket a group", ": >/run/cleave/x && chown root:adm /run/cleave/x", OPEN),
    ("sees what programs of others have open", 'test "$(readlink /proc/$OTHER/fd/3)" = /etc/fstab',
     OPEN),
    ("raises its limit of descriptors", "ulimit -Sn $(ulimit -Hn)", OPEN),
    ("makes a node for NVIDIA in /dev", "mknod /dev/x c 195 0 && rm /dev/x", OPEN),
    ("asks for the state of sockets", "perl -MSocket -e 'socket(S, 16, SOCK_DGRAM, 4) or die'",
     OPEN),
    ("calls libvirt", "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); "
     "connect(S, pack_sockaddr_un(\"/run/libvirt/libvirt-sock\")) or die'", OPEN),
    ("changes settings", ": >/etc/x", SHUT),
    ("changes programs", ": >/usr/x", SHUT),
    ("writes to the home of root", ": >/root/x", SHUT),
    ("looks for kernel modules", "ls /usr/lib/modules/*", SHUT),
    ("makes namespaces", "unshare --net true", SHUT),
    ("sends what it likes to the network", "perl -MSocket -e 'socket(S, 17, SOCK_RAW, 0) or die'",
     SHUT),
]


@pytest.fixture(scope="module")
def container():
    why = missing()
    if why is not None:
        pytest.skip(why)
    built("fetch-kernel")
    built("build-root")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=BUILD / "boot"))
    try:
        make_tree(directory / "tree", BUILD / "boot/root")
        made = Container(directory / "tree", directory / "console")
        yield made
        made.end()
    finally:
        shutil.rmtree(directory)


def show(container, unit, name):
    return container.run(f"systemctl show {unit} -p {name} --value").strip()


def drop_in(container, text):
    container.run("mkdir -p /run/systemd/system/cleaved.service.d\n"
                  f"cat >/run/systemd/system/cleaved.service.d/test.conf <<'END'\n{text}\nEND\n"
                  "systemctl daemon-reload; systemctl restart cleaved")


def test_both_start_and_cleaved_talks_to_libvirt(container):
    container.run("systemctl enable --now cleaved cleave-restore")
    assert show(container, "cleaved", "ActiveState") == "active"
    assert show(container, "cleave-restore", "Result") == "success"
    container.run("systemctl start libvirtd")
    container.until("cleave host show | grep -q 'libvirt  *: [0-9]'")


def test_cleaved_may_do_what_it_does_and_no_more(container):
    container.run("systemctl start libvirtd cleaved")
    other = container.run("setpriv --reuid=65534 --clear-groups sleep 10000 3</etc/fstab "
                          ">/dev/null 2>&1 & echo $!").strip()
    container.until(f"grep -q sleep /proc/{other}/comm")
    lines = [f"if ({does}) >/dev/null 2>&1; then echo '{what}: {OPEN}'; "
             f"else echo '{what}: {SHUT}'; fi" for what, does, _ in DOES]
    script = "\n".join([f"OTHER={other}", *lines])
    container.run(f"cat >/usr/local/does <<'END'\n{script}\nEND")
    drop_in(container, "[Service]\n"
            "ExecStartPre=/bin/bash -c '. /usr/local/does >/run/cleave/does'")
    said = container.run("cat /run/cleave/does").splitlines()
    container.run(f"kill {other}")
    assert said == [f"{what}: {may}" for what, _, may in DOES]


def test_cleaved_that_hangs_is_started_again(container):
    assert show(container, "cleaved", "WatchdogUSec") == "1min"
    drop_in(container, "[Service]\nWatchdogSec=5")
    container.run("kill -STOP $(systemctl show -p MainPID --value cleaved)")
    container.until("test $(systemctl show -p NRestarts --value cleaved) = 1 && "
                    "systemctl -q is-active cleaved")
    assert "Watchdog timeout" in container.run("journalctl -q -u cleaved -o cat --no-pager")
    container.run("cleave host show")


def test_cleaved_stops_when_systemd_asks(container):
    container.run("systemctl start cleaved; systemctl stop cleaved")
    assert show(container, "cleaved", "Result") == "success"
    assert "deactivated successfully" in container.run(
        "journalctl -q -u cleaved -o cat --no-pager -n 3").lower()
