"""The modules of a dashboard's page that know neither page nor socket, in a real browser: numbers, thinning, words."""

import pytest

from tests.acceptance.browsers import needs_chromium
from tests.databases import ROOT

pytestmark = needs_chromium

PRELUDE = """async () => {
  const { Line } = await import('/js/line.js');
  const { thin } = await import('/js/thinning.js');
  const { inWords } = await import('/js/trouble.js');
  const line = new Line();
  const frame = (after, upto) => line.take({
    after, upto, points: Array.from({ length: upto - after }, (_, n) => [after + n + 1, after + n + 1, 1]),
  });
  const values = () => line.since(0).values;
  %s
}"""


@pytest.fixture(scope="module")
def run(browser):
    """A function that runs a script among the page's modules, and gives its result."""
    context = browser.new_context()
    static = ROOT / "chatapp" / "dashboard" / "static" / "dashboard"
    context.route("http://page.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    context.route(
        "http://page.test/js/*", lambda route: route.fulfill(path=static / route.request.url.split("test/")[1])
    )
    page = context.new_page()
    page.goto("http://page.test/")
    yield lambda script: page.evaluate(PRELUDE % script)
    context.close()


def test_frames_that_follow_on_each_other_are_drawn_and_doubles_are_not(run):
    assert run("frame(0, 2); frame(2, 3); frame(2, 3); frame(3, 4); return [values(), line.isBehind]") == [
        [1, 2, 3, 4],
        False,
    ]


def test_a_hole_is_noticed_and_filled_by_what_comes_after_it(run):
    script = (
        "frame(0, 2); frame(5, 6); const behind = line.isBehind; frame(2, 6); return [behind, values(), line.isBehind]"
    )
    assert run(script) == [True, [1, 2, 3, 4, 5, 6], False]


def test_what_comes_before_the_first_window_is_not_lost(run):
    assert run("frame(5, 6); frame(0, 5); return [line.isBehind, line.last]") == [True, 5]
    assert run("frame(5, 6); frame(0, 6); return [line.isBehind, line.last]") == [False, 6]


def test_a_lost_last_frame_is_found_by_the_beat(run):
    assert run(
        "frame(0, 2); line.announce(2); const one = line.isBehind; line.announce(3); return [one, line.isBehind]"
    ) == [
        False,
        True,
    ]


def test_a_series_that_was_deleted_and_began_anew_is_fetched_whole(run):
    assert run("frame(0, 9); line.announce(2); const lost = line.isBehind; frame(0, 2); return [lost, values()]") == [
        True,
        [1, 2],
    ]


def test_late_points_take_their_places_and_times_grow(run):
    script = """
      line.take({ after: 0, upto: 2, points: [[5, 1, 1], [9, 2, 1]] });
      line.take({ after: 2, upto: 4, points: [[7, 3, 1], [7, 4, 1]] });
      const { times, values: found, count } = line.since(6);
      line.forget(8);
      return [times, found, count, line.since(0).values, line.newest[0]]
    """
    assert run(script) == [[7, 7.001, 9], [3, 4, 2], 3, [2], 9]


def test_a_page_that_stays_open_keeps_a_bounded_number_of_points_and_every_peak(run):
    script = """
      for (let n = 0; n < 500; n += 1) {
        line.take({ after: n, upto: n + 1, points: Array.from({ length: 10 }, (_, m) =>
          [10 * n + m, n === 77 && m === 3 ? 1e6 : Math.sin(n + m), 1]) });
      }
      const { values: found, count } = line.since(0);
      return [found.length <= 2000, count, Math.max(...found)]
    """
    assert run(script) == [True, 5000, 1e6]


def test_thinning_keeps_the_extremes_and_accounts_for_all(run):
    wrong = run("""
      for (let round = 0; round < 200; round += 1) {
        let at = 0;
        const points = Array.from({ length: 1 + Math.floor(Math.random() * 500) }, () => {
          at += Math.random() < 0.3 ? 0 : Math.random();
          return [at, Math.random(), 1 + Math.floor(Math.random() * 3)];
        });
        const thinned = thin(points, 40);
        const sum = (some) => some.reduce((total, point) => total + point[2], 0);
        const ys = (some) => some.map((point) => point[1]);
        const fine = thinned.length <= 40 && sum(thinned) === sum(points)
          && Math.min(...ys(thinned)) === Math.min(...ys(points))
          && Math.max(...ys(thinned)) === Math.max(...ys(points));
        if (!fine) return { points, thinned };
      }
      return null
    """)
    assert wrong is None


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ('{ status: "unavailable", workers: [], channel_layer: "LayerUnavailable" }', "The channel layer is down"),
        ('{ status: "unavailable", workers: [{}], database: "OperationalError" }', "The database is down"),
        ('{ status: "ok", workers: [] }', "No worker says that it lives"),
        ('{ status: "unavailable", workers: [{}], unheard: ["dashboard-points"] }', "listens on dashboard-points"),
        ('{ status: "unavailable" }', "not ready"),
    ],
)
def test_what_is_missing_is_said_in_plain_words(run, report, words):
    found = run("return inWords(%s)" % report)
    assert words in found["text"]
    assert found["fine"] is False


def test_where_nothing_is_missing_that_is_said_too(run):
    assert run('return inWords({ status: "ok", workers: [{}] })')["fine"] is True
