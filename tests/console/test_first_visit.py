"""Somebody who has the address, and perhaps a one-time password: from nothing to a first result."""

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Seeder

OWN = "a long enough passphrase"


@pytest.mark.parametrize("look", looks(0), ids=str)
def test_the_address_leads_to_a_sample_and_the_one_time_password_to_ones_work(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    admin = seeder.person("admin")
    one_time, _ = seeder.services.admin.reset_password(email=admin.email, by=admin.id)
    journey = Journey(visitor, "visitor", look)
    see_a_sample(journey)
    log_in_with_a_one_time_password(journey, admin.email, one_time)


def see_a_sample(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.open("/")
    journey.see("startTitle")
    journey.step("start")
    journey.press("trySample")
    journey.see("sampleText")
    visitor.find(".heat-photo img")
    journey.press("heatMap")
    visitor.find(".heat-photo canvas")
    journey.step("sample")
    journey.press("register", within="message")
    journey.see("registerText")
    journey.step("register")
    visitor.press("footer a[href='#/model']")
    journey.see("byClassText")
    journey.step("model")
    visitor.press(".brand")
    journey.see("startTitle")


def log_in_with_a_one_time_password(journey: Journey, email: str, password: str) -> None:
    visitor = journey.visitor
    visitor.type(email=email, password="guessed")
    visitor.press("form .primary")
    visitor.find(".message.bad")
    journey.step("wrong-password", expected=("/login",))
    visitor.type(password=password)
    visitor.press("form .primary")
    journey.see("initialPassword")
    journey.step("one-time-password", expected=("/login",))
    visitor.type(fresh=OWN, again="another passphrase")
    visitor.press("form .primary")
    journey.see("passwordsDiffer")
    journey.step("passwords-differ")
    visitor.type(again=OWN)
    visitor.press("form .primary")
    journey.see("title_overview")
    journey.step("arrived")
    journey.press("logOut")
    journey.see("startTitle")
