"""P1: a migration that has landed is never edited, since whoever has run it would not run it again."""

import hashlib

import pytest

from tests.databases import ROOT
from tests.upgrades import FOLDER

LANDED = [line.split() for line in (FOLDER / "landed.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("expected", "name"), LANDED, ids=[name for _, name in LANDED])
def test_what_has_landed_is_never_edited(expected, name):
    found = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
    assert found == expected, "put it back as it was, and write another migration"
