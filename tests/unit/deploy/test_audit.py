"""What `make audit` makes of pip-audit's report."""

import tomllib

import pytest

from deploy import audit
from tests.databases import ROOT


def package(name, *holes, **more):
    vulns = [{"id": ids[0], "aliases": list(ids[1:]), "fix_versions": []} for ids in holes]
    return {"name": name, "version": "1.0", "vulns": vulns, **more}


@pytest.fixture
def run(monkeypatch, capsys):
    """The exit code and what is printed, for a report of these packages."""

    def run(*packages):
        monkeypatch.setattr(audit, "can_be_asked", lambda: True)
        monkeypatch.setattr(audit, "run_tool", lambda: {"dependencies": list(packages), "fixes": []})
        monkeypatch.setattr(audit.sys, "argv", ["audit"])
        return audit.main(), capsys.readouterr().out

    return run


def test_a_hole_that_nobody_has_accepted_is_an_error(run):
    code, text = run(package("twisted", ["PYSEC-2026-1", "CVE-2026-1"]))
    assert code == 1
    assert "NEW: twisted 1.0: CVE-2026-1, PYSEC-2026-1" in text


def test_what_is_accepted_is_accepted_under_each_of_its_names_and_for_its_package_only(run):
    code, text = run(package("Daphne", ["GHSA-x", "CVE-2026-44545"], ["CVE-2026-44546"]))
    assert (code, "NEW" in text, "Stale" in text) == (0, False, False)
    assert run(package("twisted", ["CVE-2026-44545"]))[0] == 1


def test_every_issue_of_django_that_is_gone_through_is_accepted(run):
    assert run(package("django", ["PYSEC-2022-1", "CVE-2022-34265"], ["CVE-2026-84429"]))[0] == 0
    assert sum(name == "django" for name in audit.accepted().values()) == 74


def test_what_is_accepted_and_not_found_is_stale_and_what_was_not_looked_at_is_named(run):
    code, text = run(package("six"), {"name": "odd", "skip_reason": "Dependency not found on PyPI"})
    assert code == 0
    assert "Stale: CVE-2026-44545 of daphne" in text
    assert "Not audited: odd" in text


def test_if_nothing_could_be_looked_at_it_says_so_aloud(run, monkeypatch, capsys):
    code, text = run({"name": "six", "skip_reason": "Dependency not found on PyPI"})
    assert (code, text.startswith("NOT AUDITED")) == (0, True)
    monkeypatch.setattr(audit, "can_be_asked", lambda: False)
    assert audit.main() == 0
    assert capsys.readouterr().out.startswith("NOT AUDITED")


def test_a_list_that_cannot_be_reached_is_no_answer(monkeypatch):
    monkeypatch.setattr(audit, "PROBE", "http://127.0.0.1:9/")
    assert not audit.can_be_asked()


def test_each_that_is_accepted_has_its_reason_and_what_closes_it():
    for entry in tomllib.loads((ROOT / "deploy" / "accepted.toml").read_text())["accepted"]:
        assert all(entry[key] for key in ("package", "ids", "why", "closed_by"))
