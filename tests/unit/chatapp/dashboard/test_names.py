import pytest
from asgiref.base_layer import BaseChannelLayer
from channels import Group

from chatapp.dashboard import names
from chatapp.dashboard.exceptions import DashboardError


@pytest.mark.parametrize("name", ["garden", "garden.soil", "garden.soil.bed-1", "a.b_c.D", "x" * 32 + "." + "y" * 32])
def test_a_series_is_named_for_where_it_is_drawn(name):
    assert names.checked_series(name) == name
    assert BaseChannelLayer().valid_group_name("series-" + name)
    assert Group("series-" + name).name == "series-" + name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a.b.c.d",
        "a b",
        "é",
        "a/b",
        "a\n",
        "x" * 33,
        ".".join(["x" * 30] * 3),
        None,
        5,
        ["a"],
    ],
)
def test_what_no_group_may_be_called_is_no_series(name):
    with pytest.raises(DashboardError, match="invalid_series"):
        names.checked_series(name)


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "../x", "a\n", "x" * 33, None])
def test_a_dashboards_name_is_one_part(name):
    with pytest.raises(DashboardError, match="invalid_dashboard"):
        names.checked_dashboard(name)


@pytest.mark.parametrize("name", ["service", "service.messages", "service.depth.x", "Service.x"])
def test_the_series_of_the_service_are_not_for_writing(name):
    with pytest.raises(DashboardError, match="reserved_series"):
        names.writable_series(name)


def test_what_only_begins_like_the_service_is_free():
    assert names.writable_series("services.messages") == "services.messages"


def test_the_parts_of_a_name():
    assert (names.dashboard_of("a.b.c"), names.chart_of("a.b.c"), names.line_of("a.b.c")) == ("a", "b", "c")
    assert (names.dashboard_of("a"), names.chart_of("a"), names.line_of("a")) == ("a", "", "")
    assert names.words("soil-moisture_now") == "Soil moisture now"
    assert names.words("---") == "---"
