import pytest
from django.test import Client


def test_the_list_shows_the_service_and_what_was_posted(client, post):
    post(1.0)
    page = client.get("/dashboard/").content.decode()
    assert page.index("/dashboard/service/") < page.index("/dashboard/garden/")
    assert "1 series" in page


def test_the_rooms_lead_to_the_dashboards(client):
    assert b'href="/dashboard/"' in client.get("/").content


def test_a_dashboard_has_a_page_before_it_has_points(client):
    page = client.get("/dashboard/garden/")
    assert page.status_code == 200
    assert b"/api/ingest/garden.temperature" in page.content


@pytest.mark.parametrize("name", ["a%20b", "a.b", "a/b", "%C3%A9", "x" * 33])
def test_an_impossible_dashboard_has_no_page(client, name):
    assert client.get("/dashboard/%s/" % name).status_code == 404


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/garden/"])
def test_who_is_not_logged_in_is_led_to_the_login(heard, database, path):
    assert Client().get(path)["Location"] == "/accounts/login/?next=" + path


def test_where_only_the_staff_may_look_others_are_told(client, settings_override):
    settings_override(CHAT_DASHBOARDS="staff")
    page = client.get("/dashboard/garden/")
    assert page.status_code == 403
    assert b"Only the staff" in page.content


def test_where_everyone_may_look_nobody_must_log_in(heard, database, settings_override):
    settings_override(CHAT_DASHBOARDS="everyone")
    assert Client().get("/dashboard/garden/").status_code == 200
