"""A real headless Chromium, shared by the tests of a module."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
    # Here, as every test run imports this module, and only those with a browser need the driver (D9).
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
