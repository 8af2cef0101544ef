"""
Ask whether known vulnerabilities are in what is pinned: pip-audit over the requirements, without what is accepted.

What is accepted is argued in deploy/accepted.toml. pip-audit gets an environment of its own in var/audit, if the
service that knows the vulnerabilities (PyPI's JSON API) can be reached.
"""

import argparse
import json
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED = ROOT / "deploy" / "accepted.toml"
PINS = ROOT / "requirements-audit.txt"
TARGET = ROOT / "var" / "audit"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
SERVICE = "https://pypi.org/pypi/django/json"
#: Seconds that the service may be silent before it counts as away.
TIMEOUT = 5


class AuditError(Exception):
    """Raised when pip-audit can't be installed, or says nothing that can be read."""


class Finding(NamedTuple):
    package: str
    version: str
    ids: frozenset[str]

    def __str__(self) -> str:
        return "%s %s: %s" % (self.package, self.version, ", ".join(sorted(self.ids)))


class Report(NamedTuple):
    audited: int
    findings: list[Finding]
    #: Name and reason of what was not looked at.
    skipped: list[tuple[str, str]]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", default=SERVICE, help="what must answer before anything is installed")
    options = parser.parse_args(argv)
    if not answers(options.service):
        print("NOT AUDITED: the vulnerability service can't be reached from here")
        return 0
    try:
        report = parse(run())
    except AuditError as e:
        print(e, file=sys.stderr)
        return 1
    return judge(report, argued())


def answers(url: str) -> bool:
    """Whether the service is there: a mirror of packages may answer, too, but knows no vulnerabilities."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            said = json.load(response)
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and "vulnerabilities" in said


def run() -> str:
    """What pip-audit says, as JSON. It ends with 1 when it found something, which is no failure here."""
    python = TARGET / "bin" / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", str(TARGET)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*install, "-r", str(PINS)], check=True)
    except subprocess.CalledProcessError as e:
        raise AuditError("pip-audit can't be installed into %s: %s" % (TARGET, e)) from e
    command = [str(python), "-m", "pip_audit", "--format", "json", "--no-deps", "--disable-pip"]
    command += ["--progress-spinner", "off"]
    for name in REQUIREMENTS:
        command += ["-r", str(ROOT / name)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def parse(text: str) -> Report:
    """Raises AuditError if it is not what pip-audit writes."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(text)["dependencies"]
        skipped = [(entry["name"], entry["skip_reason"]) for entry in dependencies if "skip_reason" in entry]
        audited = [entry for entry in dependencies if "skip_reason" not in entry]
        findings = [
            Finding(entry["name"].lower(), entry["version"], frozenset([found["id"], *found.get("aliases", [])]))
            for entry in audited
            for found in entry["vulns"]
        ]
    except (ValueError, KeyError, TypeError) as e:
        raise AuditError("pip-audit failed: it wrote no report that can be read (%r)." % e) from e
    # Both files may pin the same package.
    return Report(len(audited), list(dict.fromkeys(findings)), list(dict.fromkeys(skipped)))


def argued(path: Path = ACCEPTED) -> dict[tuple[str, str], str]:
    """The reasons of what is accepted, by package and id."""
    entries = tomllib.loads(path.read_text())
    return {(e["package"], name): "%s; closed by %s" % (e["why"], e["closed_by"]) for name, e in entries.items()}


def judge(report: Report, accepted: dict[tuple[str, str], str]) -> int:
    """Print what was found; 1 if something is not accepted."""
    for name, reason in report.skipped:
        print("Not audited: %s (%s)" % (name, reason))
    if not report.audited:
        print("NOT AUDITED: no package was looked at")
        return 0
    found = {(finding.package, name) for finding in report.findings for name in finding.ids}
    for package, name in sorted(accepted.keys() - found):
        print("Stale: %s of %s was not found: take it out of deploy/accepted.toml" % (name, package))
    refused = [f for f in report.findings if not any((f.package, name) in accepted for name in f.ids)]
    for finding in refused:
        print("NOT ACCEPTED: %s" % str(finding))
    known = len(report.findings) - len(refused)
    print("%d packages audited: %d findings accepted, %d not" % (report.audited, known, len(refused)))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
