import pytest

from chatapp.dashboard import checks


@pytest.mark.parametrize("circle", ["everyone", "users", "staff"])
def test_each_circle_is_fine(settings_override, circle):
    settings_override(CHAT_DASHBOARDS=circle)
    assert checks.check_access(None) == []


def test_another_circle_is_an_error(settings_override):
    settings_override(CHAT_DASHBOARDS="all")
    (error,) = checks.check_access(None)
    assert error.id == "dashboard.E001"
    assert "everyone, users, staff" in error.hint


def test_a_missing_chart_library_is_named_with_what_to_run(monkeypatch):
    monkeypatch.setattr(checks, "CHART_LIBRARY", "uplot/missing.js")
    (warning,) = checks.check_frontend(None)
    assert warning.id == "dashboard.W001"
    assert "make frontend" in warning.hint


def test_what_is_there_is_fine():
    assert checks.check_frontend(None) == []
