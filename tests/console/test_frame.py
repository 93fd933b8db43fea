"""The frame around every page: its header, its notice, its footer."""

import pytest
from selenium.webdriver.common.keys import Keys

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
# What is not whole in the window: places that are not in the menu either, its button, the counts.
# Then the places in the menu.
PLACES = """
const navs = [...document.querySelectorAll(".top nav, nav.lab")];
const whole = (one) => {
  const box = one.getBoundingClientRect(), bar = one.closest("nav").getBoundingClientRect();
  const room = { left: Math.max(bar.left, 0), right: Math.min(bar.right, innerWidth) };
  const seen = one.checkVisibility({ visibilityProperty: true }) && box.width > 0;
  return seen && box.left >= room.left - 0.5 && box.right <= room.right + 0.5;
};
const all = (parts) => navs.flatMap((nav) => [...nav.querySelectorAll(parts)]);
const listed = all(".menu > a").map((one) => one.textContent);
const cut = all(":scope > a, .menu-button, .count, .unread")
  .filter((one) => !whole(one)).map((one) => one.firstChild?.data ?? one.textContent);
return [cut.filter((text) => !listed.includes(text)), listed];
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
        assert visitor.run(PLACES)[0] == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_has_no_room_in_the_header_is_in_a_menu(
    visitor: Visitor, seeder: Seeder, language: str
) -> None:
    seeder.person(status="waiting")
    visitor.look(PHONE, language=language)
    visitor.enter(seeder.person("admin"), "admin")
    visitor.find(".top .unread")
    visitor.await_stillness()
    cut, menu = visitor.run(PLACES)
    assert (cut, menu[-1]) == ([], visitor.words(language)["nav_account"])
    button = visitor.find(".top .menu-button")
    button.send_keys(Keys.ENTER)
    visitor.find(".top .menu a[href='#/account']").send_keys(Keys.ENTER)
    visitor.find(".top .menu-button:has(+ .menu [aria-current=page])")
    assert visitor.count(".menu:popover-open") == 0
    visitor.go("models")
    visitor.find("nav.lab [aria-current=page]")
    visitor.await_stillness()
    assert visitor.run(PLACES)[0] == []
    visitor.look(DESKTOP, language=language)
    visitor.open("/")
    visitor.find(".top nav > [aria-current]")
    visitor.await_stillness()
    assert visitor.run(PLACES) == [[], []]


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
