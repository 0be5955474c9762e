# SPDX-License-Identifier: Apache-2.0
"""Three independent witnesses, asked after each action: the simulated hardware (`cleave-sim ctl
status`), libvirt (the XML of every domain), and cleave's own API. What they say must agree with each
other and with the model."""
import collections
import dataclasses
import os
import re
import time
import xml.etree.ElementTree as ElementTree

from machine import device

WRONG_IN_LOG = re.compile(r"assert|bug in cleave|internal error|runtime error|Sanitizer|core dumped",
                          re.I)
SLOW_S = 60


@dataclasses.dataclass
class Domain:
    """A VM as libvirt has it."""
    name: str
    uuid: str
    id: str | None  # of this run of it; None when it is off
    stored: list | None  # devices in the stored definition; None: there is none
    live: list | None  # devices that it runs with


@dataclasses.dataclass
class Snapshot:
    claims: dict
    plans: list
    gpus: dict
    domains: dict
    vgpus: dict  # device → what the hardware has there
    holders: dict  # device → UUID of the VM that has it open
    garbage: list  # what `cleave gc --dry-run` lists
    kept: list  # what it does not touch, and why
    ill: set  # GPUs that are quarantined, or have a function that is stuck
    cordoned: set

    @property
    def shy(self):
        """GPUs to which cleave gives nothing new, or not from all of them."""
        return self.ill | self.cordoned


def devices_of(domain):
    """Addresses and mdev UUIDs of a domain's <hostdev>s."""
    found = []
    for address in domain.iterfind("devices/hostdev/source/address"):
        if address.get("uuid") is not None:
            found.append(address.get("uuid"))
        else:
            part = [int(address.get(key), 16) for key in ("domain", "bus", "slot", "function")]
            found.append("%04x:%02x:%02x.%x" % tuple(part))
    return sorted(found)


def parse_domains(text):
    """All <domain> elements in a text."""
    return [ElementTree.fromstring(found)
            for found in re.findall(r"<domain .*?^</domain>", text, flags=re.S | re.M)]


def read_domains(machine):
    active = machine.virsh("list", "--name").stdout.split()
    stored = machine.virsh("list", "--all", "--persistent", "--name").stdout.split()
    names = [*active, *stored]
    if not names:
        return {}
    # One virsh for all: a failed command is one VM that went meanwhile.
    script = [*(f"dumpxml {name}" for name in active),
              *(f"dumpxml --inactive {name}" for name in stored)]
    xmls = parse_domains(machine.virsh(";".join(script), check=False).stdout)
    found = {}
    for number, xml in enumerate(xmls):
        name = xml.findtext("name")
        domain = found.setdefault(name, Domain(name, xml.findtext("uuid"), None, None, None))
        if number < len(active):
            domain.id, domain.live = xml.get("id"), devices_of(xml)
        else:
            domain.stored = devices_of(xml)
    return found


def hardware(gpus):
    """Every device that could be given to a VM: what it is, and who has it open."""
    vgpus, holders = {}, {}
    for bdf, gpu in gpus.items():
        if gpu.get("opener"):
            holders[bdf] = gpu.get("vm_uuid")
        found = [(mdev["uuid"], mdev) for mdev in gpu["mdevs"]]
        for vf in gpu.get("vfs") or []:
            vgpu = vf.get("vgpu")
            if vgpu is not None and "uuid" in vgpu:
                found.append((vgpu["uuid"] if vgpu["iommu_group"] else vf["bdf"], vgpu))
        for name, vgpu in found:
            vgpus[name] = {**vgpu, "gpu": bdf}
            if vgpu.get("opener"):
                holders[name] = vgpu.get("vm_uuid")
    return vgpus, holders


def ask(side, target):
    """The answer, however slow the machine is: a look that is late is not wrong, unless it stays away."""
    deadline = time.monotonic() + SLOW_S
    while True:
        status, body, _ = side.machine.api.call("GET", target)
        if status != 503 or "has not answered since" not in body["detail"] or time.monotonic() > deadline:
            assert status == 200, body
            return body
        time.sleep(0.1)


def ill_and_cordoned(side):
    gpus = ask(side, "/v1/gpus")["gpus"]
    return ({gpu["address"] for gpu in gpus if gpu["quarantine"] or gpu["stuckVirtualFunctions"]},
            {gpu["address"] for gpu in gpus if gpu["cordoned"]})


def look(side):
    # First, for it makes cleaved look at everything.
    gc = ask(side, "/v1/gc") if side.with_vms else {"garbage": [], "kept": []}
    ill, cordoned = ill_and_cordoned(side)
    gpus = side.machine.gpus()
    vgpus, holders = hardware(gpus)
    return Snapshot(claims={c["name"]: c for c in side.machine.api.get("/v1/claims")["claims"]},
                    plans=side.machine.api.get("/v1/plans")["plans"], gpus=gpus,
                    domains=read_domains(side.machine) if side.with_vms else {}, vgpus=vgpus,
                    holders=holders, garbage=gc["garbage"], kept=gc["kept"], ill=ill,
                    cordoned=cordoned)


# ---- what can be wrong; each yields sentences ----


def waits(side, now, name):
    """An on-demand device is given back once its GPU answers again, and no one holds it; that of a VM
    that went while cleaved was away goes with the claim."""
    claim, got = side.claims[name], now.claims[name]["assigned"]
    return claim.on_demand and now.claims[name]["state"] == "bound" and (
        got["gpu"] in side.lost | side.held or claim.vm not in side.vms)


def lost_claims(side, now):
    for name, claim in side.claims.items():
        if name not in now.claims:
            yield f"claim {name} is lost: it should be {side.state_of(claim)}"
        elif now.claims[name]["state"] != side.state_of(claim) and not waits(side, now, name):
            yield (f"claim {name} is {now.claims[name]['state']} instead of "
                   f"{side.state_of(claim)}: {now.claims[name]['problem']}")
        elif now.claims[name]["vm"] != claim.vm:
            yield f"claim {name} is for VM {now.claims[name]['vm']} instead of {claim.vm}"
    for name, claim in now.claims.items():
        if name not in side.claims:
            yield f"claim {name} ({claim['state']}) should not be there"
        if claim["state"] == "failed" and not claim["problem"]:
            yield f"claim {name} failed and does not say why"


def held(now):
    """(claim, its device) of all that hold something."""
    for claim in now.claims.values():
        if claim["assigned"] is not None:
            yield claim, claim["assigned"]


def named(now):
    """(VM, device) of on-demand claims that hold nothing now: only the definition has it."""
    return {(claim["vm"], device(claim["reserved"])) for claim in now.claims.values()
            if claim["reserved"] is not None and claim["assigned"] is None}


def what_is_held(claim, got):
    if claim["mode"] == "gpu-instance":
        return f"{got['gpu']} instance at {got['start']}"
    return device(got)


def double_assignments(side, now):
    count = collections.Counter(what_is_held(claim, got) for claim, got in held(now))
    for what, n in count.items():
        if n > 1:
            yield f"{what} is assigned to {n} claims"
    for which in ("stored", "live"):
        users = collections.defaultdict(list)
        for domain in now.domains.values():
            for one in getattr(domain, which) or []:
                if one not in side.vms[domain.name].hand and (domain.name, one) not in named(now):
                    users[one].append(domain.name)
        for one, names in users.items():
            if len(names) > 1:
                yield f"{one} is in the {which} definitions of {names}"
    whole = {got["gpu"]: claim["name"] for claim, got in held(now) if claim["mode"] == "passthrough"}
    for claim, got in held(now):
        if got["gpu"] in whole and whole[got["gpu"]] != claim["name"]:
            yield f"{claim['name']} is on {got['gpu']}, which {whole[got['gpu']]} has as a whole"


def wrong_device(now, claim, got):
    gpu = now.gpus[got["gpu"]]
    if claim["mode"] == "passthrough":
        return None if gpu["driver"] == "vfio-pci" else f"its GPU has driver {gpu['driver']}"
    if got["profile"] is not None:
        gis = [gi for gi in gpu["gis"] if (gi["name"], gi["start"]) == (got["profile"], got["start"])]
        if not gis:
            return f"no GPU instance {got['profile']} at {got['start']}"
        if gis[0]["id"] != got["gpuInstance"]:
            return f"its GPU instance is {gis[0]['id']}, not {got['gpuInstance']}"
        if claim["mode"] == "gpu-instance":
            uuids = [ci["uuid"] for ci in gis[0]["cis"]]
            return None if got["migUuid"] in uuids else f"no compute instance {got['migUuid']}"
    vgpu = now.vgpus.get(device(got))
    if vgpu is None:
        return "no vGPU there"
    if vgpu["type"] != claim["type"]:
        return f"its vGPU is a {vgpu['type']}"
    if vgpu["gpu"] != got["gpu"] or vgpu.get("gi") != got["gpuInstance"]:
        return f"its vGPU is on {vgpu['gpu']}, instance {vgpu.get('gi')}"
    if got["placementId"] is not None and vgpu.get("placement") != got["placementId"]:
        return f"its vGPU is at placement {vgpu.get('placement')}, not {got['placementId']}"
    return None


def wrong_devices(side, now):
    for claim, got in held(now):
        if claim["state"] != "bound" or side.claims[claim["name"]].gone or got["gpu"] in side.lost:
            continue
        why = wrong_device(now, claim, got)
        if why is not None:
            yield f"claim {claim['name']} ({device(got)}): {why}"
        domain = now.domains.get(claim["vm"])
        if domain is None or claim["mode"] == "gpu-instance":
            continue
        # Defined again it has no device, and may have been started while cleaved was away.
        redefined = side.vms[domain.name].redefined
        if domain.live is not None and device(got) not in domain.live and not redefined:
            yield f"claim {claim['name']}: VM {domain.name} runs without {device(got)}"
        if domain.stored is not None and device(got) not in domain.stored and not redefined:
            yield f"claim {claim['name']}: VM {domain.name} is defined without {device(got)}"
    for domain in now.domains.values():
        for one in domain.live or []:
            if now.holders.get(one) != domain.uuid:
                yield f"VM {domain.name} runs without {one} open (held by {now.holders.get(one)})"


def orphans(side, now):
    claimed = {device(got) for claim, got in held(now) if claim["mode"] != "gpu-instance"}
    for one, vgpu in now.vgpus.items():
        if one not in claimed and one not in side.hand_vgpus:
            yield f"vGPU {vgpu['type']} on {one}, which no claim holds"
    places = {(got["gpu"], got["profile"], got["start"]) for _, got in held(now) if got["profile"]}
    bare = {(got["gpu"], got["start"]) for claim, got in held(now) if claim["mode"] == "gpu-instance"}
    for bdf, gpu in now.gpus.items():
        for gi in gpu["gis"]:
            if (bdf, gi["name"], gi["start"]) not in places:
                yield f"GPU instance {gi['name']} at {gi['start']} on {bdf}, which no claim holds"
            if gi["cis"] and (bdf, gi["start"]) not in bare:
                yield f"compute instance in {gi['name']} at {gi['start']} on {bdf}, of no claim"
    of_vm = collections.defaultdict(set)
    for vm, one in [*((claim["vm"], device(got)) for claim, got in held(now)), *named(now)]:
        of_vm[vm].add(one)
    for domain in now.domains.values():
        extra = set(domain.stored or []) - of_vm[domain.name] - set(side.vms[domain.name].hand)
        if extra:
            yield f"VM {domain.name} is defined with {sorted(extra)}, which no claim of it holds"


def garbage(side, now):
    """What cleave itself takes for garbage: claims whose VM is gone, and nothing else. One whose VM
    went while cleaved was away may be kept instead, and then gc says so."""
    listed = {item["name"] for item in now.garbage if item["kind"] == "claim"}
    wanted = {claim.name for claim in side.without_vm()}
    held_back = {item["name"] for item in now.kept if item["kind"] == "claim"
                 and "did not see that its VM was undefined" in item["reason"]}
    unsure = {claim.name for claim in side.without_vm() if claim.vm in side.unseen}
    if side.with_vms and listed | held_back & unsure != wanted:
        yield (f"gc would release the claims {sorted(listed)} and holds back {sorted(held_back)}, and those "
               f"without VM are {sorted(wanted)}, of which cleaved may have missed {sorted(unsure)}")
    for item in now.garbage:
        if item["kind"] != "claim":
            yield f"gc lists {item['kind']} {item['name']}: {item['text']}"


def interrupted(side, now):
    if side.seen is None:
        return
    for name, was in side.seen.domains.items():
        now_is = now.domains.get(name)
        if was.id is None or name in side.stopped:
            continue
        if now_is is None or now_is.id != was.id:
            yield f"VM {name} ran and was ended"
            continue
        for one in was.live:
            if now.holders.get(one) != was.uuid:
                yield f"running VM {name} lost {one}"


def unrest(side, now):
    for plan in now.plans:
        if plan["state"] not in ("done", "undone"):
            yield f"plan \"{plan['reason']}\" is {plan['state']}: {plan['problem']}"
    for name, vm in side.vms.items():
        domain = now.domains.get(name)
        if domain is None:
            yield f"VM {name} is gone"
        elif (domain.id is not None) != vm.on:
            yield f"VM {name} is {'on' if domain.id else 'off'}, and should not be"
    for name in now.domains:
        if name not in side.vms:
            yield f"VM {name} should not be there"
    if not side.machine.lives():
        yield "cleaved is dead"


def heal(side, now):
    """What a reboot took may be brought back at any time; then it has to stay."""
    for claim, got in held(now):
        known = side.claims.get(claim["name"])
        if known is not None and known.gone and wrong_device(now, claim, got) is None:
            known.gone = False


RULES = {"lost claims": [lost_claims], "double assignments": [double_assignments],
         "orphans": [orphans, garbage], "wrong devices": [wrong_devices],
         "interrupted VMs": [interrupted], "unrest": [unrest]}
# What needs no time to become right: it is never wrong.
NEVER = ("double assignments", "interrupted VMs")
PATIENCE_S = 5


def judge(side, now, kinds):
    """{kind: [sentence, …]} of what is wrong."""
    if now.domains.keys() - side.vms.keys() or now.claims.keys() - side.claims.keys():
        kinds = [kind for kind in kinds if kind in ("lost claims", "unrest")]
    found = {kind: [sentence for rule in RULES[kind] for sentence in rule(side, now)]
             for kind in kinds}
    return {kind: sentences for kind, sentences in found.items() if sentences}


def check(side):
    """Looks at everything, and again for a while if it is not (yet) as it should be: what a VM gives
    back when it ends is given back a moment later. Returns {kind: [sentence, …]} of what is wrong."""
    deadline = time.monotonic() + PATIENCE_S
    now = look(side)
    heal(side, now)
    firm = judge(side, now, NEVER)
    found = judge(side, now, RULES)
    while found and not firm and time.monotonic() < deadline:
        time.sleep(0.05)
        now = look(side)
        heal(side, now)
        firm = judge(side, now, NEVER)
        found = judge(side, now, RULES)
    side.seen = now
    side.stopped = set()
    return found


def describe(side):
    """Claims and VMs as last seen, a line each."""
    for name, claim in sorted(side.seen.claims.items()):
        known = side.claims.get(name)
        yield (f"claim {name}: {claim['state']} {claim['mode']} {claim['type'] or claim['profile']} "
               f"for {claim['vm']}, {what_is_held(claim, claim['assigned']) if claim['assigned'] else 'nothing'}"
               f"{', gone' if known is not None and known.gone else ''}")
    for name, domain in sorted(side.seen.domains.items()):
        yield f"VM {name}: {'on' if domain.id else 'off'}, stored {domain.stored}, live {domain.live}"
    for bdf, gpu in sorted(side.seen.gpus.items()):
        mine = {one: vgpu["type"] for one, vgpu in side.seen.vgpus.items() if vgpu["gpu"] == bdf}
        yield (f"GPU {bdf}: {gpu['driver']}, instances "
               f"{[(gi['name'], gi['start']) for gi in gpu['gis']]}, vGPUs {mine}")


def wrong_lines(text):
    return [line for line in text.splitlines() if WRONG_IN_LOG.search(line)]


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
