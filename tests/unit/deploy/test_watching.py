"""
Prometheus and Grafana take their files, and alerts fire when they should. That what these name is there,
tests/acceptance/test_metrics.py shows.
"""

import json
import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from tests.databases import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "parley.json").read_text())


def rules():
    groups = YAML(typ="safe").load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_look(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["for"]
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"]
    assert 'job="parley"' in rule["expr"], "the same samples may be there under another job"


def test_alerts_have_names_of_their_own():
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not here: apt-get install prometheus"
)


@needs_promtool
def test_prometheus_takes_its_files(tmp_path):
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (folder / "metrics_token").write_text("a token")
    for what, name in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        done = subprocess.run(["promtool", "check", what, folder / name], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def steady(value, minutes):
    """One value for so long, a scrape each 15 s, as Prometheus' tests write it."""
    return " ".join([str(value)] * int(minutes * 4))


WAITS = 'relay_database_waits_total{job="parley", kind="worker", process="a"}'
SCRAPED = 'relay_scraped_up{job="parley", collector="chat"}'
LIVING = 'relay_processes{job="parley", kind="interface"}'
LISTENING = 'relay_channel_workers{job="parley", channel="notifications-out"}'
#: What is seen; and the alert, its labels beside the severity, the minutes in which it fires, and in which it does not.
STORIES = {
    "the database restarts": (
        {WAITS: steady(0, 5) + " " + steady(40, 25), SCRAPED: steady(1, 5) + " 0 " + steady(1, 25)},
        ("ParleyWaitsForTheDatabase", {}, [], [5, 6, 7, 8, 10]),
    ),
    "the database is away for ten minutes, and messages wait": (
        {WAITS: steady(0, 5) + " 0+30x40 " + steady(1200, 15), SCRAPED: steady(1, 30)},
        ("ParleyWaitsForTheDatabase", {}, [8, 12, 15], [6, 17]),
    ),
    "the database is away for ten minutes, and nobody talks": (
        {WAITS: steady(0, 30), SCRAPED: " ".join([steady(1, 5), steady(0, 10), steady(1, 15)])},
        ("ParleyWaitsForTheDatabase", {}, [8, 12], [6, 17]),
    ),
    "one of two interface servers stays away": (
        {LIVING: steady(2, 60) + " " + steady(1, 60)},
        ("ParleyMissesProcesses", {"kind": "interface"}, [66, 80], [60, 62, 100]),
    ),
    "an interface server restarts": (
        {LIVING: " ".join([steady(2, 60), steady(1, 1), steady(3, 1), steady(2, 58)])},
        ("ParleyMissesProcesses", {"kind": "interface"}, [], [61, 62, 70, 80]),
    ),
    "the workers that are left have other channels": (
        {LISTENING: steady(1, 10) + " " + steady(0, 10)},
        ("ParleyHasNoWorkers", {"channel": "notifications-out"}, [12, 19], [10]),
    ),
}


@needs_promtool
@pytest.mark.parametrize(("seen", "expected"), STORIES.values(), ids=STORIES)
def test_an_alert_fires_when_something_lasts_and_not_for_what_is_over(seen, expected, tmp_path):
    name, labels, fires, silent = expected
    (rule,) = [rule for rule in rules() if rule["alert"] == name]
    alert = {"exp_labels": {**rule["labels"], **labels}, "exp_annotations": told(rule, {**labels, "value": "1"})}
    checks = [{"eval_time": "%dm" % at, "alertname": name, "exp_alerts": [alert]} for at in fires]
    checks += [{"eval_time": "%dm" % at, "alertname": name, "exp_alerts": []} for at in silent]
    series = [{"series": name, "values": values} for name, values in seen.items()]
    story = {"interval": "15s", "input_series": series, "alert_rule_test": checks}
    file = {"rule_files": [str(PROMETHEUS / "alerts.yml")], "evaluation_interval": "15s", "tests": [story]}
    (tmp_path / "story.yml").write_text(json.dumps(file))
    done = subprocess.run(["promtool", "test", "rules", tmp_path / "story.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def told(rule, values):
    """Its annotations, as Prometheus sends them."""
    found = dict(rule["annotations"])
    for name, value in values.items():
        for template in ("{{ $labels.%s }}" % name, "{{ $%s }}" % name):
            found["summary"] = found["summary"].replace(template, value)
    return found


def panels():
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_panels_can_be_told_apart_and_lie_beside_one_another():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_asks_the_source_and_the_job_that_are_chosen():
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query"}
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert 'job="$job"' in target["expr"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
