"""Names of earlier versions that would reorder what stands around them, and rows nobody signed."""

import pytest

from tests.console.visitor import DESKTOP, PHONE, Visitor
from tests.served.people import Seeder
from tests.served.photo_clients import ANGULAR
from tests.support.backends import change_account
from tests.support.photos import photo_of

# Where each character stands: how far the word's first letter is from its last.
PLACES = """
const head = document.querySelector('.case-head p');
const name = head.querySelector('strong').firstChild;
const words = [...head.childNodes].find((one) => one.data?.includes('Finding'));
const at = (node, index) => {
  const range = document.createRange();
  range.setStart(node, index);
  range.setEnd(node, index + 1);
  return range.getBoundingClientRect().left;
};
const start = words.data.indexOf('Finding');
return [at(name, 0), at(words, start), at(words, start + 6)];
"""


@pytest.mark.parametrize("name", ["Ada \u202egnp", "נועה"])
def test_a_name_leaves_the_words_around_it_in_their_order(
    visitor: Visitor, seeder: Seeder, name: str
) -> None:
    doctor, patient = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    sent = ANGULAR.send(seeder.server.port, photo_of("melanoma", (600, 450)), token=patient.token)
    assert sent.status == 200
    change_account(seeder.services, patient.id, name=name)
    [found] = doctor.call("GET", "/queue").json
    visitor.look(DESKTOP)
    visitor.enter(doctor, "doctor")
    visitor.go(f"case/{found['id']}")
    visitor.see("Sign the review")
    begins, word, last_letter = visitor.run(PLACES)
    assert begins < word < last_letter
    visitor.assert_quiet()


def test_a_long_name_above_the_findings_of_a_patient_stays_on_a_phone(
    visitor: Visitor, seeder: Seeder
) -> None:
    doctor, patient = seeder.person("doctor"), seeder.person()
    seeder.services.decisions.assign_doctor(email=patient.email, doctor=doctor.email, by="admin")
    for size in ((600, 450), (640, 480)):
        sent = ANGULAR.send(seeder.server.port, photo_of("melanoma", size), token=patient.token)
        assert sent.status == 200
    change_account(seeder.services, patient.id, name="Wilhelmina" * 10)
    visitor.look(PHONE)
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row .cover small")
    right = "return document.querySelector('.finding-row .cover').getBoundingClientRect().right"
    assert visitor.run(right) <= PHONE[0]
    visitor.assert_quiet()


def test_a_row_that_is_not_signed_is_marked(visitor: Visitor, seeder: Seeder) -> None:
    admin, waiting = seeder.person("admin"), seeder.person(status="waiting")
    admin.call("PATCH", f"/users/{waiting.email}/approve", json={})
    of_this = {"target": waiting.id, "phase": "outcome"}
    trail = seeder.services.store.collection("audit")
    [row] = trail.find(of_this)
    visitor.look()
    visitor.enter(admin, "admin")
    visitor.go("audit")
    visitor.find("tbody tr")
    assert "not signed" not in visitor.text()
    try:
        trail.update(of_this, {"$set": {"hash": "0" * 64}})
        visitor.open("/")
        visitor.go("audit")
        visitor.see("not signed")
        visitor.assert_accessible()
    finally:
        trail.update(of_this, {"$set": {"hash": row["hash"]}})
