from difflib import unified_diff

import pytest
from selenium import webdriver

from tests.app.demo.demo_server import DemoServer
from tests.app.demo.pictures import (
    PAGES,
    list_words,
    open_page,
    print_report,
    text_of_report,
    text_when_taken,
)


def assert_is_current(name: str, says: str) -> None:
    # Findings with nearly the same score are sorted differently on another processor.
    before, now = sorted(list_words(text_when_taken(name))), sorted(list_words(says))
    assert now
    changed = list(unified_diff(before, now, n=2, lineterm=""))[3:]
    assert not changed, f"docs/{name}.png is older than its page: run make pictures. {changed}"


@pytest.mark.parametrize("name", PAGES)
def test_a_picture_of_the_console_has_the_words_of_its_page(
    demo: DemoServer, browser: webdriver.Chrome, name: str
) -> None:
    assert_is_current(name, open_page(demo, browser, name).text())


def test_the_picture_of_a_report_has_the_words_of_a_report(demo: DemoServer) -> None:
    assert_is_current("report", text_of_report(print_report(demo)))


def test_no_day_time_number_or_code_makes_a_picture_old() -> None:
    one = "Nov 28, 2026, 9:54 AM · By Friday, December 4 (in 6 days). 55% melanoma · waits 7h abcd"
    two = "Mar 1, 2027, 10:03 PM · By Monday, May 31 (in 10 days). 54% melanoma · waits 1d 09f3"
    assert list_words(one) == list_words(two) == ["By", "in", "melanoma", "waits"]
    assert list_words(one.replace("waits", "since")) != list_words(two)
