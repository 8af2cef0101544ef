"""The page of a dashboard in a real Chromium, against the Procfile's processes."""

import shutil
import statistics
import time

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from chatapp.dashboard import storing
from tests.acceptance.browsers import needs_chromium, windows
from tests.acceptance.test_browser import DESKTOP, PATIENCE, PHONE, picture
from tests.chat import log_in
from tests.databases import used
from tests.deployments import Deployment
from tests.services import RedisServer

pytestmark = needs_chromium

#: Posts points from the page, so that one clock tells how long they take. Resolves to what the answer said.
POST = """async ([series, data]) => {
  const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
  const headers = { 'Content-Type': 'application/json', 'X-CSRFToken': token };
  const response = await fetch(`/api/ingest/${series}`, { method: 'POST', headers, body: JSON.stringify(data) });
  return [response.status, await response.json()];
}"""
#: Posts a point, and resolves to the milliseconds until the page has drawn it.
TIME = """async ([series, value]) => {
  const shown = document.querySelector(`[data-series="${series}"] .value`);
  const drawn = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (shown.textContent !== String(value)) return;
      observer.disconnect();
      resolve(performance.now());
    });
    observer.observe(shown, { childList: true, characterData: true, subtree: true });
  });
  const began = performance.now();
  (%s)([series, { value }]);
  return (await drawn) - began;
}""".replace("%s", POST)


@pytest.fixture(scope="module")
def own(tmp_path_factory, sqlite_template):
    """A folder with a database of this module's, which Django uses; and a Redis."""
    folder = tmp_path_factory.mktemp("dashboard")
    shutil.copy(sqlite_template, folder / "test.sqlite3")
    redis = RedisServer(folder)
    url = "sqlite:///%s" % (folder / "test.sqlite3")
    with used(url):
        yield folder, url, redis
    redis.kill()


@pytest.fixture(scope="module")
def site(own):
    folder, url, redis = own
    # Heartbeats are short, so that silence is found out soon.
    site = Deployment(folder, url, redis.url, "test:", RELAY_KEEPALIVE_INTERVAL=1, CHAT_DASHBOARD_INTERVAL=1)
    yield site.start_all(workers=1)
    site.stop()


@pytest.fixture(scope="module")
def login(own):
    return log_in(get_user_model().objects.create_user("alice"))


@pytest.fixture
def window(browser, site, login):
    """A function that opens a window, Alice's or another's; a script error or a breach of the policy fails the test."""

    def open_logged_in(path, size=DESKTOP, login=login, sockets=None, **options):
        def prepare(page):
            page.context.add_cookies([{"name": "sessionid", "value": login, "url": site.origin}])
            if sockets is not None:
                page.route_web_socket("**", sockets.opened)

        return open_window(path, prepare, viewport=size, **options)

    with windows(browser, site, PATIENCE) as (open_window, _):
        yield open_logged_in


class Sockets:
    """Between the page's sockets and the server: they can be cut."""

    def __init__(self):
        self.open, self.whole = [], True

    def opened(self, socket):
        if self.whole:
            socket.connect_to_server()
            self.open.append(socket)
        else:
            socket.close(code=1013)

    def cut(self):
        self.whole = False
        for socket in self.open:
            socket.close(code=1013)

    def mend(self):
        self.whole = True


def live(page):
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "live")
    return page


def value(page, series):
    return page.locator('[data-series="%s"] .value' % series)


def counts(page, title):
    return page.get_by_label(title, exact=True).get_by_test_id("counts")


def painted(page, title):
    """How many pixels of a chart's canvas have a strong colour: what the lines cover."""
    canvas = page.get_by_label(title, exact=True).locator("canvas")
    return canvas.evaluate(
        """canvas => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          let found = 0;
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] > 200 && Math.abs(data[i] - data[i + 1]) > 40) found += 1;
          }
          return found;
        }"""
    )


def test_a_point_that_is_posted_is_drawn_at_once(window):
    page = live(window("/dashboard/garden/"))
    expect(page.get_by_test_id("empty")).to_be_visible()
    assert page.evaluate(POST, ["garden.soil", {"value": 1}])[0] == 201
    expect(value(page, "garden.soil")).to_have_text("1")
    expect(page.get_by_test_id("empty")).to_be_hidden()
    took = []
    for n in range(20, 32):
        took.append(page.evaluate(TIME, ["garden.soil", n]))
        page.wait_for_timeout(130)  # As if somebody measured now and then, and not as fast as can be.
    print("From POST to drawn: median %.0f ms, all %s" % (statistics.median(took), [round(ms) for ms in sorted(took)]))
    assert painted(page, "Soil") > 20
    assert statistics.median(took) < 2000


def test_a_burst_is_thinned_its_peak_stays_and_the_page_says_so(window):
    page = live(window("/dashboard/burst/"))
    page.evaluate(POST, ["burst.rate", {"value": 1}])
    expect(counts(page, "Rate")).to_have_text("1 point, 1 drawn")
    now = time.time()
    many = [{"value": 900 if n == 500 else n % 7, "at": now - 100 + n / 10} for n in range(999)]
    page.evaluate(POST, ["burst.rate", {"points": many}])
    expect(counts(page, "Rate")).to_contain_text("1,000 points, ")
    drawn = int(counts(page, "Rate").text_content().split(", ")[-1].split()[0])
    assert 10 < drawn <= 41
    # The lines would move on below the cursor.
    page.get_by_test_id("pause").click()
    page.get_by_label("Rate", exact=True).locator(".plot").focus()
    seen = set()
    page.keyboard.press("Home")
    for _ in range(drawn):
        seen.add(page.locator(".reading").text_content().split(": ")[1])
        page.keyboard.press("ArrowRight")
    assert "900" in seen
    picture(page, "dashboard-burst")


def test_who_comes_later_gets_the_window_and_who_was_away_misses_nothing(window):
    sockets = Sockets()
    page = live(window("/dashboard/late/", sockets=sockets))
    for n in range(3):
        page.evaluate(POST, ["late.line.one", {"value": n}])
    expect(counts(page, "Line")).to_have_text("3 points, 3 drawn")
    sockets.cut()
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "reconnecting")
    other = live(window("/dashboard/late/", size=PHONE, color_scheme="dark"))
    expect(counts(other, "Line")).to_have_text("3 points, 3 drawn")
    other.evaluate(POST, ["late.line.one", {"value": 7}])
    other.evaluate(POST, ["late.line.two", {"value": 8}])
    sockets.mend()
    live(page)
    for each in (page, other):
        expect(value(each, "late.line.one")).to_have_text("7")
        expect(value(each, "late.line.two")).to_have_text("8")
        expect(counts(each, "Line")).to_have_text("5 points, 5 drawn")
    picture(other, "dashboard-phone-dark")


def test_who_wants_to_look_closely_stops_it_and_goes_on_by_keyboard(window):
    page = live(window("/dashboard/slow/"))
    page.evaluate(POST, ["slow.pace", {"value": 1}])
    expect(value(page, "slow.pace")).to_have_text("1")
    page.get_by_test_id("pause").focus()
    page.keyboard.press("Enter")
    page.evaluate(POST, ["slow.pace", {"value": 2}])
    page.evaluate(POST, ["slow.other", {"value": 5}])
    expect(value(page, "slow.other")).to_be_visible()
    page.keyboard.press("Enter")
    expect(value(page, "slow.pace")).to_have_text("2")
    expect(value(page, "slow.other")).to_have_text("5")


def test_the_service_shows_itself_and_nothing_is_wider_than_a_small_phone(window):
    page = window("/")
    page.get_by_role("link", name="Dashboards").click()
    picture(page, "dashboards")
    page.get_by_role("link", name="The service itself").click()
    live(page)
    for title in ("Chat messages", "Open sockets", "Trip through layer and worker", "Workers"):
        expect(counts(page, title)).not_to_have_text("0 points, 0 drawn")
    expect(value(page, "service.workers")).to_have_text("1")
    picture(page, "dashboard-service")
    for path in ("/dashboard/", "/dashboard/service/", "/dashboard/nothing-yet/"):
        small = window(path, size={"width": 320, "height": 600})
        assert small.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_who_may_not_look_is_led_to_the_login_and_who_logs_out_sees_no_more(window, browser, site):
    with browser.new_context() as context:
        stranger = context.new_page()
        stranger.goto("http://127.0.0.1:%d/dashboard/garden/" % site.port)
        assert stranger.url.endswith("/accounts/login/?next=/dashboard/garden/")
    page = live(window("/dashboard/garden/", login=log_in(get_user_model().objects.create_user("bob"))))
    tab = page.context.new_page()
    tab.goto("http://127.0.0.1:%d/" % site.port)
    tab.get_by_role("button", name="Log out").click()
    expect(page.get_by_test_id("trouble")).to_contain_text("Log in to see dashboards.")
    expect(page.get_by_test_id("trouble").get_by_role("link", name="Log in")).to_be_visible()


def test_the_page_says_when_the_layer_is_down_and_recovers_when_it_is_back(window, own):
    """Last: what was told of the layer's data is gone after it."""
    page = live(window("/dashboard/trouble/"))
    page.evaluate(POST, ["trouble.line", {"value": 1}])
    expect(value(page, "trouble.line")).to_have_text("1")
    redis = own[2]
    redis.kill()
    expect(page.get_by_test_id("trouble")).to_contain_text("The channel layer is down, or no worker runs")
    expect(page.get_by_test_id("trouble")).to_contain_text("No live data since")
    expect(page.get_by_test_id("state")).to_have_text("no live data")
    picture(page, "dashboard-layer-down")
    page.set_viewport_size(PHONE)
    picture(page, "dashboard-layer-down-phone")
    # Points go on being stored: a worker finds them when the layer is back.
    storing.store({"trouble.line": [(time.time(), 2.0)]})
    redis.start()
    live(page)
    expect(page.get_by_test_id("trouble")).to_be_hidden()
    expect(value(page, "trouble.line")).to_have_text("2")
