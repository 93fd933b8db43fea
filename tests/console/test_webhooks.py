"""Webhooks in the console: an admin adds one, sees what was taken, sends again, changes it."""

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.integrations.webhook_receiver import receiving, says, takes
from tests.served.people import Seeder


@pytest.mark.parametrize("look", [*looks(0), *looks(3)], ids=str)
def test_an_admin_adds_a_webhook_and_sees_what_becomes_of_its_messages(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    webhooks = seeder.services.integrations.webhooks
    for one in webhooks.list_endpoints():
        webhooks.delete(webhook=one.id, by="-")
    journey = Journey(visitor, "webhooks", look)
    visitor.enter(seeder.person("admin"), "admin")
    visitor.go("integrations/webhooks")
    journey.see("webhooksEmpty")
    with receiving() as receiver:
        secret = add(journey, receiver.url)
        journey.press("webhookTest")
        visitor.await_truth(lambda: bool(receiver.messages), "the test arrives")
        receiver.messages[0].verify(secret)
        refresh_until(journey, "delivery_delivered")
        receiver.answer = says(500)
        journey.press("webhookTest")
        refresh_until(journey, "fault_status")
        journey.step("deliveries")
        receiver.answer = takes
        journey.press("deliveryAgain")
        visitor.await_truth(lambda: len(receiver.messages) > 2, "it is sent again")
        rotate(journey, secret)
        journey.press("webhookOff")
        journey.see("disabled_by_admin")
        journey.step("off")
        edit(journey)
        journey.press("webhookDelete")
        journey.step("asked")
        visitor.press("dialog[open] .danger")
        journey.see("webhooksEmpty")


def add(journey: Journey, url: str) -> str:
    """Its secret, as it is shown once."""
    visitor = journey.visitor
    visitor.press("details.card > summary")
    visitor.find("[name=webhookUrl-new]").send_keys(url)
    visitor.press("details.card form > button")
    journey.see("webhookNeedsEvent")
    visitor.press("fieldset label:nth-of-type(1) input")
    visitor.press("fieldset label:nth-of-type(6) input")
    journey.step("filled")
    visitor.press("details.card form > button")
    secret = visitor.read("dialog .secret")
    journey.step("secret")
    journey.visitor.press("dialog[open] .primary")
    journey.see("event_job_ended")
    journey.step("list")
    return secret


def refresh_until(journey: Journey, key: str) -> None:
    def shown() -> bool:
        journey.press("deliveriesRefresh")
        journey.visitor.await_stillness()
        return journey.say(key) in journey.visitor.text()

    journey.visitor.await_truth(shown, key)


def rotate(journey: Journey, former: str) -> None:
    journey.press("webhookRotate")
    journey.visitor.press("dialog[open] .primary")
    assert journey.visitor.read("dialog .secret") != former
    journey.step("rotated")
    journey.visitor.press("dialog[open] .primary")


def edit(journey: Journey) -> None:
    visitor = journey.visitor
    visitor.press("section.card details summary")
    visitor.press("section.card fieldset label:nth-of-type(2) input")
    visitor.press("section.card [name=webhookClinical]")
    journey.step("edit")
    visitor.press("section.card form > button")
    journey.see("webhookIsClinical")
    journey.see("event_review_signed")
