"""Keys of programs in the console: a person makes one, an admin those of the clinic."""

import pytest

from tests.console.journey import Journey, Look, looks
from tests.console.visitor import Visitor
from tests.served.people import Seeder
from tests.served.wire import ask
from tests.support.backends import PASSWORD


def listing(seeder: Seeder, secret: str) -> int:
    """What a program gets that asks for its findings with this key."""
    return ask(seeder.server.port, "GET", "/submissions", token=secret).status


def make(journey: Journey, name: str, scope: str) -> str:
    """The secret of a new key, as it is shown once."""
    visitor = journey.visitor
    visitor.press("details.card > summary")
    visitor.type(keyName=name, ownPassword=PASSWORD)
    visitor.press("details.card form > .primary")
    journey.see("keyNeedsScope")
    visitor.run("document.querySelector('details details').open = true")
    visitor.type(keyQuota="5000")
    visitor.press(f"fieldset label:nth-of-type({scope}) input")
    journey.step("filled")
    visitor.press("details.card form > .primary")
    secret = visitor.read("dialog[open] .secret")
    journey.step("made")
    visitor.press("dialog[open] .primary")
    return secret


@pytest.mark.parametrize("look", [*looks(0), *looks(3)], ids=str)
def test_a_person_makes_a_key_and_revokes_it(visitor: Visitor, seeder: Seeder, look: Look) -> None:
    ada = seeder.person()
    journey = Journey(visitor, "keys", look)
    visitor.enter(ada, "user")
    visitor.go("account")
    visitor.press("a[href='#/keys']")
    journey.see("keysEmpty")
    secret = make(journey, "our web site", "2")
    assert secret.startswith("sk_live_")
    assert listing(seeder, secret) == 200
    visitor.see("our web site")
    visitor.see(secret[-4:])
    journey.see("scope_findings_read")
    journey.step("list")
    visitor.press(".list li button")
    journey.step("asked")
    visitor.press("dialog[open] .danger")
    journey.see("keyRevoked")
    journey.step("revoked")
    assert listing(seeder, secret) == 401


@pytest.mark.parametrize("look", [*looks(1), *looks(2)], ids=str)
def test_an_admin_makes_a_key_of_the_clinic(visitor: Visitor, seeder: Seeder, look: Look) -> None:
    admin, doctor = seeder.person("admin"), seeder.person("doctor")
    journey = Journey(visitor, "integrations", look)
    visitor.enter(admin, "admin")
    visitor.go("overview")
    visitor.press("a[href='#/integrations']")
    journey.see("clinicKeysText")
    visitor.run("document.querySelector('details.card').open = true")
    journey.see("clinicKeyReads")
    visitor.choose("keyDoctor", doctor.email)
    visitor.run("document.querySelector('details.card').open = false")
    secret = make(journey, "the archive", "2")
    journey.see("keyWide")
    visitor.see(doctor.email)
    made = admin.call("GET", "/admin/keys").json[-1]
    assert (made["name"], made["doctor_email"]) == ("the archive", doctor.email)
    journey.step("list")
    assert listing(seeder, secret) == 200
    visitor.press(f"a[href='#/audit?key={made['_id']}']")
    visitor.see(made["_id"][-8:])
    journey.see("auditEmptyText")  # it has only read its own list
    visitor.go("integrations")
    visitor.press(".list li:has(.mark) button")
    visitor.press("dialog[open] .danger")
    journey.see("keyRevokedNow")
    assert listing(seeder, secret) == 401
