"""A real headless Chromium, shared by the tests of a module."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: The last three keep it from calling anybody: it is to talk to the tests only.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium on the PATH (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    assert CHROMIUM, "in CI the browser must be there: .ci/run installs it"
    # Imported here: every test run imports this module, but only browser tests need the driver (D9).
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def windows(browser: "Browser", site: Any, patience: float) -> "Iterator[tuple[Callable[..., Page], list[str]]]":
    """
    A function that opens a window of its own at a path of a site, as another person has it; and a list of what went
    wrong in any of them, which must be empty at the end: script errors, breaches of the policy, and what a test adds.

    patience: milliseconds that the page may take. prepare: called with the new window before it goes to the path.
    """
    from playwright.sync_api import expect

    contexts, errors = [], []

    def open_window(path: str, prepare: "Callable[[Page], Any]" = lambda page: None, **options: Any) -> "Page":
        # A certificate, where there is one, is the test's own.
        contexts.append(browser.new_context(ignore_https_errors=True, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(patience)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
        prepare(page)
        page.goto(site.origin + path)
        return page

    expect.set_options(timeout=patience)
    yield open_window, errors
    for context in contexts:
        context.close()
    assert errors == []
