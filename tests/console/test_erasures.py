"""The end of an account in the console: it waits, and is taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinapi.auth.passwords import Passwords
from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.served.server import Server, serving
from tests.support.backends import MAIL, PASSWORD, change_account


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, carded_model: Path) -> Iterator[Server]:
    settings = {
        **{name.upper(): value for name, value in MAIL.items()},
        "PHOTOS": "consent",
        "MODEL_PATH": str(carded_model),
        "DELETION_WAIT_DAYS": "7",
    }
    with serving(tmp_path_factory.mktemp("erasures"), settings, workers=1) as server:
        yield server


def with_password(seeder: Seeder, person: Caller) -> Caller:
    change_account(seeder.services, person.id, password_hash=Passwords().hash(PASSWORD))
    return person


@pytest.mark.parametrize("look", [*looks(0), *looks(2)], ids=str)
def test_a_deletion_waits_is_told_where_one_begins_and_is_taken_back_there(
    visitor: Visitor, seeder: Seeder, look: Look
) -> None:
    journey = Journey(visitor, "erasure-waits", look)
    ada = with_password(seeder, seeder.person())
    visitor.enter(ada, "user")
    visitor.go("my-data")
    visitor.press("section.card button.danger")
    journey.see("deletionWait", days="7 jours" if journey.language == "fr" else "7 days")
    visitor.see_none(journey.say("noWayBack"))
    journey.step("asked")
    visitor.type(ownPassword=PASSWORD)
    visitor.press("dialog button.danger")
    journey.see("deletionWaitsText")
    journey.step("waits")
    visitor.go("spots")
    visitor.see(journey.say("deletionWaits", date="").rstrip(". "))
    journey.step("told")
    visitor.press(".page > .notice button")
    journey.see("deletionTakenBack")
    visitor.await_truth(lambda: visitor.count(".page > .notice button") == 0, "no notice")
    assert ada.call("GET", "/me").json.get("deletion_at") is None
    journey.step("kept")
