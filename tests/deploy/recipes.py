"""The recipes in deploy/, made to run here: other ports and paths in the place of those of a machine of its own."""

import re
import shlex
from pathlib import Path

from tests.databases import ROOT

#: Where the recipes have the checkout and its Python.
HOME = "/opt/parley"
PYTHON = HOME + "/.venv/bin/python"


def recipe(name: str) -> Path:
    return ROOT / "deploy" / name


def adapted(name: str, changes: dict[str, str]) -> str:
    """The text of a recipe's file with these changes, each of which must find something to change."""
    text = recipe(name).read_text()
    for old, new in changes.items():
        assert old in text, "%s is not in %s" % (old, name)
        text = text.replace(old, new)
    return text


def directives(name: str) -> dict[str, list[str]]:
    """What a unit says: directive → its values, in their order. Sections don't matter here: no name is in two."""
    found: dict[str, list[str]] = {}
    for line in recipe("systemd/" + name).read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def unit_command(name: str, instance: str = "") -> str:
    """What a unit starts, as a shell takes it."""
    (command,) = directives(name)["ExecStart"]
    return command.replace(PYTHON, "python").replace("%i", instance)


def unit_environment(name: str) -> dict[str, str]:
    """What a unit itself puts into the environment."""
    pairs = [pair for value in directives(name).get("Environment", []) for pair in shlex.split(value)]
    return dict(pair.split("=", 1) for pair in pairs)


def environment_file(text: str) -> dict[str, str]:
    """The variables in a file of lines `NAME=value`."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
