"""The page's modules that know neither page nor socket, in a real browser: order, holes, back-off, frames."""

import json

import pytest

from tests.acceptance.browsers import needs_chromium
from tests.databases import ROOT

pytestmark = needs_chromium

#: What each script may use: a timeline that has everything up to `head`, and what it emitted and asked for.
PRELUDE = """async () => {
  const { Timeline } = await import('/js/timeline.js');
  const { Archive } = await import('/js/archive.js');
  const { Backoff } = await import('/js/backoff.js');
  const { readFrame } = await import('/js/frame.js');
  const rows = (...seqs) => seqs.map((seq) => ({ seq }));
  const out = [], asked = [];
  const emit = (batch) => out.push(...batch.map((row) => row.seq));
  const timeline = new Timeline({ emit, fetch: (since) => asked.push(since) });
  timeline.start(10);
  const live = (...seqs) => rows(...seqs).forEach((row) => timeline.message(row));
  const page = (since, seqs, complete = true) => timeline.page({ since, messages: rows(...seqs), complete });
  %s
}"""


@pytest.fixture
def run(browser):
    """A function that runs a script among the page's modules, with a clock that stands still, and gives its result."""
    context = browser.new_context()
    static = ROOT / "chatapp" / "static" / "chatapp"
    context.route("http://page.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    context.route(
        "http://page.test/js/*", lambda route: route.fulfill(path=static / route.request.url.split("test/")[1])
    )
    page = context.new_page()
    page.clock.install()
    page.goto("http://page.test/")
    yield lambda script: page.evaluate(PRELUDE % script)
    context.close()


def test_messages_are_shown_in_order_and_once(run):
    out, asked = run("live(11, 11, 12, 9, 10, 13, 12); return [out, asked]")
    assert (out, asked) == ([11, 12, 13], [])


def test_a_message_beyond_a_hole_is_held_back_and_the_hole_is_fetched_once(run):
    out, asked = run("live(13, 12, 15); page(10, [11, 12, 13]); page(13, [15]); return [out, asked]")
    assert (out, asked) == ([11, 12, 13, 15], [10, 13])


def test_a_hole_that_fills_by_itself_is_shown_at_once(run):
    assert run("live(12, 11); page(10, [11, 12]); return out") == [11, 12]


def test_a_number_that_no_page_has_is_gone_for_good(run):
    assert run("timeline.announce(14); page(10, []); live(15); return [out, timeline.last]") == [[15], 15]
    assert run("timeline.announce(14); page(10, [11, 14]); return [out, timeline.last]") == [[11, 14], 14]


def test_a_lost_last_message_is_found_by_the_announced_head(run):
    assert run("live(11); timeline.announce(12); page(11, [12]); return [out, asked]") == [[11, 12], [11]]


def test_a_head_announced_after_asking_is_asked_for_again(run):
    script = "timeline.announce(11); timeline.announce(12); page(10, []); page(11, [12]); return [out, asked]"
    assert run(script) == [[12], [10, 11]]


def test_a_page_with_more_behind_it_is_followed(run):
    script = """
      timeline.pause(); timeline.resume(16); live(17);
      page(10, [11, 12], false); page(12, [13, 14], false);
      return [out, asked, timeline.last]
    """
    assert run(script) == [[11, 12, 13, 14], [], 14]


def test_whatever_is_lost_doubled_or_shuffled_everything_comes_once_in_order(run):
    """A storm of random frames: a third is lost, the rest is shuffled; pages have seven messages."""
    wrong = run("""
      for (let round = 0; round < 300; round += 1) {
        const there = [];
        for (let seq = 1; seq <= 60; seq += 1) if (Math.random() > 0.1) there.push(seq);
        const got = [], wishes = [];
        const each = new Timeline({ emit: (b) => got.push(...b.map((x) => x.seq)), fetch: (s) => wishes.push(s) });
        each.start(0);
        let served = 0;
        const serve = () => {
          const since = wishes[wishes.length - 1];
          served = wishes.length;
          const rest = there.filter((seq) => seq > since);
          each.page({ since, messages: rows(...rest.slice(0, 7)), complete: rest.length <= 7 });
        };
        for (const seq of there.filter(() => Math.random() < 0.7).sort(() => Math.random() - 0.5)) {
          each.message({ seq });
          if (Math.random() < 0.5 && served < wishes.length) serve();
        }
        each.announce(60);
        for (let guard = 0; each.last < 60 && guard < 400; guard += 1) {
          if (served === wishes.length) { each.pause(); each.announce(60); }
          serve();
        }
        if (each.last !== 60 || String(got) !== String(there)) return { got, there };
      }
      return null;
    """)
    assert wrong is None


def test_the_archive_keeps_pages_in_order_without_twins(run):
    script = """
      const archive = new Archive();
      archive.append(rows(5, 6)); archive.append(rows(6, 7)); archive.prepend(rows(3, 5));
      return archive.tail(9).map((row) => row.seq)
    """
    assert run(script) == [3, 5, 6, 7]


def test_the_pause_before_reconnecting_doubles_up_to_half_a_minute_and_starts_again(run):
    script = """
      const backoff = new Backoff(() => 1);
      const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map(() => backoff.next());
      backoff.reset();
      return [...pauses, backoff.next()]
    """
    assert run(script) == [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 500]


@pytest.mark.parametrize("text", ["x", "null", "[]", "5", '{"type":"head"}', '{"type":"presence","guests":1}'])
def test_a_frame_that_is_none_is_left_out(run, text):
    assert run("return readFrame(%r)" % text) is None


PROSE = """
  const { prose } = await import('/js/prose.js');
  const timed = (text) => {
    const began = performance.now();
    prose(text);
    return performance.now() - began;
  };
"""


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see http://x.example/a).", ["http://x.example/a"]),
        ("(http://x.example/Tea_(meal))", ["http://x.example/Tea_(meal)"]),
        ("http://x.example/[1]], http://y.example!?", ["http://x.example/[1]", "http://y.example"]),
        ("http://x" + ")" * 3990, ["http://x"]),
        ("http://x" + "(" * 1990 + ")" * 1990, ["http://x" + "(" * 1990 + ")" * 1990]),
    ],
)
def test_an_address_ends_before_the_punctuation_around_it(run, text, links):
    script = PROSE + "return [...prose(%s).querySelectorAll('a')].map((link) => link.textContent)"
    assert run(script % json.dumps(text)) == links


def test_no_text_takes_more_than_linear_time_to_show(run):
    """C4: of whatever pieces, in whatever order; 4,000 characters are the longest message."""
    script = (
        PROSE
        + """
      const pieces = ['http://', 'https://x', ')', '(', ']', '[', '.', ',', "'", '@', '&', '\\u200d', '\\u0301',
        '\\u202e', '/', ' ', '\\n', 'a', '<b>', '%', 'xn--', ':', '#', '?', '日', '😀', 'http://a.b '];
      let seed = 1;
      const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
      const texts = pieces.map((piece) => ('http://x' + piece.repeat(4000)).slice(0, 4000));
      for (let i = 0; i < 300; i++) {
        const some = Array.from({ length: 1 + random(4) }, () => pieces[random(pieces.length)].repeat(1 + random(40)));
        texts.push(some.join('').repeat(4000).slice(0, 4000));
      }
      const worst = texts.map((text) => [Math.min(timed(text), timed(text), timed(text)), text.slice(0, 40)]);
      return worst.sort((a, b) => b[0] - a[0])[0];
    """
    )
    worst, text = run(script)
    print("%.1f ms for %r…" % (worst, text))
    assert worst < 50
