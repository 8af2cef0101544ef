"""
Look for known holes in the pinned packages: `make audit`.

pip-audit asks PyPI. What it finds must be accepted with a reason: in deploy/accepted.toml, for Django in docs/cves.md.
Where PyPI's list can't be reached, nothing is audited, and this says so and succeeds.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
import urllib.request
import venv
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
#: Where pip-audit is installed: what it needs may not agree with what we need.
HOME = ROOT / "var" / "audit"
TOOL = "pip-audit==2.10.1"
#: What answers if PyPI tells of holes, and the seconds that it may take.
PROBE, PATIENCE = "https://pypi.org/pypi/django/2.2.28/json", 5
LISTS = ("requirements.txt", "requirements-dev.txt")


class Finding(NamedTuple):
    package: str
    version: str
    #: All names that it goes by: PYSEC, CVE, GHSA.
    ids: frozenset[str]

    def __str__(self) -> str:
        return "%s %s: %s" % (self.package, self.version, ", ".join(sorted(self.ids)))


def main() -> int:
    argparse.ArgumentParser(prog="make audit", description=__doc__.strip().split("\n\n")[0]).parse_args()
    if not can_be_asked():
        print("NOT AUDITED: PyPI's list of holes can't be reached from here.")
        return 0
    report = run_tool()
    findings, skipped, looked_at = read(report)
    if not looked_at:
        print("NOT AUDITED: PyPI knows none of the packages here.")
        return 0
    return judge(findings, skipped, accepted())


def can_be_asked() -> bool:
    try:
        with urllib.request.urlopen(PROBE, timeout=PATIENCE) as answer:
            return "vulnerabilities" in json.load(answer)
    except (OSError, ValueError):
        return False


def run_tool() -> dict[str, Any]:
    """pip-audit's report. It exits with 1 if it found anything."""
    program = str(HOME / "bin" / "pip-audit")
    if not Path(program).exists():
        venv.create(HOME, with_pip=True)
        subprocess.run([HOME / "bin" / "pip", "install", "--quiet", TOOL], check=True)
    command = [program, "--format", "json", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    for name in LISTS:
        command += ["-r", str(ROOT / name)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit("pip-audit failed:\n%s" % done.stderr)
    return json.loads(done.stdout)


def read(report: dict[str, Any]) -> tuple[list[Finding], list[str], int]:
    """What was found, what could not be looked at, and how much was."""
    findings: list[Finding] = []
    skipped = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            skipped.append(package["name"])
        for hole in package.get("vulns", []):
            ids = frozenset([hole["id"], *hole.get("aliases", [])])
            findings.append(Finding(package["name"].lower(), package["version"], ids))
    return findings, skipped, len(report["dependencies"]) - len(skipped)


def accepted() -> dict[str, str]:
    """Id → package, of what is known and answered."""
    listed = tomllib.loads((ROOT / "deploy" / "accepted.toml").read_text())["accepted"]
    known = {name: entry["package"] for entry in listed for name in entry["ids"]}
    table = (ROOT / "docs" / "cves.md").read_text().partition("## Beside Django")[0]
    rows = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| "))
    return {**{"CVE-" + number: "django" for number in re.findall(r"\b20\d\d-\d{4,6}\b", rows)}, **known}


def judge(findings: list[Finding], skipped: list[str], known: dict[str, str]) -> int:
    """Say what is new, and what is accepted that nobody finds any more. 1 if anything is new."""
    new = [finding for finding in findings if not any(known.get(name) == finding.package for name in finding.ids)]
    found = {name for finding in findings for name in finding.ids}
    listed = {name for name, package in known.items() if package != "django"}
    for name in sorted(listed - found):
        print("Stale: %s of %s is accepted, and not found. Take it out of deploy/accepted.toml." % (name, known[name]))
    if skipped:
        print("Not audited: %s" % ", ".join(sorted(skipped)))
    for finding in sorted(new):
        print("NEW: %s. Update it, or say in deploy/accepted.toml why it may stay." % (finding,))
    print("%d known holes, %d of them accepted." % (len(findings), len(findings) - len(new)))
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
