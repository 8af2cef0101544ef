import re

import pytest

from chatapp.exceptions import CLOSE_CODES, ERRORS, ClientError
from chatapp.protocol import MESSAGE_LIMIT
from tests.databases import ROOT


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_code_can_be_raised_and_has_a_sentence(code):
    assert ClientError(code).text.endswith(".")


@pytest.mark.parametrize("code", CLOSE_CODES)
def test_every_closing_error_is_in_the_table_and_in_the_range_of_applications(code):
    assert code in ERRORS
    assert 4000 <= ClientError(code).close_code <= 4999


def test_the_protocol_page_lists_exactly_these_codes():
    page = (ROOT / "docs" / "protocol.md").read_text()
    documented = dict(re.findall(r"^\| `(\w+)` \| ([0-9]*) *\|", page, re.MULTILINE))
    assert documented == {code: str(CLOSE_CODES.get(code, "")) for code in ERRORS}


def test_the_limit_in_the_sentence_is_the_limit():
    assert f"{MESSAGE_LIMIT:,}" in ERRORS["message_too_long"]
