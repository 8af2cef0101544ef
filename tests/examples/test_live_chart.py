import json
import random

import pytest
import requests


def post(server, **options):
    return requests.post(server.url("/live_chart/points"), timeout=20, **options)


def test_a_posted_point_comes_to_every_open_browser(server):
    value = random.random()
    with server.tab("/live_chart/") as one, server.tab("/live_chart/") as two:
        answer = post(server, json={"value": value})
        assert answer.status_code == 201
        for tab in (one, two):
            point = json.loads(tab.hear(lambda text: json.loads(text)["value"] == value))
            assert point == answer.json()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"value": "much"}, {"value": ["A valid number is required."]}),
        ({}, {"value": ["This field is required."]}),
        ({"value": "NaN"}, {"value": ["A valid number is required."]}),
        ({"value": 1e999}, None),
        ([1], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_what_is_no_point_is_refused_and_the_error_says_why(memory_server, body, error):
    answer = post(memory_server, data=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert error is None or answer.json() == error
    assert answer.json()


def test_what_is_no_json_is_refused(memory_server):
    answer = post(memory_server, data="{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "JSON parse error" in answer.json()["detail"]
