import io
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import TestResponse

from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.model.detectors import LinearClassifier, ModalityDetector
from skinapi.model.registry.prediction_pool import ServedModel
from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.support.models import served_of, tiny_model, write_model
from tests.support.photos import COLOURS, photo_in, photo_of

# Their grain is the same, so they fit each other.
NEVUS, MELANOMA = photo_of("melanocytic_nevus"), photo_of("melanoma")
HALF_MELANOMA = photo_in((92, 59, 45))


@pytest.fixture
def given() -> dict[str, Any]:
    return {"photos": "always", "rate_predictions": "12/day"}


def send(person: Person, *pictures: bytes, key: str | None = None, **texts: Any) -> TestResponse:
    data = {"image": [(io.BytesIO(picture), "spot.jpg") for picture in pictures], **texts}
    headers = {"Idempotency-Key": key} if key else {}
    return person.call(
        "POST", "/predict", data=data, content_type="multipart/form-data", headers=headers
    )


def joined(person: Person, *pictures: bytes, **options: Any) -> Any:
    answer = send(person, *pictures, **options)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def another_spot() -> bytes:
    noise = np.random.default_rng(99).normal(0, 8, (225, 300, 1))
    pixels = (np.array(COLOURS["melanoma"]) + noise).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def problem(answer: TestResponse) -> tuple[int, str, str]:
    body = answer.get_json()
    return answer.status_code, body["code"], body["detail"]


def test_a_melanoma_that_one_picture_shows_is_not_undone_by_another(backend: Backend) -> None:
    ada = backend.member()
    alone = predicted(ada, MELANOMA)
    found = joined(ada, NEVUS, MELANOMA)
    nevus, melanoma = found["pictures"]
    assert [nevus["class"], melanoma["class"]] == ["melanocytic nevus", "melanoma"]
    assert (melanoma["shown"], nevus["shown"]) == (True, False)
    assert melanoma["probabilities"] == alone["probabilities"]
    assert (melanoma["band"], melanoma["raised_by"]) == (alone["band"], alone["raised_by"])
    assert found["band"] == Band.URGENT_REFERRAL
    assert all(urgency(found["band"]) <= urgency(record["band"]) for record in found["pictures"])
    assert set(found["reasons"]) >= {*nevus["reasons"], *melanoma["reasons"]}
    assert found["notices"][1].startswith("This answer joins 2 pictures of one spot.")
    assert found["picture_count"] == 2


def test_what_one_picture_states_is_not_joined_into_a_mole(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    alone = predicted(ada, HALF_MELANOMA)
    found = joined(ada, NEVUS, HALF_MELANOMA)
    assert found["most_probable"]["key"] == "melanocytic_nevus"
    shares = {item["key"]: item["probability"] for item in alone["probabilities"]}
    melanoma = ("melanoma", pytest.approx(100 * shares["melanoma"], abs=0.01))
    assert (found["class"], found["confidence"]) == melanoma
    assert found["band"] == alone["band"]
    assert (found["uncertain"], found["reasons"]) == (True, ["pictures_disagree"])
    assert any(
        record.startswith("The pictures of this spot do not agree") for record in found["notices"]
    )
    overview, confidence = (
        found["report"][part] for part in ("overview", "confidence_explanation")
    )
    assert overview.startswith("This finding is uncertain: the pictures do not agree.")
    assert "Most likely a mole. A skin cancer cannot be ruled out." in overview
    assert confidence.startswith("Picture 2 alone: a melanoma, about 42 in 100; all pictures")
    listed = ada.call("GET", "/submissions").get_json()
    waiting = doctor.call("GET", "/queue").get_json()
    for row in (item for item in (*listed, *waiting) if item["id"] == found["id"]):
        assert (row["class"], row["confidence"]) == melanoma
    report = ada.call("GET", f"/submissions/{found['id']}/report.json?lang=fr").get_json()
    assert report["class"] == "melanoma"
    assert "les images ne concordent pas" in report["reading"]["doubts"]


def test_the_finding_is_the_same_wherever_it_is_read(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    found = joined(ada, MELANOMA, NEVUS)
    number = found["id"]
    read = ada.call("GET", f"/submissions/{number}").get_json()
    by_itself = {name: read[name] for name in ("model", "instruction")}
    assert read == {**found, **by_itself}
    seen = doctor.call("GET", f"/submissions/{number}").get_json()
    for picture in seen["pictures"]:
        assert picture["headline"].pop("doctor")
    assert (seen["pictures"], seen["raised_by"]) == (found["pictures"], found["raised_by"])
    [listed] = ada.call("GET", "/submissions").get_json()
    assert (listed["picture_count"], listed["band"]) == (2, found["band"])
    report = ada.call("GET", f"/submissions/{number}/report.json").get_json()
    assert [item["heading"]["key"] for item in report["facts"]["pictures"]] == [
        "melanoma",
        "melanocytic_nevus",
    ]
    page = ada.call("GET", f"/submissions/{number}/report.html").text
    assert page.count("<img ") == 4
    assert "Picture 2" in page
    printed = ada.call("GET", f"/submissions/{number}/report.pdf")
    assert printed.data.startswith(b"%PDF")
    assert printed.data.count(b"/Subtype /Image") == 4


def test_what_may_be_two_spots_is_asked_and_not_guessed(backend: Backend) -> None:
    ada = backend.member()
    status, code, says = problem(send(ada, MELANOMA, another_spot()))
    assert (status, code) == (422, "maybe_different_spots")
    assert says.startswith("Pictures 1 and 2 may show different spots.")
    assert ada.call("GET", "/submissions").get_json() == []
    assert [*backend.services.store.blobs.keys()] == []
    assert len(joined(ada, MELANOMA, another_spot(), same_spot="true")["pictures"]) == 2


class BackendOfKinds(Backend):
    """Its model takes dark pictures for dermoscopic ones."""

    def served(self) -> ServedModel | None:
        return served_of(self.settings.model_path or tiny_model())


def test_nothing_tells_whether_a_close_up_and_a_dermoscope_picture_show_one_spot(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    by_red = LinearClassifier.from_weights(np.array([-60.0, 0, 0]), -18.0)
    folder = write_model(
        tmp_path / "kinds", modality=ModalityDetector(dermoscopic=by_red, sure=0.9)
    )
    backend = BackendOfKinds(tmp_path / "instance", model_path=folder, **given)
    with closing(backend.services.store):
        ada = backend.member()
        for pictures in ((NEVUS, MELANOMA), (MELANOMA, NEVUS, NEVUS)):
            status, code, says = problem(send(ada, *pictures))
            assert (status, code) == (422, "maybe_different_spots")
            assert says.startswith("Pictures 1 and 2 may show different spots.")
        assert joined(ada, NEVUS, NEVUS)
        found = joined(ada, NEVUS, MELANOMA, same_spot="true")
        kinds = [record["modality"]["recognised"] for record in found["pictures"]]
        assert kinds == ["clinical", "dermoscopic"]


def test_a_picture_that_cannot_be_judged_is_named_and_nothing_is_stored(backend: Backend) -> None:
    ada = backend.member()
    dark = io.BytesIO()
    Image.new("RGB", (300, 300), (3, 2, 2)).save(dark, "JPEG")
    status, code, says = problem(send(ada, MELANOMA, dark.getvalue(), language="fr"))
    assert (status, code) == (422, "not_judgeable")
    assert says.startswith("Image 2\u00a0: L'image est trop sombre.")
    assert ada.call("GET", "/submissions").get_json() == []


def test_five_pictures_are_too_many_and_each_counts_for_the_day(backend: Backend) -> None:
    ada = backend.member()
    assert problem(send(ada, *[MELANOMA] * 5))[:2] == (400, "invalid_body")
    for _ in range(3):
        joined(ada, *[MELANOMA] * 4, same_spot="true")
    assert problem(send(ada, MELANOMA, NEVUS))[:2] == (429, "prediction_quota_reached")


def test_every_picture_is_shown_by_its_place_and_erased_with_the_finding(
    backend: Backend,
) -> None:
    ada, bob = backend.member(), backend.member()
    before = {*backend.services.store.blobs.keys()}
    number = joined(ada, NEVUS, MELANOMA, keep_photo="true")["id"]
    path = f"/submissions/{number}"
    first, second, shown = (
        ada.call("GET", f"{path}/photo{query}").data for query in ("?picture=1", "?picture=2", "")
    )
    assert first != second == shown
    assert ada.call("GET", f"{path}/photo?picture=3").status_code == 404
    assert bob.call("GET", f"{path}/photo?picture=1").status_code == 404
    assert ada.call("GET", f"{path}/photo?picture=5").status_code == 400
    ada.call("GET", f"{path}/thumbnail")
    assert len({*backend.services.store.blobs.keys()} - before) == 3
    assert ada.call("DELETE", path).status_code == 200
    assert {*backend.services.store.blobs.keys()} == before
