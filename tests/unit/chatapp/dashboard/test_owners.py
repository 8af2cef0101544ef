"""C6: series have owners, and owners a quota."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from chatapp.dashboard import storing
from chatapp.dashboard.models import Point, Series


def ingest(client, series):
    answer = client.post("/api/ingest/" + series, '{"value": 1}', content_type="application/json")
    return answer.status_code, answer.json().get("code")


@pytest.fixture
def other(heard):
    """Another account's browser."""
    client = Client()
    client.force_login(get_user_model().objects.create_user("bob"))
    return client


def test_nobody_posts_to_the_series_of_another(client, other, alice):
    assert ingest(client, "garden.soil") == (201, None)
    assert Series.objects.get().owner == alice
    assert ingest(other, "garden.soil") == (403, "not_your_series")
    assert Point.objects.count() == 1
    Series.objects.update(shared=True)
    assert ingest(other, "garden.soil") == (201, None)


def test_staff_post_to_any_series_and_nobody_else_to_what_code_made(client, other):
    storing.record("garden.soil", 1)
    assert ingest(client, "garden.soil") == (403, "not_your_series")
    get_user_model().objects.filter(username="bob").update(is_staff=True)
    assert ingest(other, "garden.soil") == (201, None)


def test_one_account_cannot_use_up_all_series(client, other, settings_override):
    settings_override(CHAT_SERIES_PER_USER=2)
    assert [ingest(client, "garden.n%d" % number)[0] for number in range(2)] == [201, 201]
    assert ingest(client, "garden.n2") == (409, "too_many_of_yours")
    assert ingest(client, "garden.n1") == (201, None)
    assert ingest(other, "garden.n2") == (201, None)
