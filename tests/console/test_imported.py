"""A person who came with a file of another server sees the same findings as there."""

import re
from pathlib import Path
from typing import Any

import pytest

from skinapi.composition.privacy_services import open_person_import
from tests.console.journey import Journey, Look, looks
from tests.console.test_spots import BACK, begin, send
from tests.console.visitor import Visitor
from tests.privacy.person_files import ServedBackend, file_of
from tests.served.people import Caller, Seeder
from tests.support.backends import change_account, erase

# Parts of a page are asked for one by one.
COUNT_ASKED = """
const ask = window.fetch;
window.asked = 0;
window.fetch = (...wanted) => {
  window.asked += 1;
  return ask(...wanted).finally(() => (window.asked -= 1));
};
"""
ANSWERED = "return window.asked > 0 ? Math.random() : document.querySelector('main').innerText"


@pytest.mark.parametrize("look", [*looks(1), *looks(2)], ids=str)
def test_findings_spots_and_messages_look_the_same_after_an_import(
    visitor: Visitor, seeder: Seeder, look: Look, tmp_path: Path
) -> None:
    grey, ada = seeder.person("doctor"), seeder.person()
    services, settings = seeder.services, seeder.server.settings()
    numbers = _use(seeder, ada, grey)
    journey = Journey(visitor, "imported", look)
    visitor.enter(ada, "user")
    before = _read(journey, ada, numbers)
    visitor.open("/healthz")  # the page would ask on for an account that is gone
    path = tmp_path / "person.zip"
    path.write_bytes(file_of(ServedBackend(services, settings), ada.email).packed())
    erase(services, services.data.accounts.get(ada.id))
    taken = open_person_import(settings, services).import_person(
        path, signed_by=None, email=None, by="system"
    )
    change_account(services, taken.account.id, status="approved")
    came = seeder.caller(taken.account.id, ada.email)
    own = services.data.accounts.get(came.id)
    change_account(services, came.id, doctor_id=grey.id)
    assert own.consents == {}
    visitor.enter(came, "user")
    new = [one["id"] for one in came.pages("/submissions")]
    assert len(new) == len(numbers)
    assert not {*new} & {*numbers}
    assert _read(journey, came, sorted(new), pictures=True) == before
    visitor.open_view("my-data")
    journey.see("consentNotAsked")
    visitor.press("main details summary")
    journey.see("consentWay_import")
    journey.step("consents")


def _use(seeder: Seeder, ada: Caller, grey: Caller) -> list[int]:
    """The numbers of the findings: two on a spot, of which a doctor has reviewed one."""
    change_account(seeder.services, ada.id, doctor_id=grey.id)
    assert ada.call("PUT", "/me/consents", json={"photos": True}).status == 200
    spot = begin(ada, BACK, "Beside the scar")
    numbers = [send(ada, key, lesion=spot) for key in ("melanocytic_nevus", "melanoma")]
    path = f"/submissions/{numbers[1]}"
    said: dict[str, Any] = {"label": "melanoma", "certainty": "sure", "note": "Please come soon."}
    assert grey.call("POST", f"{path}/review", json=said).status == 201
    for by, text in ((ada, "Does it have to go?"), (grey, "Yes, on Monday.")):
        assert by.call("POST", f"/lesions/{spot}/messages", json={"text": text}).status == 201
    return sorted(numbers)


def _read(journey: Journey, person: Caller, numbers: list[int], *, pictures: bool = False) -> Any:
    """What stands on the pages, without the numbers of findings."""
    visitor, texts = journey.visitor, []
    visitor.run(COUNT_ASKED)
    (spot,) = person.pages("/lesions")
    places = [f"finding/{number}" for number in numbers]
    for place in (*places, "spots", f"spot/{spot['id']}", ""):
        visitor.open_view(place)
        visitor.await_rest(ANSWERED, f"the whole of {place}")
        if pictures:
            journey.step(place.partition("/")[0] or "home")
        text = str(visitor.run("return document.querySelector('main').innerText"))
        for position, number in enumerate(numbers):
            # No day and no hour.
            text = re.sub(rf"(?<=[a-z] ){number}\b(?!:| [^\W\d])", f"number {position}", text)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        texts += [line for line in lines if line != journey.say("photoKeys")]  # if it has the focus
    return texts
