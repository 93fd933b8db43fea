"""Somebody who has forgotten the password, and an admin who is asked for a link."""

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Seeder

OWN = "a long enough passphrase"


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_with_a_link_one_chooses_a_password_and_logs_in_with_it(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    ada, root = seeder.person(), seeder.person("admin")
    journey = Journey(visitor, "forgotten", look)
    visitor.open("/#/login")
    journey.press("forgotten")
    journey.see("forgottenText")
    journey.step("forgotten")
    visitor.type(email=ada.email)
    visitor.press("form .primary")
    journey.see("linkSent")
    journey.step("asked")
    choose(journey, link_from(journey, root.email, ada.email, seeder))
    visitor.type(email=ada.email, password=OWN)
    visitor.press("form .primary")
    visitor.find(".top a[href='#/account']")
    visitor.go("account")
    journey.see("noticesByMail")
    journey.step("account")
    visitor.press("label.tick:has(small) input:checked")
    visitor.await_truth(lambda: not seeder.accounts.get(ada.id).notices, "notices are off")


def link_from(journey: Journey, admin: str, email: str, seeder: Seeder) -> str:
    visitor = journey.visitor
    account = seeder.accounts.find_by_email(admin)
    assert account
    visitor.enter(seeder.caller(account.id, admin), "admin")
    visitor.go("accounts")
    journey.press("all", within="tabs")
    visitor.find("#search").send_keys(email)
    visitor.await_truth(lambda: visitor.count(".accounts tbody tr") == 1, "the account alone")
    visitor.press(".accounts .manage")
    journey.press("passwordLink", within="managed")
    visitor.press("dialog .danger")
    link = visitor.read("dialog .secret")
    journey.step("link")
    visitor.press("dialog .primary")
    visitor.run("sessionStorage.clear()")
    return link


def choose(journey: Journey, link: str) -> None:
    visitor = journey.visitor
    path = "/" + link.split("/", 3)[3]
    for used in (False, True):
        visitor.open("/docs")  # another page, so that the console begins anew
        visitor.open(path)
        journey.see("choosePasswordText")
        if not used:
            visitor.type(fresh=OWN, again="another passphrase")
            visitor.press("form .primary")
            journey.see("passwordsDiffer")
        visitor.type(fresh=OWN, again=OWN)
        visitor.press("form .primary")
        journey.see("error_invalid_password_link" if used else "passwordChanged")
        journey.step("used" if used else "chosen", expected=("/password/reset",) if used else ())
    journey.press("newLink")
    visitor.go("login")
