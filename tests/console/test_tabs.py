"""One log-in for all tabs of a browser: one that opens takes it from the others, a log-out ends it
in all, and who logs in last is the one whom all tabs show.
"""

import pytest
from selenium import webdriver

from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder

LOG_IN = """
return import("/console/api.js").then((api) => api.setSession(arguments[0]));
"""
SESSION = "return JSON.parse(sessionStorage.getItem('skinapi.session'))"
# As a tab that answers late, or is asleep: what it says arrives when it is let go.
HOLD_ANSWERS = """
const { postMessage } = BroadcastChannel.prototype;
const held = [];
BroadcastChannel.prototype.postMessage = function (said) {
  held.push(() => postMessage.call(this, said));
};
window.letGo = () => {
  BroadcastChannel.prototype.postMessage = postMessage;
  held.forEach((say) => say());
};
"""


class Tabs:
    """Tabs of one browser, none of which opened another: nothing is copied between them."""

    def __init__(self, browser: webdriver.Chrome, visitor: Visitor) -> None:
        self.browser, self.visitor = browser, visitor
        self.first = browser.current_window_handle

    def open(self, place: str = "") -> str:
        self.browser.switch_to.new_window("tab")
        self.visitor.look()
        self.visitor.open(f"/#/{place}")
        return self.browser.current_window_handle

    def show(self, tab: str) -> None:
        self.browser.switch_to.window(tab)


@pytest.fixture
def tabs(browser: webdriver.Chrome, visitor: Visitor) -> Tabs:
    """The first shows the log-in."""
    visitor.look()
    visitor.open("/")
    visitor.see("No account yet?")
    return Tabs(browser, visitor)


def log_in(visitor: Visitor, caller: Caller) -> None:
    session = {"token": caller.token, "role": "user", "email": caller.email}
    visitor.run(LOG_IN, session)


def test_a_log_in_opens_the_tabs_that_show_the_form(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    deep = tabs.open("account")
    visitor.find("[name=password]")
    form = tabs.open("login")
    visitor.find("[name=password]")
    anna = seeder.person()
    tabs.show(tabs.first)
    log_in(visitor, anna)
    tabs.show(deep)
    visitor.see(anna.email)
    tabs.show(form)
    visitor.see("No spots yet")


def test_a_new_token_goes_to_all_and_a_log_out_ends_it_in_all(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    anna = seeder.person()
    log_in(visitor, anna)
    other = tabs.open("account")
    visitor.see(anna.email)
    renewed = seeder.caller(anna.id, anna.email)
    log_in(visitor, renewed)
    tabs.show(tabs.first)
    assert visitor.run(SESSION)["token"] == renewed.token
    visitor.press_button("Log out")
    visitor.see("No account yet?")
    assert visitor.run(SESSION) is None
    tabs.show(other)
    visitor.see("No account yet?")
    assert anna.email not in visitor.text()
    assert visitor.run("return location.hash") == "#/"
    tabs.open("account")
    visitor.find("[name=password]")
    assert visitor.run(SESSION) is None


def test_who_logs_in_last_is_shown_in_all_tabs_and_nothing_of_the_other(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    anna, bert = seeder.person(), seeder.person()
    log_in(visitor, anna)
    visitor.go("account")
    visitor.see(anna.email)
    visitor.run("window.old = true")
    other = tabs.open("model")
    log_in(visitor, bert)
    tabs.show(tabs.first)
    visitor.see("No spots yet")
    assert visitor.run("return window.old") is None  # it was loaded anew
    assert visitor.run(SESSION)["email"] == bert.email
    visitor.go("account")
    visitor.see(bert.email)
    assert anna.email not in visitor.text()
    tabs.show(other)
    assert visitor.run(SESSION)["email"] == bert.email


def test_what_a_tab_says_late_brings_nobody_back(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    """The first tab answers a new one, and meanwhile one logs out in a third."""
    anna = seeder.person()
    log_in(visitor, anna)
    third = tabs.open("account")
    visitor.see(anna.email)
    tabs.show(tabs.first)
    visitor.run(HOLD_ANSWERS)
    tabs.open("account")
    visitor.see(anna.email)  # of the third one
    tabs.show(third)
    visitor.press_button("Log out")
    new = tabs.open("account")
    visitor.find("[name=password]")
    tabs.show(tabs.first)
    visitor.run("window.letGo()")
    visitor.see("No account yet?")
    tabs.show(new)
    visitor.await_stillness()
    assert visitor.run(SESSION) is None
    assert anna.email not in visitor.text()


def test_with_the_last_tab_the_session_is_gone_and_nothing_of_it_is_on_the_disk(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    anna = seeder.person()
    last = tabs.open("login")
    log_in(visitor, anna)
    visitor.see("No spots yet")
    kept = visitor.run("return JSON.stringify(localStorage) + document.cookie")
    assert anna.token not in kept
    tabs.browser.close()
    assert last not in tabs.browser.window_handles
    tabs.show(tabs.first)
    tabs.browser.get("about:blank")
    tabs.open("account")
    visitor.find("[name=password]")
    assert visitor.run(SESSION) is None
    tabs.show(tabs.first)
    visitor.open("/")
