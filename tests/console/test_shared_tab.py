"""Two people at one tab: what one of them sent is never filed under the other, or shown to them;
nor is what the first one looked at, in any tab.
"""

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.journey import file_of
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import ANGULAR
from tests.served.wire import ask
from tests.support.backends import PASSWORD
from tests.support.photos import photo_of

UPLINK = 20_000  # bytes a second: the photo takes longer than two people
# How many requests with a photo have ended, in whichever way.
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
# A login without a request, which would wait behind the photo on a slow line.
TAKE_THE_TAB = """
return import("/console/api.js").then((api) => {
  api.setSession(arguments[0]);
  location.hash = "#/spots";
});
"""


def test_a_photo_that_waits_for_a_login_waits_for_its_own_person(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """Somebody else logged in where the session of the first had ended, and got the finding."""
    bert = f"bert-{tmp_path.name}@example.org"
    body = {"name": "Bert", "email": bert, "password": PASSWORD}
    assert ask(seeder.server.port, "POST", "/register", json=body).status == 201
    seeder.services.decisions.approve_account(email=bert, role=None, by="admin")
    visitor.look()
    anna = seeder.person()
    visitor.enter(anna, "user")
    visitor.go("check")
    visitor.hand_in("photo", file_of(tmp_path, "lesion.jpg", photo_of("melanoma", (600, 450))))
    visitor.find("figure.crop canvas")
    seeder.services.data.sessions.forget(anna.id)
    visitor.press("[name=keep_photo][value=true]")
    visitor.press_button("Send the photo")
    email = visitor.find(".veil [name=email]")
    email.clear()
    email.send_keys(bert)
    visitor.find(".veil [name=password]").send_keys(PASSWORD)
    visitor.press(".veil form .primary")
    visitor.see("No spots yet")  # the start page, without the photo
    account = seeder.services.data.accounts.find_by_email(bert)
    assert account
    page = seeder.services.data.submissions.page_owned(account.id, after=None, limit=1)
    assert page.items == []


def test_a_photo_under_way_is_not_filed_under_the_next_person(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """The server refused what had arrived after the logout; the page sent it again for whoever was
    there then.
    """
    anna, bert = seeder.person(), seeder.person()
    choose_photo(visitor, anna, tmp_path)
    visitor.limit_uplink(UPLINK)
    visitor.press("[name=keep_photo][value=true]")
    visitor.press_button("Send the photo")
    visitor.find(".sending")
    visitor.press_button("Log out")
    visitor.see("Create an account")
    take_the_tab(visitor, bert)
    visitor.limit_uplink(-1)
    assert_nothing_came_of_it(visitor)
    assert numbers_of(seeder, bert) == numbers_of(seeder, anna) == []


def test_an_answer_is_not_shown_to_the_next_person(
    visitor: Visitor, seeder: Seeder, tmp_path: Path
) -> None:
    """The page led them to the finding that it had been waiting for."""
    anna, bert = seeder.person(), seeder.person()
    choose_photo(visitor, anna, tmp_path)
    visitor.delay_answers(2000)
    visitor.press("[name=keep_photo][value=true]")
    visitor.press_button("Send the photo")
    visitor.await_truth(lambda: numbers_of(seeder, anna) != [], "the finding to be filed")
    take_the_tab(visitor, None)
    visitor.see("Create an account")
    take_the_tab(visitor, bert)
    assert_nothing_came_of_it(visitor)
    visitor.delay_answers(0)


def test_a_logout_clears_the_other_tabs_of_the_session(visitor: Visitor, seeder: Seeder) -> None:
    anna = seeder.person()
    visitor.look()
    visitor.enter(anna, "user")
    visitor.run("window.other = window.open('/#/account')")  # with a copy of the session
    shows = "return window.other.document.body?.innerText.includes(arguments[0])"
    visitor.await_truth(lambda: visitor.run(shows, anna.email), "the account in the other tab")
    visitor.press_button("Log out")
    visitor.await_truth(lambda: not visitor.run(shows, anna.email), "the other tab to be cleared")
    visitor.run("window.other.close()")


def shown_account(visitor: Visitor, seeder: Seeder) -> Caller:
    """Somebody who has logged in and looks at the own account."""
    anna = seeder.person()
    visitor.look()
    visitor.enter(anna, "user")
    visitor.go("account")
    visitor.see(anna.email)
    visitor.await_stillness()
    return anna


@pytest.mark.parametrize(
    "event",
    [
        "document.dispatchEvent(new Event('visibilitychange'))",
        "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))",
    ],
)
def test_a_page_that_is_looked_at_again_hides_what_an_ended_session_showed(
    visitor: Visitor, seeder: Seeder, event: str
) -> None:
    anna = shown_account(visitor, seeder)
    seeder.services.data.sessions.forget(anna.id)
    visitor.run(event)
    visitor.find(".veil [name=password]")
    color = visitor.run("return getComputedStyle(document.querySelector('.veil')).backgroundColor")
    assert color.startswith("rgb("), color  # an rgba could be seen through


def test_what_lies_below_the_login_cannot_be_printed_or_copied(
    visitor: Visitor, seeder: Seeder
) -> None:
    """A print has no backgrounds, so the login did not cover the page on paper."""
    anna = shown_account(visitor, seeder)
    assert anna.email in visitor.printed()
    assert anna.email in visitor.run(COPY_ALL)
    end_session(visitor, seeder, anna)
    assert anna.email not in visitor.printed()
    assert anna.email not in visitor.run(COPY_ALL)


def test_the_login_lies_over_an_open_dialog(visitor: Visitor, seeder: Seeder) -> None:
    """The dialog stayed above it, with what it says of a person, and nobody could log in."""
    anna = seeder.person()
    number = ANGULAR.send(anna.port, photo_of("melanoma"), token=anna.token).json["id"]
    visitor.look()
    visitor.enter(anna, "user")
    visitor.go("spots")
    visitor.press(f"[popovertarget=menu-{number}]")
    visitor.press(f"[aria-label='Delete {number}']")
    visitor.see(f"Finding {number}, ")
    end_session(visitor, seeder, anna)
    for _ in range(2):  # the second time, a browser closes a dialog whatever its page says
        visitor.keys(Keys.ESCAPE)
    visitor.find(".veil[open] [name=password]")
    assert f"Finding {number}" not in visitor.text()
    visitor.press(".veil .quiet")
    visitor.see("Log in")
    assert visitor.count("dialog") == 0


def end_session(visitor: Visitor, seeder: Seeder, caller: Caller) -> None:
    """Elsewhere; then the tab is looked at again."""
    seeder.services.data.sessions.forget(caller.id)
    visitor.run("document.dispatchEvent(new Event('visibilitychange'))")
    visitor.find(".veil [name=password]")


def choose_photo(visitor: Visitor, caller: Caller, folder: Path) -> None:
    visitor.look()
    visitor.enter(caller, "user")
    visitor.go("check")
    rough = photo_of("melanoma", (600, 450), format="PNG")
    visitor.hand_in("photo", file_of(folder, "lesion.png", rough))
    visitor.find("figure.crop canvas")
    visitor.run(COUNT_UPLOADS)


def assert_nothing_came_of_it(visitor: Visitor) -> None:
    visitor.await_truth(lambda: visitor.run("return window.uploads") == 1, "the upload to end")
    visitor.see("No spots yet")
    visitor.await_stillness()
    assert visitor.run("return location.hash") == "#/spots"
    assert visitor.count(".veil") == 0


def take_the_tab(visitor: Visitor, caller: Caller | None) -> None:
    session = caller and {"token": caller.token, "role": "user", "email": caller.email}
    visitor.run(TAKE_THE_TAB, session)


def numbers_of(seeder: Seeder, caller: Caller) -> list[str]:
    page = seeder.services.data.submissions.page_owned(caller.id, after=None, limit=10)
    return [submission.id for submission in page.items]
