"""Retention in the console: what would go when, and an admin who pauses it and holds a patient."""

import pytest

from skinapi.privacy.retention.kinds import Kind
from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import send
from tests.console.visitor import Visitor
from tests.served.people import Seeder


@pytest.mark.parametrize("look", [*looks(0), *looks(3)], ids=str)
def test_an_admin_sees_what_would_go_pauses_it_and_holds_a_patient(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    ada, admin = seeder.person(), seeder.person("admin")
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    send(ada, "melanocytic_nevus")
    assert admin.call("DELETE", "/retention/pause").status == 200
    journey = Journey(visitor, "retention", look)
    visitor.enter(admin, "admin")
    visitor.go("data-protection/retention")
    journey.see("retentionForEver")
    visitor.press("section.card details > summary")
    days = visitor.find(f"[name=days-{Kind.PHOTOS}]")
    days.clear()
    days.send_keys("1")
    journey.press("retentionShow")
    journey.see(
        "retentionIf", setting="RETAIN_PHOTOS_DAYS", days=journey.say("one_days", count="1")
    )
    journey.step("would")
    visitor.press("main > details.card > summary")
    visitor.find("[name=pauseReason]").send_keys("a complaint")
    visitor.press("main > details.card > form button")
    visitor.see("a complaint")
    journey.step("paused")
    journey.press("retentionResume")
    visitor.press("dialog[open] .primary")
    journey.see("retentionPause")
    visitor.press("main > details.card:last-of-type > summary")
    visitor.find("[name=holdEmail]").send_keys(ada.email)
    visitor.find("[name=holdReason]").send_keys("a law suit")
    visitor.press("main > details.card:last-of-type > form button")
    visitor.see(ada.email)
    journey.step("held")
    assert seeder.accounts.get(ada.id).held_because == "a law suit"
    journey.press("retentionRelease")
    visitor.see_none(ada.email)
    assert seeder.accounts.get(ada.id).held_at is None


def test_the_page_of_a_finding_says_since_when_its_photo_is_not_kept_any_more(
    visitor: Visitor, seeder: Seeder
) -> None:
    ada = seeder.person()
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    number = send(ada, "melanocytic_nevus")
    records = seeder.services.records
    found = records.submissions.find_by_number(number)
    assert found
    records.work.run(lambda unit: records.remove_photos(unit, found))
    visitor.look()
    visitor.enter(ada, "user")
    visitor.go(f"finding/{number}")
    visitor.see("The photo is not kept any more")
