from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

from skinapi.base.pages import PageRequest
from tests.console.journey import file_of
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.wire import ask
from tests.support.backends import PASSWORD
from tests.support.photos import photo_of

UPLINK = 20_000  # bytes a second: the photo takes longer than two people
# The number of requests with a photo that have ended, in whichever way.
COUNT_UPLOADS = """
window.uploads = 0;
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  this.addEventListener("loadend", () => window.uploads++);
  return send.call(this, body);
};
"""
COPY_ALL = """
getSelection().selectAllChildren(document.body);
return getSelection().toString();
"""
# A login without a request, which would wait behind a photo on a slow line.
LOG_IN = """
return import("/console/api.js").then((api) => {
  api.setSession(arguments[0]);
  if (arguments[1]) location.hash = "#/spots";
});
"""
SESSION = "return JSON.parse(sessionStorage.getItem('skinapi.session'))"


def log_in(visitor: Visitor, caller: Caller | None, *, leave: bool = False) -> None:
    session = caller and {"token": caller.token, "role": "user", "email": caller.email}
    visitor.run(LOG_IN, session, leave)


class Tabs:
    """Tabs of one browser, none of which opened another: the browser copies nothing between
    them.
    """

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
    visitor.look()
    visitor.open("/")
    visitor.see("No account yet?")
    return Tabs(browser, visitor)


def test_a_new_token_goes_to_all_tabs_and_a_log_out_ends_it_in_all(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    anna = seeder.person()
    log_in(visitor, anna)
    other = tabs.open("account")
    visitor.see(anna.email)
    renewed = seeder.caller(anna.id, anna.email)
    log_in(visitor, renewed)
    tabs.show(tabs.first)
    visitor.await_truth(lambda: visitor.run(SESSION)["token"] == renewed.token, "the new token")
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
    visitor.go("account")
    visitor.see(bert.email)
    assert anna.email not in visitor.text()
    tabs.show(other)
    assert visitor.run(SESSION)["email"] == bert.email


def test_with_the_last_tab_the_session_is_gone_and_nothing_of_it_is_on_the_disk(
    tabs: Tabs, visitor: Visitor, seeder: Seeder
) -> None:
    anna = seeder.person()
    tabs.open("login")
    log_in(visitor, anna)
    visitor.see("No spots yet")
    kept = visitor.run("return JSON.stringify(localStorage) + document.cookie")
    assert anna.token not in kept
    tabs.browser.close()
    tabs.show(tabs.first)
    tabs.browser.get("about:blank")
    tabs.open("account")
    visitor.find("[name=password]")
    assert visitor.run(SESSION) is None
    tabs.show(tabs.first)
    visitor.open("/")


def choose_photo(visitor: Visitor, caller: Caller, folder: Path) -> None:
    visitor.look()
    visitor.enter(caller, "user")
    visitor.go("check")
    rough = photo_of("melanoma", (600, 450), format="PNG")
    visitor.hand_in("photo", file_of(folder, "lesion.png", rough))
    visitor.find("figure.crop canvas")
    visitor.run(COUNT_UPLOADS)
    visitor.press("[name=keep_photo][value=true]")


def test_a_photo_that_waits_for_a_login_waits_for_its_own_person(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    email = f"bert-{tmp_path.name}@example.org"
    body = {"name": "Bert", "email": email, "password": PASSWORD}
    assert ask(seeder.server.port, "POST", "/register", json=body).status == 201
    seeder.services.decisions.approve_account(email=email, role=None, by="admin")
    anna = seeder.person()
    choose_photo(visitor, anna, tmp_path)
    seeder.services.data.sessions.forget(anna.id)
    visitor.press_button("Send the photo")
    field = visitor.find(".veil [name=email]")
    assert "What you were sending is kept" in visitor.read(".veil")
    field.clear()
    field.send_keys(email)
    visitor.find(".veil [name=password]").send_keys(PASSWORD)
    visitor.press(".veil form .primary")
    visitor.see("No spots yet")  # the start page, without the photo
    bert = seeder.accounts.find_by_email(email)
    assert bert
    assert numbers_of(seeder, bert.id) == []


def test_a_photo_under_way_is_not_filed_under_the_next_person(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """The server refuses an upload that arrives after the logout. It is not sent again."""
    anna, bert = seeder.person(), seeder.person()
    choose_photo(visitor, anna, tmp_path)
    visitor.limit_uplink(UPLINK)
    visitor.press_button("Send the photo")
    visitor.find(".sending")
    visitor.press_button("Log out")
    visitor.see("Create an account")
    log_in(visitor, bert, leave=True)
    visitor.limit_uplink(-1)
    visitor.await_truth(lambda: visitor.run("return window.uploads") == 1, "the upload to end")
    visitor.see("No spots yet")
    visitor.await_stillness()
    assert visitor.count(".veil") == 0
    assert numbers_of(seeder, bert.id) == numbers_of(seeder, anna.id) == []


def numbers_of(seeder: Seeder, account: str) -> list[str]:
    page = seeder.services.data.findings.page_owned(account, PageRequest(10))
    return [finding.id for finding in page.items]


def test_what_lies_below_the_login_is_neither_seen_nor_printed_nor_copied(
    visitor: Visitor, seeder: Seeder
) -> None:
    anna = seeder.person()
    visitor.look()
    visitor.enter(anna, "user")
    visitor.go("account")
    visitor.see(anna.email)
    visitor.await_stillness()
    visitor.press_button("Log out everywhere")
    visitor.find("dialog[open]")
    assert anna.email in visitor.printed()
    seeder.services.data.sessions.forget(anna.id)
    visitor.run("document.dispatchEvent(new Event('visibilitychange'))")
    visitor.find(".veil [name=password]")
    assert "sending" not in visitor.read(".veil"), "nothing was being sent"
    for _ in range(2):  # the second time, a browser closes a dialog whatever its page says
        visitor.keys(Keys.ESCAPE)
    visitor.find(".veil[open] [name=password]")
    assert anna.email not in visitor.text()
    assert anna.email not in visitor.printed()
    assert anna.email not in visitor.run(COPY_ALL)
    visitor.press(".veil .quiet")
    visitor.see("Log in")
    assert visitor.count("dialog") == 0
