from functools import cached_property
from pathlib import Path
from typing import Any

from skinapi.findings.records.new_findings import NewFinding
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.model.finding import Doubt, Finding
from skinapi.platform.storage.ids import new_id
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person, file_straight
from tests.support.findings import finding_of
from tests.support.photos import photo_of
from tests.support.reviews import signed_review

JSON = "application/fhir+json"
SECTIONS = (
    "overview", "importance_of_early_detection", "recommendation", "confidence_explanation"
)  # fmt: skip


class Clinic:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.backend = Backend(folder, **settings)
        self.doctor = self.backend.member(role="doctor", name="Dr Example")
        self.doctor_id = self.backend.account(self.doctor.email).id
        self.ada = self.backend.member(doctor_id=self.doctor_id)
        self.bob = self.backend.member(name="Bob Example")
        self.admin = self.backend.member(role="admin")
        self.patient = self.backend.account(self.ada.email).id

    @cached_property
    def numbers(self) -> dict[str, int]:
        assert self.ada.call("PUT", "/me/consents", json={"photos": True, "training": False})
        spot = self.ada.call(
            "POST", "/lesions", json={"place": {"site": "back", "side": "rear"}, "name": "by tie"}
        ).get_json()["id"]
        sent = {"lesion": spot, "checklist": "change_in_size", "body_site": "back"}
        sent |= {"age": "50", "sex": "female"}
        several = [photo_of("melanoma"), photo_of("melanoma", (310, 230))]
        numbers = {
            "new": predicted(self.ada, keep_photo="true")["id"],
            "spot": predicted(self.ada, keep_photo="true", **sent)["id"],
            "signed": predicted(self.ada, keep_photo="false")["id"],
            "awaited": predicted(self.ada, keep_photo="true")["id"],
            "changed": predicted(self.ada, keep_photo="true")["id"],
            "unsure": predicted(self.ada, keep_photo="true")["id"],
            "several": self._file_several(several),
            "doubted": self.file(finding_of("melanoma", reasons=(Doubt.TOO_CLOSE,))),
            "unjudged": self.file(finding_of("melanocytic_nevus", band=Band.SELF_MONITORING)),
        }
        self.review(numbers["signed"], label="melanoma", certainty="laboratory")
        self.review(numbers["awaited"], label="melanoma", certainty="suspected", sample="waiting")
        self.review(numbers["changed"], label="melanoma", certainty="sure")
        self.review(
            numbers["changed"], label="benign_keratosis", certainty="sure",
        )  # fmt: skip
        self.review(numbers["unsure"], label="basal_cell_carcinoma", certainty="suspected")
        self.review(numbers["unjudged"], photo_wanted=True)
        return numbers

    def _file_several(self, pictures: list[bytes]) -> int:
        one = finding_of("melanoma")
        joined = one.model_copy(update={"pictures": (one, one), "shown_picture": 1})
        return self.file(joined, photos=pictures)

    def review(self, number: int, **said: Any) -> None:
        signed_review(self.doctor, number, said)

    def file(
        self, finding: Finding | None = None, *, owner: str = "", photos: list[bytes] | None = None
    ) -> int:
        new = NewFinding(
            owner=owner or self.patient,
            finding=finding or finding_of(band=Band.URGENT_REFERRAL),
            context=Context(),
            language="en",
            sections=dict.fromkeys(SECTIONS, "said"),
            narrative_source={"writer": "template"},
            key=new_id(),
            blobs=tuple(map(self.backend.services.store.blobs.put, photos or [])),
        )
        return file_straight(self.backend, new)


def read(person: Person, path: str, status: int = 200, **options: Any) -> Any:
    answer = person.call("GET", f"/fhir/{path}", **options)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == JSON, answer.mimetype
    return answer.get_json(force=True)


def entries(bundle: Any) -> list[Any]:
    return [item["resource"] for item in bundle.get("entry", [])]
