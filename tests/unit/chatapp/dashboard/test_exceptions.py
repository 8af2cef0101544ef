import re

import pytest

from chatapp.dashboard.exceptions import CLOSE_CODES, ERRORS, STATUS, DashboardError
from chatapp.exceptions import CLOSE_CODES as CHAT_CLOSE_CODES
from chatapp.exceptions import ERRORS as CHAT_ERRORS
from chatapp.protocol import error_frame
from tests.databases import ROOT


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_has_a_sentence_and_becomes_a_frame(code):
    assert error_frame(DashboardError(code)) == {"type": "error", "code": code, "text": ERRORS[code]}
    assert ERRORS[code].endswith(".")
    assert 400 <= DashboardError(code).status < 600


def test_codes_mean_one_thing_in_the_chat_and_here():
    assert not set(ERRORS) & set(CHAT_ERRORS)
    assert not set(CLOSE_CODES.values()) & set(CHAT_CLOSE_CODES.values())
    assert all(4500 <= code <= 4999 for code in CLOSE_CODES.values())


def test_the_page_lists_exactly_these_codes():
    page = (ROOT / "docs" / "dashboard.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| ([0-9]*) *\| ([0-9]*) *\|", page, re.MULTILINE)
    status = {"login_required": "", "staff_only": "", "invalid_dashboard": "", "no_such_series": ""}
    assert {code: (http, close) for code, http, close in listed} == {
        code: (status.get(code, str(STATUS.get(code, 400))), str(CLOSE_CODES.get(code, ""))) for code in ERRORS
    }
