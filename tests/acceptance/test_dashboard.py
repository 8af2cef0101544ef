"""Dashboards as they are deployed: points posted over HTTP, looked at over real sockets."""

import json
import secrets
import signal
import time
import urllib.error
import urllib.request

import pytest
from django.contrib.auth import get_user_model

from chatapp.dashboard.models import Duty, Point, Series
from tests.chat import log_in
from tests.deployments import procfile
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def login(database):
    """The login session of somebody with an account."""
    return log_in(get_user_model().objects.create_user("alice"))


def post(site, login, data, series="garden.soil"):
    """Status and body of the answer to a post, as a script with a login sends it."""
    token = secrets.token_hex(32)
    headers = {
        "Content-Type": "application/json",
        "Cookie": "sessionid=%s; csrftoken=%s" % (login, token),
        "X-CSRFToken": token,
    }
    url = "http://127.0.0.1:%d/api/ingest/%s" % (site.port, series)
    request = urllib.request.Request(url, json.dumps(data).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def answered(site):
    """What /readyz says that nobody listens on; None while it does not answer."""
    try:
        return json.loads(site.get("/readyz")[1]).get("unheard")
    except (OSError, ValueError):
        return None


def points_upto(socket, upto):
    """Read frames until the one with this number; returns how many points the frames stand for that came."""
    frame = socket.next("points", where=lambda frame: frame["upto"] >= upto)
    assert frame["upto"] == upto
    return sum(frame["count"] for frame in socket.seen if frame["type"] == "points")


@pytest.mark.parametrize(
    ("database_url", "layer_kind"), [("sqlite", "database"), ("postgresql", "redis")], indirect=True
)
def test_what_is_posted_reaches_who_looks_who_comes_later_and_who_comes_back(deployment, login):
    site = deployment(CHAT_DASHBOARD_INTERVAL=0).start_all()
    path = "/dashboard/garden/?session_key=" + login
    with site.socket(path) as ann:
        assert ann.next("dashboard")["charts"] == []
        assert post(site, login, {"value": 1.5}) == (201, {"series": "garden.soil", "stored": 1})
        # The first point of a new series: it is made known, and asked for.
        assert ann.next("dashboard")["charts"][0]["lines"][0]["series"] == "garden.soil"
        ann.send({"type": "points", "series": "garden.soil"})
        assert points_upto(ann, 1) == 1
        for n in range(20):
            assert post(site, login, {"value": n})[0] == 201
        assert points_upto(ann, 21) == 21
        with site.socket(path) as ben:
            assert points_upto(ben, 21) == 21
            began = time.time()
            assert post(site, login, {"points": [{"value": n, "at": began - n / 10} for n in range(1000)]})[0] == 201
            assert points_upto(ben, 1021) == points_upto(ann, 1021) == 1021
            assert max(len(frame["points"]) for frame in ben.seen if frame["type"] == "points") <= 40
    with site.socket(path + "&since=garden.soil:1000") as ann:
        assert points_upto(ann, 1021) == 21


@ON_SQLITE
def test_where_no_worker_listens_the_post_says_so_and_the_points_are_shown_when_one_does(deployment, login):
    deaf = "python manage.py runworker --exclude-channels=dashboard-points"
    site = deployment(CHAT_DASHBOARD_INTERVAL=0)
    site.start(procfile()["web"])
    # Its sweeper would show them.
    site.start(deaf, CHAT_SWEEPER=0)
    wait_until(lambda: answered(site) == ["dashboard-points"], "the server says who is missing", 40)
    status, answer = post(site, login, {"value": 1.5})
    assert (status, answer["code"], answer["stored"]) == (503, "nobody_listens", 1)
    assert Point.objects.get().value == 1.5
    with site.socket("/dashboard/garden/?session_key=" + login) as ann:
        ann.next("dashboard")
        site.start(procfile()["worker"])
        ann.next("dashboard")
        ann.send({"type": "points", "series": "garden.soil"})
        assert points_upto(ann, 1) == 1


@ON_SQLITE
def test_the_figures_of_the_service_go_on_when_the_worker_that_takes_them_is_killed(deployment, login):
    site = deployment(CHAT_DASHBOARD_INTERVAL=0.2).start_all()
    names = {"service." + name for name in ("messages", "trip", "depth.chat-messages", "age.http-request", "workers")}
    wait_until(lambda: names <= set(Series.objects.values_list("name", flat=True)), "all figures are taken")
    with site.socket("/dashboard/service/?session_key=" + login) as ann, site.socket("/chat/lobby/"):
        assert names <= {line["series"] for chart in ann.next("dashboard")["charts"] for line in chart["lines"]}
        ann.next("points", where=lambda f: f["series"] == "service.sockets" and f["points"][-1][1] == 2)
        ann.next("points", where=lambda f: f["series"] == "service.workers" and f["points"][-1][1] == 2)
        holder = Duty.objects.get().holder
        victim = next(worker for worker in site.workers if "-%d-" % worker.pid in holder)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        wait_until(lambda: Duty.objects.get().holder != holder, "another takes over")
        moment = time.time()
        ann.next("points", where=lambda f: f["series"] == "service.sockets" and f["points"][-1][0] >= moment)
        ann.next("points", where=lambda f: f["series"] == "service.trip" and f["points"][-1][0] >= moment)
