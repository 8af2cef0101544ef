"""Prometheus and Grafana take their files. That what these name is there, tests/acceptance/test_metrics.py shows."""

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


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here: apt-get install prometheus")
def test_prometheus_takes_its_files(tmp_path):
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (folder / "metrics_token").write_text("a token")
    for what, name in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        done = subprocess.run(["promtool", "check", what, folder / name], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


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
