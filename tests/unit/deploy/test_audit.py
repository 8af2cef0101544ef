"""`make audit`: what pip-audit found, beside what is accepted."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy import audit
from deploy.audit import AuditError, argued, judge, parse
from tests.ports import free_port

#: As pip-audit 2 writes it.
RECORDED = """{"dependencies": [
  {"name": "six", "version": "1.17.0", "vulns": []},
  {"name": "daphne", "version": "1.4.2", "vulns": [
    {"id": "PYSEC-1", "fix_versions": ["4.2.2"], "aliases": ["CVE-2026-44545", "GHSA-1"], "description": "frames"}]},
  {"name": "Django", "version": "2.2.28", "vulns": [
    {"id": "CVE-2023-24580", "fix_versions": ["3.2.18"], "aliases": ["PYSEC-2023-13"], "description": "files"}]},
  {"name": "ours", "skip_reason": "Dependency not found on PyPI and could not be audited: ours (1.0)"}
], "fixes": []}"""
DJANGOS = {("django", "CVE-2023-24580"): "why"}
ACCEPTED = {**DJANGOS, ("daphne", "CVE-2026-44545"): "why"}


@pytest.fixture
def service():
    """A function that starts a service which gives this answer, and returns its URL."""
    servers = []

    def start(body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return "http://127.0.0.1:%d" % servers[-1].server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_report_is_read_with_all_names_of_a_finding():
    report = parse(RECORDED)
    assert report.audited == 3
    assert [(f.package, f.version) for f in report.findings] == [("daphne", "1.4.2"), ("django", "2.2.28")]
    assert report.findings[0].ids == {"PYSEC-1", "CVE-2026-44545", "GHSA-1"}
    assert [name for name, _ in report.skipped] == ["ours"]


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"dependencies": [{"name": "six"}]}'])
def test_what_is_no_report_is_a_failure(text):
    with pytest.raises(AuditError, match="pip-audit failed"):
        parse(text)


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-2026-44545", "GHSA-1"])
def test_a_finding_is_accepted_by_any_of_its_names(name, capsys):
    assert judge(parse(RECORDED), {**DJANGOS, ("daphne", name): "why"}) == 0
    said = capsys.readouterr().out
    assert "Stale" not in said
    assert "Not audited: ours (Dependency not found" in said


def test_a_finding_that_is_not_accepted_is_named_and_fails(capsys):
    assert judge(parse(RECORDED), {**DJANGOS, ("six", "CVE-2026-44545"): "of another package"}) == 1
    assert "NOT ACCEPTED: daphne 1.4.2: CVE-2026-44545, GHSA-1, PYSEC-1" in capsys.readouterr().out


def test_what_is_not_found_any_more_is_stale_and_does_not_fail(capsys):
    assert judge(parse(RECORDED), {**ACCEPTED, ("six", "CVE-1"): "why"}) == 0
    assert "Stale: CVE-1 of six" in capsys.readouterr().out


def test_when_all_were_skipped_nothing_was_audited(capsys):
    report = parse('{"dependencies": [{"name": "six", "skip_reason": "away"}], "fixes": []}')
    assert judge(report, ACCEPTED) == 0
    assert "NOT AUDITED: no package was looked at" in capsys.readouterr().out


def test_without_the_service_nothing_is_installed_and_it_says_so_loudly(monkeypatch, capsys):
    monkeypatch.setattr(audit, "run", lambda: pytest.fail("ran"))
    assert audit.main(["--service", "http://127.0.0.1:%d" % free_port()]) == 0
    assert "NOT AUDITED: the vulnerability service can't be reached from here" in capsys.readouterr().out


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"info": {}}'])
def test_who_knows_no_vulnerabilities_is_not_the_service(body, service):
    assert not audit.answers(service(body))


def test_with_the_service_the_findings_are_judged(monkeypatch, service, capsys):
    monkeypatch.setattr(audit, "run", lambda: RECORDED)
    monkeypatch.setattr(audit, "argued", lambda: ACCEPTED)
    assert audit.main(["--service", service(b'{"vulnerabilities": []}')]) == 0
    assert "3 packages audited: 2 findings accepted, 0 not" in capsys.readouterr().out


def test_each_accepted_finding_is_argued_and_shown():
    assert ("daphne", "CVE-2026-44545") in argued()
    assert all(len(reason) > 40 for reason in argued().values())
    page = (audit.ROOT / "docs" / "cves.md").read_text()
    assert all(name in page for _, name in argued())
