import base64
import io
from collections.abc import Iterator
from itertools import islice, permutations, product

import pytest
from pypdf import PdfReader

from skinapi.base.errors import Refused
from skinapi.integrations.clients import photo_forms
from skinapi.integrations.clients.dermascan_diagnosis import CLASS_IDS, INCONCLUSIVE, Diagnosis
from skinapi.integrations.clients.photo_forms import GUIDES, SKINARTIFYS, GuideAnswer, Predictions
from skinapi.integrations.clients.service import (
    Undecided,
    name_for,
    over_known_classes,
    reads_as_benign,
)
from skinapi.model.assessment import choose_stated
from skinapi.model.bands import THRESHOLDS, choose_band
from skinapi.model.calibration import Calibration, NamingRule
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import rank, sum_malignant
from skinapi.model.registry.inference import ClassifiedPhoto
from tests.integrations.clients.all_clear import (
    REGULAR,
    SCREENS,
    any_photo,
    must_not_be_cleared,
    reads_as_an_all_clear,
)
from tests.integrations.clients.dialects import report
from tests.integrations.clients.doors import CLIENTS
from tests.integrations.clients.test_screens import RAISED
from tests.support.backends import Backend
from tests.support.findings import finding_of
from tests.support.size import size

KEYS = conditions_table().keys
# Of the first and of the second condition; the others share what is left.
SHARES = ((0.34, 0.33), (0.6, 0.25), (0.8, 0.04), (0.97, 0.01))
NEVER_PASSED = dict.fromkeys(THRESHOLDS, 1.1)
# Its priors make it name the second condition if that is at all likely.
NAMES_THE_SECOND = NamingRule(tau=1.0, prior={key: 0.5**place for place, key in enumerate(KEYS)})


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    """Cover all combinations of probabilities, doubts, rules and thresholds. A sample is enough:
    its step divides no count.
    """
    return list(islice(_make_findings(), 0, None, size(101, 7)))


def _make_findings() -> Iterator[Finding]:
    doubts = ((), (Doubt.TOO_CLOSE,), (Doubt.UNLIKE_TRAINING,))
    for (first, second), (high, low) in product(permutations(KEYS, 2), SHARES):
        rest = dict.fromkeys(KEYS, (1 - high - low) / (len(KEYS) - 2))
        probabilities = {**rest, first: high, second: low}
        for reasons, thresholds, naming, little, points in product(
            doubts, ({}, NEVER_PASSED), (None, NAMES_THE_SECOND), (False, True), (None, 4)
        ):
            named = choose_stated(
                probabilities, Calibration(naming=naming), uncertain=bool(reasons)
            )
            band, raised_by = choose_band(
                probabilities=probabilities,
                named=named,
                thresholds=thresholds,
                checklist_score=points,
                uncertain=bool(reasons),
                little_tested=little,
                untested_skin=False,
            )
            ranked = rank(probabilities)
            yield finding_of(
                named,
                ranked=ranked,
                malignant_score=sum_malignant(ranked),
                band=band,
                raised_by=raised_by,
                reasons=reasons,
                checklist_score=points,
            )


@pytest.mark.parametrize("client", SCREENS)
def test_no_screen_reads_as_an_all_clear_where_the_report_is_none(
    client: str, findings: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_forms, "draw_overlay", lambda *_, **__: b"")
    cleared = [finding for finding in findings if reads_as_an_all_clear(client, finding)]
    assert cleared
    assert not [finding for finding in cleared if must_not_be_cleared(finding)]


def test_every_address_that_takes_a_photo_is_a_client_with_its_screen(opened: Backend) -> None:
    """Otherwise no test would cover what that client shows."""
    rules = opened.app.url_map.iter_rules()
    of_area = [rule for rule in rules if rule.endpoint.startswith("clients.")]
    posted = {rule.rule for rule in of_area if rule.methods and "POST" in rule.methods}
    assert posted - {"/api/upload-dataset"} == {client.path for client in CLIENTS}
    assert {client.name for client in CLIENTS} == SCREENS.keys() - {"angular"}


def test_the_angular_app_gets_one_class_in_every_answer(opened: Backend) -> None:
    person = opened.member()
    photo = {"image": (io.BytesIO(RAISED), "lesion.jpg")}
    said = person.call("POST", "/predict", data=photo).get_json()
    shares = {entry["name"]: entry["probability"] for entry in said["probabilities"]}
    assert said["class"] == "melanoma", "the person is referred, and a mole would hide why"
    assert said["confidence"] == pytest.approx(100 * shares["Melanoma"], abs=0.01)
    assert said["report"]["overview"].startswith("Most likely a mole. A skin cancer cannot be")
    [listed] = person.call("GET", "/submissions").get_json()
    reported = person.call("GET", f"/submissions/{said['id']}/report.json").get_json()
    for shown in (listed, reported):
        assert (shown["class"], shown["confidence"]) == (said["class"], said["confidence"])


def test_the_explainable_clients_report_of_a_raised_finding_names_no_class(opened: Backend) -> None:
    content = base64.b64decode(report(opened, RAISED).get_json()["pdf_report"])
    pages = PdfReader(io.BytesIO(content)).pages
    text = " ".join(word for page in pages for word in page.extract_text().split())
    assert "Diagnosis Inconclusive - no diagnosis" in text
    assert "Most likely a mole. A skin cancer cannot be ruled out." in text
    assert text.count("Not ruled out: melanoma (") == 2, "in the headline and as the condition"
    assert "Uncertain" not in text
    assert "Most probable" not in text


def test_each_client_names_what_the_headline_names(
    findings: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_forms, "draw_overlay", lambda *_, **__: b"")
    named, refused, sentences = 0, 0, list[tuple[Finding, str]]()
    for finding in findings:
        photo = ClassifiedPhoto(finding, any_photo(), REGULAR)
        for client in (named_by_skinartify, named_by_guide, named_by_lab):
            try:
                shown, wanted = client(photo)
            except Undecided as told:
                sentences.append((finding, told.detail))
            except Refused:
                assert finding.most_probable == NORMAL_SKIN
                refused += 1
            else:
                assert shown == wanted
                named += 1
    assert all((named, refused, sentences))
    for finding, said in sentences:
        action = finding.band_words("en").action
        assert said.endswith(f"{finding.headline.for_patient.en} {action}")
        assert said.startswith("This finding is uncertain") is finding.uncertain


def named_by_skinartify(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    shares = Predictions.from_finding(photo.finding).predictions
    return max(shares, key=shares.__getitem__), name_for(photo.finding, SKINARTIFYS)


def named_by_guide(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    answer, headline = GuideAnswer.from_photo(photo), photo.finding.headline
    assert headline.for_patient.en in answer.explanation
    return answer.predictions[0].label, GUIDES.get(headline.likely.key)


def named_by_lab(photo: ClassifiedPhoto) -> tuple[str | None, str | None]:
    diagnosis, known = Diagnosis.from_photo(photo), over_known_classes(photo.finding)
    headline = photo.finding.headline
    if headline.sent_for:
        assert headline.for_patient.en in diagnosis.description
    malignant = conditions_table().by_key(headline.one_name.key).malignant
    if known.most_probable == NORMAL_SKIN or not (malignant or reads_as_benign(known)):
        return diagnosis.class_id, INCONCLUSIVE
    return diagnosis.class_id, CLASS_IDS[headline.one_name.key]
