# SPDX-License-Identifier: Apache-2.0
"""What an older cleaved left: stores of test/stores, or its programs in a build folder of their own."""
import json
import os
import pathlib
import re
import shutil
import sqlite3

from harness import ROOT, wait_for

STORES = ROOT / "test/stores"
# A build folder in the older tree.
OLDER = pathlib.Path(os.environ["CLEAVE_OLDER_BUILD"]) if "CLEAVE_OLDER_BUILD" in os.environ else None


# ---- stores as text ----

def dump(state_dir, path):
    """Writes a state directory's store, that no program has open, as SQL."""
    copy = path.with_suffix(".copy")
    for end in ("", "-wal"):
        if (state_dir / f"cleave.db{end}").exists():
            shutil.copy(state_dir / f"cleave.db{end}", f"{copy}{end}")
    with sqlite3.connect(copy) as db:
        lines = [f"PRAGMA {name} = {db.execute(f'PRAGMA {name}').fetchone()[0]};"
                 for name in ("application_id", "user_version")]
        lines += db.iterdump()
    db.close()
    for end in ("", "-wal", "-shm"):
        pathlib.Path(f"{copy}{end}").unlink(missing_ok=True)
    path.write_text("\n".join(lines) + "\n")


def load(path, state_dir, replace=None):
    """A state directory with that store. replace: text → what stands there now."""
    text = path.read_text()
    for old, new in (replace or {}).items():
        text = text.replace(old, new)
    shutil.rmtree(state_dir, ignore_errors=True)
    state_dir.mkdir(mode=0o700)
    with sqlite3.connect(state_dir / "cleave.db") as db:
        db.executescript(text)
    db.close()
    (state_dir / "cleave.db").chmod(0o600)


# As in src/store/plain_words.c, as far as tests look.
RENAMED = {"got": "assigned", "named": "reserved"}


def documents(path):
    """What a store's text has, in today's words: kind → key → document; events and steps are lists."""
    db = sqlite3.connect(":memory:")
    db.executescript(path.read_text())
    if db.execute("PRAGMA user_version").fetchone()[0] > 2:
        db.executescript((STORES / "as-schema-2.sql").read_text())
    found = {"claim": {name: {RENAMED.get(key, key): value for key, value in json.loads(text).items()} for name, text in
                       db.execute("SELECT name, document FROM claims")},
             "plan": {name: json.loads(text) for name, text in
                      db.execute("SELECT id, document FROM plans")},
             "event": db.execute("SELECT seq, kind, subject, message FROM events").fetchall()}
    for kind, key, text in db.execute("SELECT kind, key, document FROM records"):
        found.setdefault(kind, {})[key] = json.loads(text)
    db.close()
    return found


def write_domains(machine, path):
    """All definitions of its VMs, in one document."""
    texts = [machine.virsh("dumpxml", "--inactive", name).stdout for name in sorted(machine.names())]
    path.write_text("<domains>\n" + "\n".join(text.strip() for text in texts) + "\n</domains>\n")


def read_domains(path):
    """Name → definition."""
    texts = re.findall(r"<domain .*?</domain>", path.read_text(), flags=re.S)
    return {re.search("<name>(.*?)</name>", text).group(1): text for text in texts}


# ---- an older cleaved at work ----

class Older:
    """Makes a host's older programs do what a store is to tell of. Its words are theirs."""

    def __init__(self, pair, machine):
        self.pair = pair
        self.machine = machine

    def cleave(self, *words, status=0):
        done = self.machine.cleave.run(*words)
        assert status is None or done.returncode == status, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words):
        return json.loads(self.cleave(*words, "-o", "json"))

    def claim(self, name, *words, **options):
        return self.cleave("claim", "create", name, *words, **options)

    def gpu(self, address):
        return self.json("gpu", "show", address)

    def furnish(self):
        """Claims of all modes, VMs that run and VMs that are off, and what went wrong."""
        one = self.machine
        one.define(*VMS)
        self.cleave("gpu", "scheduler", EQUAL, "fixed-share", "--slice", "2ms")
        self.claim("held", "--type", "L40S-8Q", "--gpu", EQUAL, "--vm", "w1")
        self.claim("drawn", "--type", "L40S-8Q", "--gpu", EQUAL, "--vm", "w2", "--on-demand")
        self.claim("waiting", "--type", "L40S-8Q", "--gpu", EQUAL, "--vm", "w3", "--on-demand")
        self.claim("whole", "--mode", "passthrough", "--gpu", WHOLE, "--vm", "w4")
        self.claim("backed", "--type", "A100-2-10C", "--gpu", A100, "--vm", "w5")
        self.claim("shared", "--mode", "time-sliced-mig-backed", "--type", "DC-1-8C", "--gpu", RTX, "--vm", "w6")
        self.claim("bare", "--mode", "gpu-instance", "--profile", "2g.10gb", "--gpu", BARE)
        site = one.directory / "site.yaml"
        site.write_text("site: team\nclaims:\n" + "".join(
            f"  - {{name: {name}, type: {kind}, gpu: '{MIXED}', mixed: true, tenant: team}}\n"
            for name, kind in (("mixed1", "L40S-24Q"), ("mixed2", "L40S-8Q"))))
        self.cleave("apply", "-f", site)
        self.claim("short", "--type", "A100-2-10C", "--gpu", A100)
        self.cleave("claim", "delete", "short")
        one.ctl("fault", "add", "at=nvidia/current_vgpu_type", "access=write", "errno=EIO", "count=1")
        self.claim("unlucky", "--type", "L40S-8Q", "--gpu", BROKEN, status=8)
        self.claim("lost", "--type", "L40S-8Q", "--gpu", BROKEN)
        self.cleave("vm", "start", *RUNNING)
        self.cleave("gpu", "cordon", MIXED, "--reason", "a fan is slow")
        one.ctl("set", BROKEN, "lost", "1")
        wait_for(lambda: self.gpu(BROKEN)["quarantine"], timeout=30)
        self.there_and_back()

    def words(self, name, machine):
        other = self.pair.other(machine)
        return ["vm", "migrate", name, self.pair.uri(other), "--peer", f"unix:{other.socket}",
                "--migrate-uri", self.pair.carrier()]

    def there_and_back(self):
        for machine in self.pair.machines:
            done = machine.cleave.run(*self.words("w1", machine))
            assert done.returncode == 0, done.stderr

    def interrupt(self):
        """A drain that is over, a migration and a plan that are not when cleaved is killed."""
        one = self.machine
        self.cleave("host", "drain", "--reason", "new fans", status=None)
        self.cleave("gpu", "uncordon", A100)
        slow = ["fault", "add", "at=nvidia/current_vgpu_type", "access=write", "delay_ms=8000"]
        self.pair.other(one).ctl(*slow)
        self.cleave(*self.words("w1", one), "--no-wait")
        wait_for(lambda: self.pair.other(one).cleave.json("plan", "list")["plans"][0]["state"] == "running", timeout=30)
        one.ctl(*slow)
        self.claim("late", "--type", "A100-2-10C", "--gpu", A100, "--no-wait")
        wait_for(lambda: self.json("plan", "list")["plans"][0]["state"] == "running", timeout=30)
        for machine in self.pair.machines:
            machine.kill()


A100, BARE, RTX = "0000:21:00.0", "0000:31:00.0", "0000:41:00.0"
EQUAL, MIXED, WHOLE, BROKEN = "0000:81:00.0", "0000:a1:00.0", "0000:c1:00.0", "0000:e1:00.0"
VMS = ("w1", "w2", "w3", "w4", "w5", "w6")
RUNNING = ("w1", "w2", "w4", "w5")
