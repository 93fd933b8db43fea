"""How fast the console is in a real browser. Bytes and shifts are asserted; times are reported."""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver

from skinapi.console.routes import STATIC
from skinapi.vision.network.model import SHIPPED_MODEL
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Seeder
from tests.served.server import Server, serving
from tests.support.size import size

ROUNDS = size(1, 10)
FIRST_VIEW_BYTES = 60 * 1024
# Notes, in every page from its start, when the login form and the finding came to be, when an
# upload had ended, and what had moved.
NOTES = """
window.noted = { shift: 0 };
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) noted.shift += one.value;
}).observe({ type: "layout-shift", buffered: true });
new MutationObserver(() => {
  if (document.querySelector("form .primary")) noted.form ??= performance.now();
  if (document.querySelector(".verdict h1")) noted.finding ??= performance.now();
}).observe(document, { childList: true, subtree: true });
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  this.upload.addEventListener("load", () => (noted.uploaded = performance.now()));
  send.call(this, body);
};
"""
BYTES = """
return performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .map((one) => one.transferSize).reduce((sum, one) => sum + one, 0);
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the shipped model, whose time is part of what is measured."""
    settings = {"PHOTOS": "consent", "MODEL_PATH": str(SHIPPED_MODEL)}
    with serving(tmp_path_factory.mktemp("speed"), settings, workers=1) as server:
        yield server


@pytest.fixture
def visitor(browser: webdriver.Chrome, server: Server) -> Iterator[Visitor]:
    browser.execute_cdp_cmd("Page.enable", {})
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NOTES})
    yield Visitor(browser, server.port)
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_the_first_view_is_small_and_nothing_moves_in_it(
    visitor: Visitor, browser: webdriver.Chrome, report: Callable[[str], None]
) -> None:
    noted: list[dict[str, Any]] = []
    for turn in range(max(2, ROUNDS)):
        visitor.look((PHONE, DESKTOP)[turn % 2])
        browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        visitor.open("/")
        visitor.await_stillness()
        visitor.see("Log in")
        visitor.await_truth(lambda: bool(visitor.run("return noted.form")), "the form was noted")
        noted.append(visitor.run("return noted") | {"bytes": visitor.run(BYTES)})
    most, moved = max(one["bytes"] for one in noted), max(one["shift"] for one in noted)
    ready = statistics.median(one["form"] for one in noted)
    report(f"first view: {most} bytes, interactive after {ready:.0f} ms, shift {moved}")
    assert 0 < most <= FIRST_VIEW_BYTES
    assert moved == 0


def test_a_finding_is_there_soon_after_its_upload(
    visitor: Visitor, server: Server, report: Callable[[str], None]
) -> None:
    seeder = Seeder(server)
    ada = seeder.person()
    visitor.look()
    visitor.enter(ada, "user")
    took = []
    for _ in range(ROUNDS):
        visitor.open("/password")  # another page, so that the next one begins anew
        visitor.open("/#/check")
        visitor.hand_in("photo", STATIC / "sample.jpg")
        visitor.find("figure.crop canvas")
        visitor.press("[name=keep_photo][value=true]")
        visitor.press_button("Send the photo")
        visitor.find(".verdict h1")
        noted = visitor.run("return noted")
        took.append(noted["finding"] - noted["uploaded"])
    seeder.close()
    middle, longest = statistics.median(took), max(took)
    report(f"finding: {middle:.0f} ms after the upload (longest {longest:.0f}, {ROUNDS} photos)")
    assert min(took) > 0
