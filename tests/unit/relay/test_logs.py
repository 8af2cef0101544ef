import logging

import pytest

from relay.logs import JsonLineFormatter, LineFormatter

ROW = "DETAIL:  Failing row contains (3, user:3, quiet\n\nquiet: x, 2026).\n"


def record(error=None, *args):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed%s", args or ("",), info)


@pytest.mark.parametrize("formatter", [LineFormatter, JsonLineFormatter])
def test_the_row_that_a_database_refuses_is_not_logged_but_why_and_where(formatter):
    """In a traceback it stands twice: Django raises its own from the driver's."""
    try:
        try:
            raise LookupError("null value in column\n" + ROW)
        except LookupError as e:
            raise ValueError("null value in column\n" + ROW) from e
    except ValueError as e:
        text = formatter().format(record(e))
    assert "quiet" not in text
    assert text.count("DETAIL: left out") == 2


@pytest.mark.parametrize("end", ["", "\n", "CONTEXT:  quiet\n"])
def test_nor_is_it_in_a_line_without_a_traceback(end):
    text = LineFormatter("%(levelname)s %(message)s").format(record(None, ": null value\n" + ROW + end))
    assert text.rstrip() == "ERROR it failed: null value\nDETAIL: left out"


def test_other_lines_are_as_python_writes_them():
    assert LineFormatter("%(message)s").format(record(None, ": in detail")) == "it failed: in detail"
