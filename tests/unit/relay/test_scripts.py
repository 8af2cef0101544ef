import re

import pytest

from relay import scripts

NAMES = sorted(path.stem for path in scripts.FOLDER.glob("*.lua"))


@pytest.mark.parametrize("name", NAMES)
def test_every_script_has_a_header_of_what_it_takes(name):
    text = scripts.source(name)
    assert text.startswith("-- ")
    header = "\n".join(line for line in text.splitlines() if line.startswith("-- "))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for kind in ("KEYS", "ARGV"):
        pattern = kind + r"\[(\d+)\]"
        assert set(re.findall(pattern, code)) == set(re.findall("-- " + pattern, header)), kind
    assert "Returns" in header
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("name", NAMES)
def test_no_script_makes_up_keys(name):
    """All keys are passed in: a cluster, and a reader, must see which they are."""
    assert ".." not in re.sub(r"^--.*$", "", scripts.source(name), flags=re.MULTILINE)
