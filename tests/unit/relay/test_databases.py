"""The table of whose fault an error is. As the servers raise them: tests/integration/worker/test_database_errors.py."""

import time

import psycopg2
import pytest
from django.db import OperationalError

from relay.databases import AWAY, BUSY, LAYER_AWAY, excuse, listed, said, trouble_of
from relay.exceptions import LayerUnavailable


class ServerError(psycopg2.Error):
    """An error with a code."""

    def __init__(self, code):
        super().__init__("server says %s" % code)
        self.code = code

    pgcode = property(lambda self: self.code)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        *((code, AWAY) for code in ("08006", "25006", "53100", "53300", "57P01", "57P02", "57P03", "58030")),
        *((code, BUSY) for code in ("40001", "40P01", "53200", "53400", "55P03", "57014", "25P03", "25P04")),
        *((code, None) for code in ("22012", "23505", "25001", "25P02", "42P01", "54000", "55006", "P0001", "XX000")),
    ],
)
def test_a_code_says_whose_fault_it_is(code, trouble):
    """P2, P6"""
    assert listed(code) is trouble
    assert trouble_of(ServerError(code)) is trouble


def raised(outer, inner, suppress=False):
    try:
        try:
            raise inner
        except Exception as e:
            if suppress:
                raise outer from e
            raise outer  # noqa: B904
    except Exception as e:
        return e


def test_what_led_to_an_error_counts():
    assert trouble_of(raised(RuntimeError("the application's own"), ServerError("25006"))) is AWAY
    assert trouble_of(raised(RuntimeError("the application's own"), ServerError("25006"), suppress=True)) is AWAY
    assert trouble_of(raised(OperationalError("Django's"), ServerError("55P03"), suppress=True)) is BUSY


def test_of_several_errors_the_last_with_a_code_counts():
    """Who handles a deadlock, and then writes what is no row, has made a mistake."""
    assert trouble_of(raised(ServerError("23505"), ServerError("40P01"))) is None


def test_a_layer_that_is_away_is_not_the_fault_of_the_message():
    assert trouble_of(LayerUnavailable("it is away")) is LAYER_AWAY
    assert trouble_of(raised(RuntimeError("of it"), LayerUnavailable("it is away"))) is LAYER_AWAY


def test_other_errors_are_the_fault_of_the_message():
    assert trouble_of(None) is None
    assert trouble_of(ValueError("a mistake")) is None


@pytest.mark.parametrize("code", ["55P03", "40P01", "57014"])
def test_what_is_in_the_way_for_too_long_is_a_failure_after_all(code):
    """Else a query that is too slow each time would stop its lane for ever."""
    now = time.time()
    assert excuse(ServerError(code), [now - 590, None]) is BUSY
    assert excuse(ServerError(code), [now, now - 610]) is None
    assert excuse(ServerError("25006"), [now - 86400]) is AWAY, "that is never the message's fault"
    assert excuse(LayerUnavailable("away"), [now - 86400]) is LAYER_AWAY


def test_how_long_that_is_can_be_set(settings_override):
    settings_override(RELAY_DATABASE_PATIENCE=5)
    assert excuse(ServerError("55P03"), [time.time() - 6]) is None


def test_a_log_gets_the_first_line_of_an_error():
    assert said(OperationalError("deadlock detected\nDETAIL: rows of others\n")) == "deadlock detected"
    assert said(OperationalError()) == "OperationalError"
