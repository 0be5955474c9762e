# SPDX-License-Identifier: Apache-2.0
"""A site's own rules change while cleaved runs; claims override those that are soft."""
import json
import signal

import pytest

from harness import BUILD, wait_for

FOLDER = "/etc/cleave/rules.d"
RULE = """rules:
  - id: {id}
    statement: At this site L40S are shared.
    source: the site's handbook
    confidence: inferred
    {more}
    when:
      - {{fact: claim.mode, is: passthrough}}
      - {{fact: model.key, is: l40s}}
    message: "{{model.name}} is not passed through at this site"
    instead: "use a vGPU type"
"""
WHOLE = {"name": "whole", "mode": "passthrough", "gpu": "0000:81:00.0"}


@pytest.fixture
def site(machine):
    one = machine("demo")
    one.start()
    return one


def rule(id="site-shared", more="soft: true"):
    return RULE.format(id=id, more=more)


def put(site, text, name="site.yaml"):
    """As editors do: written next to it, and renamed."""
    site.run("sh", "-ec", f"mkdir -p {FOLDER}; cat > {FOLDER}/.{name}.new; "
             f"mv {FOLDER}/.{name}.new {FOLDER}/{name}", input=text)


def own(site):
    answer = site.api.get("/v1/rules")
    return {one["id"] for one in answer["rules"] if one["own"]}, answer["problem"]


def wait_own(site, *ids):
    wait_for(lambda: own(site) == (set(ids), None), problem=f"{own(site)} is not {ids}")


def events(site, kind):
    return [one["message"] for one in site.api.get(f"/v1/events?kind={kind}")["events"]]


def dry_run(site, **more):
    return site.api.call("POST", "/v1/claims?dryRun=true", WHOLE | more)[:2]


def test_a_site_changes_its_rules_while_cleaved_runs(site):
    assert own(site) == (set(), None)
    assert dry_run(site)[0] == 200
    put(site, rule())  # with the folder
    wait_own(site, "site-shared")
    status, problem = dry_run(site)
    assert (status, problem["rule"]) == (422, "site-shared")
    assert problem["detail"] == "L40S 48GB is not passed through at this site"
    assert events(site, "host-rules-changed") == ["of the site's own rules 1 are in force, from 1 file"]
    site.sh(f"rm {FOLDER}/site.yaml")
    wait_own(site)
    assert dry_run(site)[0] == 200


FAULTS = {
    "an unknown fact": (rule(more="soft: true").replace("model.key", "model.kex"), "site.yaml:9:10: ", "unknown fact"),
    "an unknown key": (rule(more="sift: true"), "site.yaml:2:5: ", "sift"),
    "no YAML": ("rules: [", "site.yaml:", ""),
    "a rule of cleave's": (rule(id="mixed-sizes-need-driver"), "site.yaml:2:5: ", "two rules are called"),
    "half a file": (rule()[:120], "site.yaml:", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_with_an_error_keeps_the_old_rules(site, fault):
    text, place, reason = FAULTS[fault]
    put(site, rule())
    wait_own(site, "site-shared")
    put(site, text)
    wait_for(lambda: own(site)[1], problem="no problem is said")
    ids, problem = own(site)
    assert ids == {"site-shared"} and dry_run(site)[0] == 422
    assert problem.startswith(f"{FOLDER}/{place}") and reason in problem, problem
    assert len(events(site, "host-rules-refused")) == 1
    health = site.api.get("/v1/health")
    assert [(one["what"], one["text"]) for one in health["problems"]] == [("rules", problem)]
    assert site.api.get("/v1/host")["rulesProblem"] == problem
    shown = " ".join(site.cleave.run("host", "show").stdout.split())
    assert problem in shown
    assert problem in " ".join(site.cleave.run("rule", "list").stdout.split())
    put(site, rule(id="site-mended"))
    wait_own(site, "site-mended")
    assert site.api.get("/v1/health")["status"] == "ok"


def test_others_who_can_write_there_change_no_rule(site):
    put(site, rule())
    wait_own(site, "site-shared")
    site.sh(f"chmod o+w {FOLDER}")
    wait_for(lambda: own(site)[1])
    assert own(site)[1] == (f"other users can change the folder of rules {FOLDER}; look whether its rules "
                            f"are yours, then `chmod go-w {FOLDER}`")
    site.sh(f"chmod o-w {FOLDER}; chmod g+w {FOLDER}/site.yaml")
    wait_for(lambda: "file of rules" in (own(site)[1] or ""))
    site.sh(f"chmod g-w {FOLDER}/site.yaml")
    wait_own(site, "site-shared")


def test_sighup_reads_the_rules_again(site):
    site.signal(signal.SIGHUP)
    wait_for(lambda: f"{FOLDER} are as before" in site.log.read_text(), problem=site.log)
    assert site.lives() and events(site, "host-rules-changed") == []


def test_a_start_with_an_error_goes_on_without_the_site_s_rules(site):
    site.stop()
    put(site, "rules: 1\n")
    site.start()
    ids, problem = own(site)
    assert ids == set() and problem.startswith(f"{FOLDER}/site.yaml:1:")
    assert len(events(site, "host-rules-refused")) == 1
    put(site, rule())
    wait_own(site, "site-shared")


def test_rules_are_shown_without_cleaved(site):
    put(site, rule())
    wait_own(site, "site-shared")
    online = site.api.get("/v1/rules")
    cleave = (BUILD / "src/cli/cleave", "--socket", site.socket, "rule")
    assert json.loads(site.run(*cleave, "list", "--offline", "-o", "json").stdout) == online
    site.stop()
    done = site.run(*cleave, "list", "-o", "json")
    assert json.loads(done.stdout) == online and "cleaved does not answer" in done.stderr
    shown = site.run(*cleave, "show", "site-shared")
    assert "L40S are shared" in shown.stdout and "cleaved does not answer" in shown.stderr
    assert site.run(*cleave, "show", "--offline", "no-such-rule", check=False).returncode == 3
    put(site, "rules: 1\n")
    answer = json.loads(site.run(*cleave, "list", "--offline", "-o", "json").stdout)
    assert answer["problem"].startswith(f"{FOLDER}/site.yaml:1:")
    assert not any(one["own"] for one in answer["rules"])


def test_a_claim_overrides_a_soft_rule_with_a_reason(site):
    put(site, rule())
    wait_own(site, "site-shared")
    reason = "the lab's own board"
    made = site.cleave.run("claim", "create", "whole", "--mode", "passthrough", "--gpu", WHOLE["gpu"],
                           "--override", f"site-shared={reason}")
    assert made.returncode == 0, made.stderr
    claim = site.api.get("/v1/claims/whole")
    assert claim["overrides"] == [{"rule": "site-shared", "reason": reason}]
    assert reason in site.cleave.run("claim", "show", "whole").stdout
    [event] = events(site, "claim-rule-overridden")
    assert "site-shared" in event and reason in event
    # The rule goes, and is hard when it comes back: the claim that is there stays as it is.
    site.sh(f"rm {FOLDER}/site.yaml")
    wait_own(site)
    assert site.api.get("/v1/claims/whole")["state"] == "bound"
    put(site, rule(more="soft: false"))
    wait_own(site, "site-shared")
    site.stop()
    site.start()
    claim = site.api.get("/v1/claims/whole")
    assert claim["state"] == "bound" and claim["overrides"][0]["reason"] == reason


PLAIN = {"whole": {key: value for key, value in WHOLE.items() if key != "name"}}


def overriding(reason):
    return {"whole": PLAIN["whole"] | {"overrides": [{"rule": "site-shared", "reason": reason}]}}


def test_a_site_s_changed_override_is_a_change(site):
    put(site, rule())
    wait_own(site, "site-shared")
    assert site.api.call("POST", "/v1/apply?dryRun=true", {"name": "lab", "claims": [WHOLE]})[0] == 422
    assert site.apply("lab", overriding("first"))["state"] == "done"
    assert site.apply("lab", overriding("first"))["steps"] == []
    assert len(events(site, "claim-rule-overridden")) == 1
    assert site.apply("lab", overriding("second"))["state"] == "done"
    assert site.api.get("/v1/claims/whole")["overrides"][0]["reason"] == "second"
    assert [message.rsplit(": ")[1] for message in events(site, "claim-rule-overridden")] == ["first", "second"]
    # The rule is gone: the file that overrides it is refused, and the claim stays.
    site.sh(f"rm {FOLDER}/site.yaml")
    wait_own(site)
    status, problem, _ = site.api.call("POST", "/v1/apply", {
        "name": "lab", "claims": [WHOLE | overriding("second")["whole"]]})
    assert status == 404 and "site-shared" in problem["detail"]
    assert site.api.get("/v1/claims/whole")["state"] == "bound"
    assert site.apply("lab", PLAIN)["state"] == "done"
    assert "overrides" not in site.api.get("/v1/claims/whole")


def test_a_claim_without_its_device_does_not_get_it_once_its_override_no_longer_applies(site):
    put(site, rule())
    wait_own(site, "site-shared")
    site.define("web1")
    site.create("whole", **PLAIN["whole"], vm="web1", hold="on-demand",
                overrides=[{"rule": "site-shared", "reason": "the lab's own board"}])
    put(site, rule(more="soft: false"))
    wait_for(lambda: not any(one["soft"] for one in site.api.get("/v1/rules/site-shared")["rules"]))
    started = site.cleave.run("vm", "start", "web1")
    assert started.returncode == 9 and "is not passed through at this site" in started.stderr, started.stderr
    assert site.virsh("domstate", "web1").stdout.strip() == "shut off"
    put(site, rule())
    wait_for(lambda: all(one["soft"] for one in site.api.get("/v1/rules/site-shared")["rules"]))
    started = site.cleave.run("vm", "start", "web1")
    assert started.returncode == 0, started.stderr


REFUSED = {
    "a hard rule": ("site-hard", "reason", 422, "can't be overridden"),
    "no such rule": ("site-none", "reason", 404, "no rule is called"),
    "a rule that warns": ("site-warns", "reason", 422, "can't be overridden"),
    "control characters": ("site-shared", "a\x1b[31mred", 400, "reason"),
    "a line break": ("site-shared", "a\nb", 400, "reason"),
    "no reason": ("site-shared", "", 400, "reason"),
    "a long reason": ("site-shared", "r" * 160, 400, "reason"),
}


def test_an_override_that_can_not_be_is_refused(site):
    put(site, rule() + rule(id="site-hard", more="soft: false")[7:] + rule(id="site-warns", more="warns: true")[7:])
    wait_own(site, "site-shared", "site-hard", "site-warns")
    for case, (rule_id, reason, expected, words) in REFUSED.items():
        status, problem = dry_run(site, overrides=[{"rule": rule_id, "reason": reason}])
        assert status == expected, (case, problem)
        assert words in problem["detail"] and "\x1b" not in problem["detail"], (case, problem)
