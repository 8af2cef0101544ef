import re

import pytest

from relay import scripts

NAMES = sorted(path.stem for path in scripts.FOLDER.glob("*.lua"))
PARTS = sorted(path.stem for path in (scripts.FOLDER / "include").glob("*.lua"))


def own(name):
    return (scripts.FOLDER / (name + ".lua")).read_text(encoding="utf-8")


def named(kind, text):
    return {int(number) for number in re.findall(kind + r"\[(\d+)(?:\.\.\.)?\]", text)}


@pytest.mark.parametrize("name", NAMES)
def test_every_script_has_a_header_of_what_it_takes(name):
    text = scripts.source(name)
    assert text.startswith("-- ")
    header = "\n".join(line for line in text.splitlines() if line.startswith("-- "))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for kind in ("KEYS", "ARGV"):
        assert named(kind, code) <= named(kind, header), kind
        assert named(kind, header) == set(range(1, len(named(kind, header)) + 1)), kind
    assert "Returns" in header


@pytest.mark.parametrize("name", [*NAMES, *("include/" + part for part in PARTS)])
def test_scripts_are_small(name):
    assert len(own(name).splitlines()) <= 60


@pytest.mark.parametrize("name", [*NAMES, *("include/" + part for part in PARTS)])
def test_no_script_makes_up_keys(name):
    """All keys are passed in, or were put into Redis by someone to whom they were."""
    joins = [line.strip() for line in own(name).splitlines() if ".." in line and not line.startswith("--")]
    assert joins == (["return prefixes[expiry] .. rest"] if name == "include/lane" else [])


def test_every_script_is_used():
    code = "\n".join(path.read_text() for path in (scripts.FOLDER.parent).rglob("*.py"))
    assert [name for name in NAMES if '"%s"' % name not in code] == []
    texts = "\n".join(own(name) for name in [*NAMES, *("include/" + part for part in PARTS)])
    assert [part for part in PARTS if "-- include %s\n" % part not in texts] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_name_hides_another(name):
    """A script's own `local last` once took the place of the list `last` of what it includes."""
    names = re.findall(r"^local (?:function )?([\w, ]+?)(?: =|\(|$)", scripts.source(name), flags=re.MULTILINE)
    names = [each.strip() for group in names for each in group.split(",") if each.strip() != "_"]
    assert sorted(set(names)) == sorted(names)
