"""Random histories of a spot, each by its seed: photos, reviews, letters, holds, moves."""

import random
from collections.abc import Callable
from typing import Any, TypeVar

from skinapi.findings.records.letters import Letter
from skinapi.findings.records.new_findings import NewFinding
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.standing import (
    FindingStanding,
    JudgedPhoto,
    Reader,
    SpotFacts,
    Standing,
    standing,
)
from skinapi.findings.records.submission import Submission
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.model.conditions import NORMAL_SKIN, Band, conditions_table
from skinapi.model.context import Context
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Document
from tests.care.clinic import file_new, patient_in_care
from tests.findings.records.test_holds import in_days, pass_days
from tests.integrations.test_keys import made
from tests.support.backends import Backend, Person
from tests.support.findings import EIGHT, finding_of
from tests.support.photos import photo_of as picture_of

MOST_PHOTOS = 4
T = TypeVar("T", Review, Letter)
LABELS = conditions_table().labels
NAMED = tuple(key for key in LABELS if key != NORMAL_SKIN)
MALIGNANT = tuple(key for key in NAMED if conditions_table().label(key).malignant)
PHOTO = picture_of("melanoma", (120, 90))


class History:
    """What happens to the spot of one patient. `numbers` are the findings that there are."""

    def __init__(self, backend: Backend, program: Person, seed: int) -> None:
        self.backend, self.program, self.draw = backend, program, random.Random(seed)
        self.grey, self.ada = patient_in_care(backend)
        self.colleague = backend.member(role="doctor")
        self.patient = backend.account(self.ada.email).id
        self.spots = [self._begin_spot(), self._begin_spot()]
        self.numbers: list[int] = []
        self.letters: list[str] = []
        self.log: list[str] = []
        self.file()

    def _begin_spot(self) -> str:
        answer = self.ada.call("POST", "/lesions", json={"place": {"site": "back"}})
        spot: str = answer.get_json()["id"]
        return spot

    def step(self) -> Callable[[], None]:
        """One that may happen now."""
        numbers, letters = self.numbers, [self.withdraw_letter] * (len(self.letters) > 0)
        on_findings = [self.review] * 5 + [self.hold] * 2 + [self.review_for_colleague]
        on_findings += [self.write_letter] * 2 + [self.move, self.delete]
        held = [self.end_hold, self.let_hold_end] * 2 if self.held() else []
        file = [self.file] * (3 if len(numbers) < MOST_PHOTOS else 0)
        return self.draw.choice([*file, *(on_findings if numbers else []), *held, *letters])

    def is_secret(self, act: Callable[[], None]) -> bool:
        """Whether the patient may not know of it yet."""
        return act in (self.hold, self.review_for_colleague)

    def held(self) -> list[int]:
        return [one for one in self.numbers if self.stand(one, Reader.DOCTOR)[1].held_until]

    # What is done.

    def file(self) -> None:
        draw = self.draw
        band, label = draw.choice([*Band]), draw.choice(EIGHT)
        # Who has no picture cannot agree.
        blobs = [self.backend.services.store.blobs.put(PHOTO)] if draw.random() < 0.6 else []
        finding = finding_of(label, band=band, probability=draw.choice([0.5, 0.9]))
        words = write_template(Facts.of(finding, Context()), "en").sections
        new = NewFinding(
            owner=self.patient,
            finding=finding,
            context=Context(),
            language="en",
            sections=words.model_dump(),
            narrative_source={"writer": "template"},
            blobs=tuple(blobs),
            lesion=None if draw.random() < 0.15 else self.spots[0],
        )
        number = file_new(self.backend, new).number
        self.numbers.append(number)
        self._note(f"{number} filed: {label} {band} {new.lesion and 'of the spot'}")

    def review(self) -> None:
        """Which the patient is told at once."""
        said = self._say()
        named = said.get("label") or said.get("histology_result")
        told = {"told_by": "server"} if named in MALIGNANT else {}
        self._sign(self.grey, self.draw.choice(self.numbers), said | told)

    def hold(self) -> None:
        """A review that the patient is told later."""
        said, label = self._say(), self.draw.choice(MALIGNANT)
        held = {"hold_until": in_days(self.draw.choice([1, 3]))}
        told = self.draw.choice([{"told_by": "doctor"}, held, {}])
        said = {name: said[name] for name in ("histology", "urgency") if name in said}
        self._sign(
            self.grey,
            self.draw.choice(self.numbers),
            {"label": label, "certainty": "sure", **said, **told},
        )

    def review_for_colleague(self) -> None:
        number = self.draw.choice(self.numbers)
        body = {"colleague": self.colleague.email}
        asked = self.grey.call("PUT", f"/submissions/{number}/second-opinion", json=body)
        assert asked.status_code == 200, asked.text
        self._sign(self.colleague, number, self._say())

    def _sign(self, doctor: Person, number: int, body: dict[str, Any]) -> None:
        answer = doctor.call("POST", f"/submissions/{number}/review", json=body)
        by = "doctor" if doctor is self.grey else "colleague"
        self._note(f"{answer.status_code} {by} reviews {number}: {body}")
        refused = answer.status_code == 422 and answer.get_json()["code"]
        assert answer.status_code == 201 or refused == "no_picture_to_agree_on", answer.text

    def _say(self) -> dict[str, Any]:
        """What a doctor may say of a photo."""
        draw, label = self.draw, self.draw.choice(NAMED)
        sure, unsure = {"certainty": "sure"}, {"certainty": "unsure"}
        answers: list[dict[str, Any]] = [
            *[{"label": label, **sure}] * 2,
            {"label": label, **unsure},
            {"label": label, "histology": "awaited", **draw.choice([sure, unsure])},
            {"histology_result": label},
            {"agrees_with_label": True, **sure},
            {"new_picture_wanted": True},
            unsure,
        ]
        said = draw.choice(answers)
        if draw.random() < 0.3 and "new_picture_wanted" not in said:
            said = {**said, "urgency": draw.choice([*Band])}
        return said

    def end_hold(self) -> None:
        number = self.draw.choice(self.held())
        assert self.grey.call("DELETE", f"/submissions/{number}/hold").status_code == 200
        self._note(f"told of {number}")

    def let_hold_end(self) -> None:
        number = self.draw.choice(self.held())
        pass_days(self.backend, number, 3)
        self.backend.app.background.ended_holds.make_pass()
        self._note(f"hold of {number} has ended")

    def write_letter(self) -> None:
        number = self.draw.choice(self.numbers)
        path = f"/submissions/{number}/letters"
        draft = self.grey.call("POST", path, json={"reader": "patient"})
        assert draft.status_code == 201, draft.text
        letter = draft.get_json()
        body = {name: letter[name] for name in ("text", "version", "decision")}
        signed = self.grey.call("POST", f"/letters/{letter['_id']}/sign", json=body)
        self._note(f"{signed.status_code} letter about {number}")
        if signed.status_code == 200:
            self.letters.append(letter["_id"])

    def withdraw_letter(self) -> None:
        letter = self.letters.pop(self.draw.randrange(len(self.letters)))
        body = {"reason": "It was wrong."}
        answer = self.grey.call("POST", f"/letters/{letter}/withdrawal", json=body)
        assert answer.status_code in (200, 404), answer.text
        self._note("letter withdrawn")

    def move(self) -> None:
        number, spot = self.draw.choice(self.numbers), self.draw.choice([*self.spots, None])
        path = f"/submissions/{number}/lesion"
        assert self.ada.call("PUT", path, json={"lesion": spot}).status_code == 200
        self._note(f"{number} moved to {spot and self.spots.index(spot)}")

    def delete(self) -> None:
        number = self.numbers.pop(self.draw.randrange(len(self.numbers)))
        assert self.ada.call("DELETE", f"/submissions/{number}").status_code == 200
        self._note(f"{number} deleted")

    def _note(self, what: str) -> None:
        self.log.append(what)

    # What holds, by what is stored.

    def read(self, number: int) -> Document:
        """The finding as it is stored."""
        (stored,) = self.backend.services.store.collection("submissions").find({"number": number})
        return stored

    def asks_colleague(self, number: int) -> bool:
        return self.read(number).get("opinion_of") == self.backend.account(self.colleague.email).id

    def stand(self, number: int, reader: Reader) -> tuple[Standing, FindingStanding]:
        """What holds about the spot of a finding, and about the finding."""
        submissions = self.backend.services.store.collection("submissions")
        stored = self.read(number)
        spot = stored.get("lesion")
        found = submissions.find({"lesion": spot}) if spot else [stored]
        photos = sorted(map(_photo_of, found), key=lambda one: one.id)
        reviews = {one.id: self._stored("reviews", one.id, Review) for one in photos}
        stands = standing(SpotFacts(tuple(photos), reviews), reader, now())
        return stands, stands.findings[stored["id"]]

    def signed_letters(self, number: int, reader: Reader) -> list[Letter]:
        """Those of which this reader may know."""
        _, own = self.stand(number, reader)
        since = None if reader.knows_all else own.held_since
        letters = self._stored("letters", own.photo.id, Letter)
        return [one for one in letters if one.signed_at and not (since and one.signed_at >= since)]

    def _stored(self, name: str, finding: str, kind: type[T]) -> list[T]:
        found = self.backend.services.store.collection(name).find({"submission": finding})
        return [kind.model_validate(one) for one in found]


def _photo_of(stored: Document) -> JudgedPhoto:
    return Submission.model_validate(stored).photo


def program_of(backend: Backend) -> Person:
    """An EHR of the clinic."""
    scopes = ["fhir", "dicom", "findings:read"]
    return made(backend.member(role="admin"), "/admin/keys", scopes=scopes)[0]
