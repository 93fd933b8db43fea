from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from skinapi.accounts.auth.consents import newest_text
from skinapi.care.letter_check import split_sentences
from tests.care.test_letter_reading import WHY, reading
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.photo_clients import as_form, post
from tests.served.server import serving
from tests.support.openrouter import KEY, OpenRouter, believe, failing
from tests.support.photos import photo_of
from tests.support.reviews import sign_review

LETTERS = {
    "en": (
        "I have looked at your photo with care, and I would rather tell you myself what I think.",
        (
            "The spot could be a melanoma, so I would like a skin specialist to see it this week. "
            "Nine in ten of these turn out to be nothing to fear. There is no hurry with it."
        ),
    ),
    "fr": (
        (
            "J'ai regardé votre photo avec attention, et je préfère vous dire moi-même ce que j'en "
            "pense."
        ),
        (
            "La tache pourrait être un mélanome: un dermatologue devrait la voir cette semaine. "
            "Neuf fois sur dix, il n'y a rien à craindre. Rien ne presse pour cela."
        ),
    ),
}
MODEL = "openai/gpt-4.1-mini"


@pytest.fixture
def seeder(tmp_path: Path, llm: OpenRouter) -> Iterator[Seeder]:
    settings = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_URL": llm.url, "PHOTOS": "consent"}
    with serving(tmp_path, settings, workers=1) as server:
        seeder = Seeder(server)
        believe(seeder.services.store)
        yield seeder
        seeder.close()


def reviewed_finding(seeder: Seeder, doctor: Caller, language: str) -> tuple[Caller, int]:
    patient = seeder.person(locale=language)
    agreed = {"llm": True, "photos": True, "texts": {"llm": newest_text("llm").version}}
    answer = patient.call("PUT", "/me/consents", json={**agreed, "language": language})
    assert answer.status == 200, answer.json
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    told = {"age": "52", "sex": "female", "body_site": "back", "checklist": "change_in_size"}
    body, kind = as_form(photo_of("melanoma", (600, 450)), "image", **told)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {patient.token}"}
    answer = post(seeder.server.port, "/predict", body, headers)
    assert answer.status == 200, answer.json
    number: int = answer.json["id"]
    review = {"label": "melanoma", "certainty": "sure"}
    answer = sign_review(doctor, number, review)
    assert answer.status == 201, answer.json
    return patient, number


@pytest.mark.parametrize("look", looks(1), ids=str)
def test_a_doctor_looks_at_what_differs_and_sends_the_letter(
    browser: webdriver.Chrome, seeder: Seeder, llm: OpenRouter, look: Look
) -> None:
    visitor = Visitor(browser, seeder.server.port)
    journey = Journey(visitor, "letter", look)
    doctor = seeder.person("doctor", locale=look.language)
    patient, number = reviewed_finding(seeder, doctor, look.language)
    llm.behave = failing(402)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{number}")
    journey.press("letterNew_patient")
    why = journey.say("letterWhy_access")
    journey.see("letterUnwritten", why=why)
    journey.step("failed")
    written = LETTERS[look.language]
    llm.behave = reading(*split_sentences(written[1])[1:], paragraphs=written)
    visitor.press("form.letter summary")
    visitor.find("[name=keyWords]").send_keys("afraid")
    journey.press("letterFromKeyWords")
    visitor.find(".marked mark")
    journey.see("letterDraftedBy", model=MODEL)
    journey.step("drafted")
    assert visitor.count(".marked mark") == visitor.count(".marked input") == 2
    assert WHY in visitor.find(".marked q").text
    journey.see("letterReadBy")
    assert all('"key_words_of_the_doctor' in item[2].replace("\\", "") for item in llm.calls[-2:])
    send = journey.say("letterSignTells", name="Ada", cancer=CANCER[look.language])
    visitor.press_button(send)
    journey.see("error_letter_unconfirmed")
    journey.step("not-looked-at", expected=())
    for _ in range(2):
        visitor.press(".marked label:has(input:not(:checked))")
    visitor.press_button(send)
    journey.see("letterIsSigned_patient")
    visitor.enter(patient, "user")
    visitor.go(f"finding/{number}")
    visitor.find(".letter-text")
    journey.see("letterByModel", model=MODEL, name="Ada")
    journey.step("patient")


CANCER = {"en": "a melanoma", "fr": "un mélanome"}
