import re
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from skinapi.care import comparisons
from skinapi.care.case_routes import Placement
from skinapi.care.comparisons import choose_pictures
from skinapi.model.comparison.alignment import Similarity
from skinapi.model.comparison.comparison import Comparison, compare
from skinapi.model.conditions import Band
from skinapi.model.context import Context, Modality
from skinapi.model.detectors import KNOWN, ModalityFinding
from skinapi.model.registry.prediction_pool import PredictionPool
from tests.care.clinic import (
    REFERRAL,
    ROUTINE,
    compare_pending,
    file_for,
    judge_anew,
    patient_in_care,
)
from tests.care.test_lesions import NO_SPOT, begin, code_of, sort
from tests.integrations.test_keys import made
from tests.model.comparison.pictures import spot, take_view, with_disc
from tests.model.photos import encoded
from tests.support.backends import Backend, Person
from tests.support.channels import READERS, SCOPES
from tests.support.findings import finding_of
from tests.support.reviews import signed_review

SELF = Band.SELF_MONITORING
VIEW = Similarity.from_parameters(scale=0.8, degrees=15, across=0.03, down=-0.02)
SCOPE, CLOSE, UNKNOWN = Modality.DERMOSCOPIC, Modality.CLINICAL, Modality.UNKNOWN
UNCHANGED = (
    "The area, outline and colours of the spot and the skin beside it have not changed measurably."
)


@pytest.fixture
def given() -> dict[str, Any]:
    return {"photos": "always", "rate_renderings": "3/minute"}


def photographed(
    backend: Backend, person: Person, picture: Image.Image | None, **fields: Any
) -> Any:
    blob = backend.services.store.blobs.put(encoded(picture, quality=90)) if picture else None
    return file_for(backend, person, fields.pop("band", ROUTINE), photo_blob=blob, **fields).number


def visit(picture: Image.Image) -> Image.Image:
    return take_view(picture, VIEW, np.random.default_rng(5))


def compared(person: Person, lesion: str, first: int, second: int, **query: Any) -> Any:
    path = f"/lesions/{lesion}/comparison"
    return person.call("GET", path, query_string={"first": first, "second": second, **query})


def test_a_spot_that_has_not_changed_is_said_so_and_never_called_harmless(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = begin(ada)
    before = photographed(backend, ada, spot(1), lesion=lesion)
    after = photographed(backend, ada, visit(spot(1)), lesion=lesion)
    said = compared(ada, lesion, after, before).get_json()
    assert (said["before"]["id"], said["after"]["id"]) == (before, after)
    assert (said["comparable"], said["summary"]) == (True, UNCHANGED)
    assert [change["beyond_error"] for change in said["changes"]] == [False] * 4
    [scale] = re.findall(r"scale\((.*)\)", said["placement"]["transform"])
    assert float(scale) == pytest.approx(0.8, rel=0.01)
    assert said["instruction"]["band"] == Band.ROUTINE
    assert said["notices"][0] == "For information only. Not a medical diagnosis."
    assert said["notices"][1].startswith("A comparison of photos can miss a change.")
    seen = compared(doctor, lesion, before, after, lang="fr").get_json()
    assert seen["summary"] == (
        "La surface, le contour et les couleurs de la tache et de la peau voisine n'ont pas changé "
        "de façon mesurable."
    )
    assert seen["instruction"]["action"] == "Visite habituelle"
    read = [row["by"] for row in backend.audit() if row["action"] == "photo.read"]
    assert read == [backend.account(doctor.email).id] * 2


@pytest.mark.parametrize(
    ("band", "raised"), [(ROUTINE, Band.DOCTOR_REVIEW), (REFERRAL, Band.REFERRAL)]
)
def test_a_spot_that_has_grown_asks_for_a_doctor_and_for_nothing_milder(
    backend: Backend, band: Band, raised: Band
) -> None:
    ada = backend.member()
    lesion = begin(ada)
    before = photographed(backend, ada, spot(1), lesion=lesion)
    after = photographed(backend, ada, visit(spot(1, area=1.35)), lesion=lesion, band=band)
    compare_pending(backend)
    said = compared(ada, lesion, before, after).get_json()
    told = re.match(
        r"The spot has grown by about (\d+)% of its area; the measurement can be wrong by 22%",
        said["summary"],
    )
    assert told
    assert 28 <= int(told[1]) <= 43
    assert said["instruction"]["band"] == raised
    assert (said["instruction"]["from"] == "comparison") == (raised is not band)


def test_beside_a_change_nobody_reads_that_no_visit_is_needed(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = begin(ada)
    before = photographed(backend, ada, spot(1), lesion=lesion)
    now = visit(with_disc(spot(1), 265, 200, 24))
    after = photographed(backend, ada, now, lesion=lesion, band=Band.SELF_MONITORING)
    assert compared(ada, lesion, before, after).get_json()["decided"] is None
    compare_pending(backend)
    sign(doctor, after, MOLE)
    said = compared(ada, lesion, before, after).get_json()
    assert "darker" in said["summary"]
    assert said["instruction"]["sentence"] == (
        "Tell the doctor if you see this change yourself, or if it goes on."
    )
    assert re.fullmatch(r"A doctor decided on .+, with both photos\.", said["decided"])
    later = photographed(backend, ada, visit(spot(1)), lesion=lesion, band=Band.SELF_MONITORING)
    said = compared(ada, lesion, before, later, lang="fr").get_json()
    assert said["decided"].endswith("avant la seconde photo.")


@pytest.mark.parametrize("label", ["melanocytic_nevus", None])
def test_beside_a_change_the_patient_reads_that_another_photo_is_wanted(
    backend: Backend, label: str | None
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = begin(ada)
    before, after = grown(backend, ada, lesion)
    wanted = {"urgency": "self_monitoring", "photo_wanted": True}
    sign(doctor, after, {**wanted, **({"label": label} if label else {})})
    said = compared(ada, lesion, before, after).get_json()["instruction"]
    assert "Please take another photo" in said["sentence"]
    assert (said["waits_for"] == "photo") == (label is None)


def test_what_the_person_said_of_the_size_comes_before_what_was_measured(backend: Backend) -> None:
    doctor, ada = patient_in_care(backend)
    lesion = begin(ada)
    told = Context(checklist=("change_in_size",))
    before = photographed(backend, ada, None, lesion=lesion)
    after = photographed(backend, ada, spot(1), lesion=lesion, context=told, band=REFERRAL)
    said = [compared(who, lesion, before, after).get_json()["told"] for who in (ada, doctor)]
    assert said == [
        "You said that it has changed in size: that counts, whatever the photos show.",
        "The patient said that it has changed in size.",
    ]


def test_a_new_black_part_beside_the_spot_asks_for_a_doctor(backend: Backend) -> None:
    ada = backend.member()
    lesion = begin(ada)
    before = photographed(backend, ada, spot(1), lesion=lesion)
    now = visit(with_disc(spot(1), 375, 192, 17))
    after = photographed(backend, ada, now, lesion=lesion, band=Band.SELF_MONITORING)
    compare_pending(backend)
    said = compared(ada, lesion, before, after).get_json()
    assert said["summary"] == (
        "A part of the spot, or of the skin beside it, has become darker by more than the "
        "measurement can be wrong."
    )
    assert said["instruction"]["band"] == Band.DOCTOR_REVIEW
    assert "eye on it" not in str([said["instruction"], said["summary"]])
    [part] = [change for change in said["changes"] if change["beyond_error"]]
    assert (part["measure"], part["value"] < 0) == ("part", True)
    in_french = compared(ada, lesion, before, after, lang="fr").get_json()["summary"]
    assert in_french.startswith("Une partie de la tache, ou de la peau voisine, est devenue plus")


MOLE = {"label": "melanocytic_nevus", "certainty": "sure", "urgency": "self_monitoring"}


def grown(backend: Backend, person: Person, lesion: str, band: Band = SELF) -> tuple[int, int]:
    before = photographed(backend, person, spot(1), lesion=lesion, band=SELF)
    later = visit(spot(1, area=1.35))
    return before, photographed(backend, person, later, lesion=lesion, band=band)


def instructed(reader: Person, number: int) -> tuple[str, str, int]:
    told = reader.call("GET", f"/submissions/{number}").get_json()["instruction"]
    return told["band"], told["from"], told["finding"]


def test_a_change_that_was_found_is_said_in_each_channel(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    program = made(any_backend.admin(), "/admin/keys", scopes=SCOPES)[0]
    lesion = begin(ada)
    before, after = grown(any_backend, ada, lesion)
    more_urgent = file_for(any_backend, ada, ROUTINE).number
    assert instructed(ada, after) == (SELF, "model", after)
    compare_pending(any_backend)
    waiting = [row["id"] for row in doctor.pages("/queue")]
    assert waiting == [after, more_urgent], "in its new place"
    said = "the change is larger than the measurement can be wrong"
    for number in (before, after):
        path = f"/submissions/{number}"
        assert instructed(ada, number) == (Band.DOCTOR_REVIEW, "comparison", after)
        assert said in " ".join(ada.call("GET", f"{path}/report.html").text.split())
        printed = PdfReader(BytesIO(ada.call("GET", f"{path}/report.pdf").data))
        pages = " ".join(" ".join(page.extract_text().split()) for page in printed.pages)
        assert said in pages
        assert all(said in str(reader.read_report(program, number)) for reader in READERS)


def sign(doctor: Person, number: int, body: dict[str, Any]) -> None:
    signed_review(doctor, number, body)


GROWN = re.compile(
    r"The spot has grown by about (2[89]|3\d|4[0-3])% of its area; the measurement can be wrong by "
    r"22%\."
)


def read_by_doctor(doctor: Person, number: int) -> list[str]:
    [row] = doctor.pages("/queue?reviewed=false")
    case = doctor.call("GET", f"/submissions/{number}/case").get_json()
    page = doctor.call("GET", f"/submissions/{number}").get_json()
    told = [source.get("changes", []) for source in (row["case"], case, page)]
    said = [" ".join(f"{x['sentence']['en']} {x['compared']['en']}" for x in one) for one in told]
    for reader in ("patient", "colleague"):
        path = f"/submissions/{number}/report"
        html = doctor.call("GET", f"{path}.html?reader={reader}")
        assert html.status_code == 200, html.text
        printed = PdfReader(BytesIO(doctor.call("GET", f"{path}.pdf?reader={reader}").data))
        said += [html.text, " ".join(page.extract_text() for page in printed.pages)]
    return [" ".join(text.split()) for text in said]


def test_the_doctor_reads_how_much_a_spot_has_grown_whose_photo_alone_asks_for_the_same(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    lesion = begin(ada)
    before, after = grown(any_backend, ada, lesion, band=Band.DOCTOR_REVIEW)
    later = file_for(any_backend, ada, Band.DOCTOR_REVIEW, lesion=lesion).number
    for number in (before, after, later):
        path = f"/submissions/{number}/report.pdf?reader=colleague"
        assert doctor.call("GET", path).status_code == 200, "printed before anything is compared"
        assert not any(map(GROWN.search, read_by_doctor(doctor, number)))
    compare_pending(any_backend)
    assert instructed(doctor, after) == (Band.DOCTOR_REVIEW, "model", later)
    pair = re.compile(
        rf"The photo of finding {after} was compared on \d+ \w+ \d{{4}} with that of finding "
        rf"{before}, of \d+ \w+ \d{{4}}\."
    )
    for number in (before, after, later):
        for text in read_by_doctor(doctor, number):
            assert GROWN.search(text), text
            assert pair.search(text), text
    [change] = doctor.call("GET", f"/submissions/{after}/case").get_json()["changes"]
    assert (change["finding"], change["before"]) == (after, before)
    assert change["sentence"]["fr"].startswith("La tache a grandi d'environ ")
    sign(doctor, after, MOLE)
    for number in (before, after, later):
        assert "changes" not in doctor.call("GET", f"/submissions/{number}/case").get_json()


def sign_without(
    backend: Backend,
    doctor: Person,
    ada: Person,
    before: int,
    after: int,
    said: Any,
    *,
    away: str,
    back: str,
) -> None:
    assert sort(ada, before, away).status_code == 200
    sign(doctor, after, said)
    assert sort(ada, before, back).status_code == 200
    compare_pending(backend)


def test_a_decided_finding_says_what_was_measured_since_and_one_stored_before_that_it_was(
    any_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(any_backend)
    lesion, other = begin(ada), begin(ada)
    before, after = grown(any_backend, ada, lesion)
    urgent = {**MOLE, "urgency": "referral", "certainty": "suspected"}
    sign_without(any_backend, doctor, ada, before, after, urgent, away=other, back=lesion)

    def told() -> Any:
        return doctor.call("GET", f"/submissions/{after}/case").get_json()["changes"][0]

    assert GROWN.search(told()["sentence"]["en"])
    findings = any_backend.services.store.collection("submissions")
    [stored] = findings.find({"number": after})
    bare = [{key: item[key] for key in item if key != "changes"} for item in stored["changes"]]
    findings.update({"id": stored["id"]}, {"$set": {"changes": bare}})
    assert sort(ada, before, other).status_code == 200
    assert told()["sentence"]["en"] == "The change is larger than the measurement can be wrong."
    assert told()["before"] is None
    assert told()["compared"]["en"].endswith(" with an earlier photo.")


def found_by(backend: Backend) -> list[str]:
    return [row["by"] for row in backend.audit() if row["action"] == "submission.compare"]


def test_to_read_a_comparison_changes_nothing(any_backend: Backend) -> None:
    doctor, ada = patient_in_care(any_backend)
    lesion = begin(ada)
    before, after = grown(any_backend, ada, lesion)
    stored = any_backend.stored()["submissions"]
    for reader in (ada, doctor):
        said = compared(reader, lesion, before, after).get_json()
        assert said["summary"].startswith("The spot has grown by about")
        assert said["instruction"]["band"] == SELF
    assert any_backend.stored()["submissions"] == stored
    assert found_by(any_backend) == []


def test_a_change_is_stored_once_and_later_comparisons_take_nothing_back(
    any_backend: Backend,
) -> None:
    ada = any_backend.member()
    lesion, other = begin(ada), begin(ada)
    before, after = grown(any_backend, ada, lesion)
    compare_pending(any_backend)
    for moved in (after, before):
        for spot_id in (other, lesion):
            assert sort(ada, moved, spot_id).status_code == 200
            compare_pending(any_backend)
    photographed(any_backend, ada, visit(spot(1, area=1.35)), lesion=lesion, band=SELF)
    compare_pending(any_backend)
    assert found_by(any_backend) == ["system"]
    assert instructed(ada, after) == (Band.DOCTOR_REVIEW, "comparison", after)


def pending(backend: Backend) -> list[str]:
    return backend.services.findings.records.list_uncompared(10)


def test_a_photo_that_comes_between_two_is_compared_with_both(backend: Backend) -> None:
    ada = backend.member()
    lesion, other = begin(ada), begin(ada)
    numbers = [photographed(backend, ada, None, lesion=item) for item in (lesion, other, lesion)]
    compare_pending(backend)
    assert pending(backend) == []
    assert sort(ada, numbers[1], lesion).status_code == 200
    found = [backend.services.findings.records.find(item) for item in pending(backend)]
    assert [item.number for item in found if item] == numbers[1:]


def test_a_photo_is_compared_when_it_is_filed_and_when_it_is_judged_again(
    backend: Backend,
) -> None:
    ada = backend.member()
    lesion = begin(ada)
    numbers = [photographed(backend, ada, spot(1), lesion=lesion) for _ in range(2)]
    compare_pending(backend)
    judge_anew(backend, numbers[1], ROUTINE)
    found = [backend.services.findings.records.find(item) for item in pending(backend)]
    assert [item.number for item in found if item] == numbers[1:]


class Killed(BaseException):
    pass


def test_after_a_kill_the_photos_are_compared_once_more(any_backend: Backend) -> None:
    ada = any_backend.member()
    _, after = grown(any_backend, ada, begin(ada))
    killed = mock.patch.object(comparisons, "compare", side_effect=Killed)
    with killed, pytest.raises(Killed):
        compare_pending(any_backend)
    assert (found_by(any_backend), len(pending(any_backend))) == ([], 1)
    compare_pending(any_backend)
    compare_pending(any_backend)
    assert (found_by(any_backend), pending(any_backend)) == (["system"], [])
    assert instructed(ada, after) == (Band.DOCTOR_REVIEW, "comparison", after)


@pytest.mark.parametrize("meanwhile", ["moved", "deleted", "earlier deleted", "earlier in error"])
def test_what_was_found_of_photos_that_are_no_longer_there_is_dropped(
    backend: Backend, meanwhile: str
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion, other = begin(ada), begin(ada)
    before, after = grown(backend, ada, lesion)

    def leave(*photos: Any) -> Comparison:
        found = compare(*photos)
        assert found.has_changed
        if meanwhile == "moved":
            assert sort(ada, after, other).status_code == 200
        elif meanwhile == "earlier in error":
            path = f"/submissions/{before}/entered-in-error"
            assert doctor.call("POST", path, json={"reason": "Another person."}).status_code == 200
        else:
            gone = before if "earlier" in meanwhile else after
            assert ada.call("DELETE", f"/submissions/{gone}").status_code == 200
        return found

    with mock.patch.object(comparisons, "compare", leave):
        compare_pending(backend)
    compare_pending(backend)
    assert (found_by(backend), pending(backend)) == ([], [])


def test_no_doctor_is_said_to_have_decided_with_a_photo_that_was_not_in_the_spot(
    backend: Backend,
) -> None:
    doctor, ada = patient_in_care(backend)
    lesion, other = begin(ada), begin(ada)
    before = photographed(backend, ada, spot(1), lesion=other, band=SELF)
    after = photographed(backend, ada, visit(spot(1)), lesion=lesion, band=SELF)
    sign(doctor, after, MOLE)
    assert sort(ada, before, lesion).status_code == 200
    said = compared(ada, lesion, before, after).get_json()
    assert (said["instruction"]["from"], said["decided"]) == ("review", None)


@pytest.mark.parametrize(
    ("picture", "reason"), [(spot(2), "no_fit"), (None, "not_kept")], ids=["other", "none"]
)
def test_what_cannot_be_compared_is_said_with_the_reason(
    backend: Backend, picture: Image.Image | None, reason: str
) -> None:
    ada = backend.member()
    lesion = begin(ada)
    before = photographed(backend, ada, spot(1), lesion=lesion)
    after = photographed(backend, ada, picture, lesion=lesion)
    said = compared(ada, lesion, before, after).get_json()
    assert (said["comparable"], said["not_comparable"], said["placement"]) == (False, reason, None)
    assert said["summary"].startswith("Size, shape and colour could not be compared: ")
    assert said["changes"] == []


def joined_visit(
    backend: Backend,
    person: Person,
    lesion: str | None,
    *pictures: tuple[Modality, Image.Image | None],
) -> Any:
    pixels = [picture for _, picture in pictures if picture]
    blobs = [backend.services.store.blobs.put(encoded(pixel, quality=90)) for pixel in pixels]
    each = tuple(
        finding_of(band=ROUTINE, modality=ModalityFinding(told=kind, recognised=kind, used=KNOWN))
        for kind, _ in pictures
    )
    shown = len(each) - 1
    filed = file_for(
        backend,
        person,
        ROUTINE,
        lesion=lesion,
        finding=each[shown].model_copy(update={"pictures": each, "shown_picture": shown}),
        blobs=tuple(blobs),
    )
    return filed.number


def test_of_visits_with_several_pictures_those_of_one_kind_are_compared(backend: Backend) -> None:
    ada = backend.member()
    lesion = begin(ada)
    before = joined_visit(backend, ada, lesion, (SCOPE, spot(1)), (CLOSE, spot(2)))
    after = joined_visit(backend, ada, lesion, (CLOSE, spot(3)), (SCOPE, visit(spot(1))))
    said = compared(ada, lesion, after, before).get_json()
    assert (said["before_picture"], said["after_picture"]) == (1, 2)
    assert said["summary"] == UNCHANGED
    alone = joined_visit(backend, ada, lesion, (CLOSE, spot(3)), (CLOSE, spot(4)))
    single = photographed(backend, ada, spot(1), lesion=lesion)
    differing = compared(ada, lesion, alone, single).get_json()
    assert (differing["before_picture"], differing["after_picture"]) == (2, None)
    assert differing["not_comparable"] == "no_fit"
    assert "kind of picture" in differing["summary"]


@pytest.mark.parametrize(
    ("before", "after", "kept", "chosen"),
    [
        ([SCOPE, CLOSE], [CLOSE, SCOPE], True, (1, 2)),
        ([SCOPE, CLOSE], [CLOSE, CLOSE], True, (2, 2)),
        ([SCOPE, SCOPE], [SCOPE, CLOSE], True, (2, 1)),
        ([CLOSE, UNKNOWN], [SCOPE, UNKNOWN], True, (2, 2)),
        ([SCOPE, CLOSE], [CLOSE, SCOPE], False, (2, 2)),
    ],
)
def test_dermoscope_pictures_are_chosen_before_close_ups_and_else_those_that_are_shown(
    backend: Backend,
    before: list[Modality],
    after: list[Modality],
    kept: bool,
    chosen: tuple[int, int],
) -> None:
    ada = backend.member()
    found = []
    for kinds in (before, after):
        pictures = [(kind, spot(1) if kept else None) for kind in kinds]
        number = joined_visit(backend, ada, None, *pictures)
        found.append(backend.services.data.findings.find_by_number(number))
    assert found[0]
    assert found[1]
    first, second = choose_pictures(found[0], found[1])
    assert (first.number, second.number) == chosen


def test_a_lost_photo_is_no_error(backend: Backend) -> None:
    ada = backend.member()
    lesion = begin(ada)
    numbers = [photographed(backend, ada, spot(seed), lesion=lesion) for seed in (1, 2)]
    found = backend.services.data.findings.find_by_number(numbers[1])
    assert found
    assert found.photo_blob
    backend.services.store.blobs.delete(found.photo_blob)
    assert compared(ada, lesion, *numbers).get_json()["not_comparable"] == "lost"
    compare_pending(backend)
    assert (pending(backend), backend.stored().get("failed_items", [])) == ([], [])


def test_only_two_findings_of_the_spot_are_compared(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    lesion = begin(ada)
    own, unsorted = (photographed(backend, ada, None, lesion=item) for item in (lesion, None))
    foreign = photographed(backend, bob, None)
    for other in (unsorted, foreign, 10**15):
        assert code_of(compared(ada, lesion, own, other)) == (404, "not_found")
    stranger = compared(bob, lesion, own, own)
    assert (stranger.status_code, stranger.get_json()["detail"]) == (404, NO_SPOT)
    assert code_of(compared(ada, lesion, own, own)) == (422, "compared_with_itself")
    for wrong in (0, 10**16, "x"):
        assert code_of(compared(ada, lesion, own, wrong)) == (400, "invalid_query")  # type: ignore[arg-type]


def test_comparisons_are_counted_as_drawn_reports_are(backend: Backend) -> None:
    ada = backend.member()
    lesion = begin(ada)
    plain = Image.new("RGB", (300, 300), (3, 2, 2))
    numbers = [photographed(backend, ada, plain, lesion=lesion) for _ in range(2)]
    answers = [compared(ada, lesion, *numbers).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_the_spot_that_looks_alike_is_proposed_first_and_the_person_confirms(
    backend: Backend,
) -> None:
    ada = backend.member()
    at = {"context": Context(body_site="back")}
    uncompared, right, unphotographed, other = (begin(ada) for _ in range(4))
    for lesion, picture in (
        (uncompared, visit(spot(1))),
        (right, spot(1)),
        (unphotographed, None),
        (other, spot(2)),
    ):
        photographed(backend, ada, picture, lesion=lesion, **at)
    number = photographed(backend, ada, visit(spot(1)), **at)
    path = f"/submissions/{number}/lesion-proposals"
    proposed = ada.call("GET", path).get_json()
    by_place = [other, unphotographed, right, uncompared]
    assert [item["id"] for item in proposed] == [right, other, unphotographed, uncompared]
    assert [item["alike"] for item in proposed] == [True, False, False, False]
    own = ada.call("GET", f"/submissions/{number}").get_json()
    assert own["lesion"] == own["_id"], "nothing is sorted"
    for _ in range(2):
        assert ada.call("GET", f"/submissions/{number}/report.html").status_code == 200
    # Past RATE_RENDERINGS nothing is compared, and the place alone counts.
    limited = ada.call("GET", path)
    assert (limited.status_code, [item["id"] for item in limited.get_json()]) == (200, by_place)
    assert not any(item["alike"] for item in limited.get_json())


class BusyBackend(Backend):
    """The engine never has a free place."""

    pool = PredictionPool(streams=1, queue=-1)


def test_where_the_engine_has_no_place_spots_are_proposed_by_place_alone(tmp_path: Path) -> None:
    backend = BusyBackend(tmp_path, photos="always")
    ada = backend.member()
    at = {"context": Context(body_site="back")}
    alike, newer = begin(ada), begin(ada)
    first = photographed(backend, ada, spot(1), lesion=alike, **at)
    second = photographed(backend, ada, spot(1), lesion=alike, **at)
    photographed(backend, ada, spot(2), lesion=newer, **at)
    number = photographed(backend, ada, spot(1), **at)
    proposed = ada.call("GET", f"/submissions/{number}/lesion-proposals").get_json()
    assert [(item["id"], item["alike"]) for item in proposed] == [(newer, False), (alike, False)]
    assert code_of(compared(ada, alike, first, second)) == (503, "unavailable")
    waiting = pending(backend)
    compare_pending(backend)
    assert pending(backend) == waiting[1:], "only the first photo of the spot needs no place"
    assert backend.stored().get("failed_items", []) == []
    backend.services.store.close()


@pytest.mark.parametrize("size", [(512, 384), (384, 512), (400, 400)])
def test_a_browser_draws_the_later_photo_where_it_fits(size: tuple[int, int]) -> None:
    first, by = (640, 360), Similarity.from_parameters(scale=1.3, degrees=25, across=0.1, down=-0.2)
    css = Placement.from_similarity(by, first, size)
    share, across, down, degrees, scale = map(
        float, re.findall(r"-?\d+(?:\.\d+)?", f"{css.width} {css.transform}")
    )
    width = share / 100 * first[0]
    laid_out = np.array([width, width * size[1] / size[0]])
    # A box at left: 50% and top: 50% moves by shares of its sides and turns about its middle.
    middle = np.array(first) / 2 + laid_out * (np.array([across, down]) / 100 + 0.5)
    point = np.array([[0.2], [0.3]])  # of the earlier photo, from its middle
    in_later = by.at(point) * min(laid_out)
    turn = np.radians(degrees)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ in_later
    shown = middle + scale * turned[:, 0]
    assert shown == pytest.approx(np.array(first) / 2 + point[:, 0] * min(first), abs=0.05)
