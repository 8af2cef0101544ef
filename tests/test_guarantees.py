"""docs/guarantees.md names tests that are there, and figures that are exported."""

import re

import pytest

from tests.databases import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
TESTS = sorted(set(re.findall(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)", PAGE)))
FIGURES = sorted(set(re.findall(r"`((?:chat|relay)_[a-z_]+)`", PAGE)))
#: What the pages about metrics and about the canary tell of, which tests of their own compare with what is exported.
EXPLAINED = (ROOT / "docs" / "metrics.md").read_text() + (ROOT / "chatapp" / "canary" / "metrics.py").read_text()


@pytest.mark.parametrize(("name", "path"), TESTS, ids=str)
def test_a_guarantee_names_a_test_that_is_there(name, path):
    assert "def %s(" % name in (ROOT / path).read_text()


@pytest.mark.parametrize("figure", FIGURES)
def test_a_guarantee_names_a_figure_that_is_explained(figure):
    stem = figure.removesuffix("_total")
    assert stem in EXPLAINED or stem.removeprefix("chat_canary_") in EXPLAINED


def test_every_promise_has_a_test():
    table = PAGE.partition("## The promises")[2].partition("\nThe canary")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert rows
    assert all("](../tests/" in row for row in rows)
