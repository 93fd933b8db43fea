"""The frame around every page: its header, its notice, its footer."""

import pytest

from skinapi.domain.subject import Role
from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Seeder

SMALLEST = (320, 640)
# How far the footer is from the end of the page, and whether it is in the first view.
FOOTER = """
const page = document.querySelector(".page");
const box = document.querySelector("footer").getBoundingClientRect();
const { top, bottom } = page.getBoundingClientRect();
const below = page.scrollHeight - page.scrollTop - (box.bottom - top);
return [Math.round(below), box.top < bottom];
"""


@pytest.mark.parametrize("role", ["user", "doctor", "researcher", "admin"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_header_is_low_for_every_role(
    visitor: Visitor, seeder: Seeder, role: Role, language: str
) -> None:
    person = seeder.person(role)
    for size in (PHONE, SMALLEST, DESKTOP):
        visitor.look(size, language=language)
        visitor.enter(person, role)
        visitor.find(".top nav [aria-current]")
        visitor.await_stillness()
        visitor.assert_frame()
        visitor.assert_nothing_overflows()


def test_the_footer_is_at_the_end_of_a_page(visitor: Visitor) -> None:
    visitor.look(PHONE)
    visitor.open("/#/login")
    visitor.find("[name=password]")
    assert visitor.run(FOOTER) == [0, True], "a page that is shorter than the window"
    visitor.go("model")
    visitor.find(".scroll table")
    assert visitor.run(FOOTER) == [0, False], "a page that is longer"


def test_a_double_tap_on_the_language_changes_it_once_and_logs_nobody_out(
    visitor: Visitor, seeder: Seeder
) -> None:
    visitor.look(PHONE)
    visitor.enter(seeder.person(), "user")
    visitor.see("No spots yet")
    visitor.double_click(".language")
    visitor.find(".language[lang=en]")
    visitor.see(visitor.words("fr")["spotsEmpty"])
    assert visitor.count(".top a[href='#/account']") == 1
