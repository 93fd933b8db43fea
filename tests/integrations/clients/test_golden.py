import base64
import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from skinapi.integrations.clients.dermascan_diagnosis import Diagnosis
from skinapi.integrations.clients.explainable import NAMES as EXPLAINABLES
from skinapi.integrations.clients.photo_forms import GuideAnswer
from skinapi.integrations.clients.service import NO_DIAGNOSIS, Undecided, decided
from skinapi.model.bands import RaisedBy
from skinapi.model.comparison.outline import Shape
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.decoding.photo import read_photo
from skinapi.model.finding import Doubt
from skinapi.model.registry.inference import ClassifiedPhoto
from tests.integrations.clients.dialects import (
    guide,
    inference,
    lab,
    report,
    skinartify,
    skinartify_document,
)
from tests.served.served_backend import ClientBackend
from tests.support.findings import finding_of, named_finding
from tests.support.photos import COLOURS, UNCERTAIN, photo_in, photo_of

TABLE = conditions_table()
LESIONS = [key for key in COLOURS if key != "normal_skin"]
# As skinartify, the explainable client and the guide name a class; its id and name in the lab.
NAMES = {
    "melanoma": ("melanoma", "mel", "melanoma", "melanoma", "Malignant Melanoma"),
    "basal_cell_carcinoma": ("bcc", "bcc", "basal_cell_carcinoma", "bcc", "Basal Cell Carcinoma"),
    "actinic_keratosis": (
        *("akiec", "akiec", "actinic_keratoses"),
        *("akiec", "Actinic Keratosis / Bowen's Disease"),
    ),
    "benign_keratosis": ("bkl", "bkl", "benign_keratosis", "bkl", "Benign Keratosis"),
    "melanocytic_nevus": ("nevus", "nv", "melanocytic_nevi", "nv", "Benign Mole (Nevus)"),
    "dermatofibroma": ("df", "df", "dermatofibroma", "df", "Dermatofibroma"),
    "vascular_lesion": ("vasc", "vasc", "vascular_lesions", "vasc", "Vascular Lesion"),
}


@pytest.mark.parametrize("key", LESIONS)
def test_skinartify_gets_its_seven_probabilities(client_backend: ClientBackend, key: str) -> None:
    body = skinartify(client_backend, photo_of(key)).get_json()
    shares = body["predictions"]
    assert list(shares) == ["akiec", "bcc", "bkl", "df", "melanoma", "nevus", "vasc"]
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.get) == NAMES[key][0]


def test_skinartifys_document_gets_the_same_and_a_sorted_list(
    client_backend: ClientBackend,
) -> None:
    photo = photo_of("vascular_lesion")
    body = skinartify_document(client_backend, photo).get_json()
    assert body["predictions"] == skinartify(client_backend, photo).get_json()["predictions"]
    assert [set(result) for result in body["results"]] == [{"type", "label", "confidence"}] * 7
    shares = [result["confidence"] for result in body["results"]]
    assert shares == sorted(shares, reverse=True)
    assert body["results"][0]["type"] == "vasc"


@pytest.mark.parametrize("key", LESIONS)
def test_the_explainable_client_gets_label_nested_row_and_overlay(
    client_backend: ClientBackend, key: str
) -> None:
    body = inference(client_backend, photo_of(key)).get_json()
    assert body["predicted_label"] == NAMES[key][1]
    [row] = body["probabilities"]
    order = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    assert order[row.index(max(row))] == body["predicted_label"]
    assert sum(row) == pytest.approx(1)
    overlay = Image.open(io.BytesIO(base64.b64decode(body["heatmap"])))
    assert (overlay.format, overlay.size) == ("JPEG", (224, 224))


def test_the_explainable_clients_report_is_a_pdf_with_all_it_promises(
    client_backend: ClientBackend,
) -> None:
    photo = photo_of("melanoma")
    content = base64.b64decode(report(client_backend, photo).get_json()["pdf_report"])
    assert content == base64.b64decode(report(client_backend, photo).get_json()["pdf_report"])
    pages = PdfReader(io.BytesIO(content)).pages
    text = " ".join(page.extract_text() for page in pages)
    for said in ("Skin lesion report", "Diagnosis", "mel", "Melanoma", "Confidence", "Risk level"):
        assert said in text
    assert "High" in text
    assert sum(len(page.images) for page in pages) == 2
    assert all(TABLE.notices.information_only.en in page.extract_text() for page in pages)


@pytest.mark.parametrize("key", LESIONS)
def test_the_guides_client_gets_sorted_labels_and_a_png_of_the_photos_size(
    client_backend: ClientBackend, key: str
) -> None:
    body = guide(client_backend, photo_of(key, (320, 240))).get_json()
    labels = [entry["label"] for entry in body["predictions"]]
    assert labels[0] == NAMES[key][2]
    shares = {entry["label"]: entry["probability"] for entry in body["predictions"]}
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    malignant = ("melanoma", "basal_cell_carcinoma", "actinic_keratoses")
    assert body["malignant_score"] == pytest.approx(sum(shares[label] for label in malignant))
    head, _, data = body["grad_cam"].partition(",")
    assert head == "data:image/png;base64"
    drawn = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (drawn.format, drawn.size) == ("PNG", (320, 240))
    assert isinstance(body["processing_time_ms"], int)
    assert body["explanation"]
    assert body["model_version"] == "tiny-1"


@pytest.mark.parametrize("key", LESIONS)
def test_the_labs_client_gets_its_diagnosis(client_backend: ClientBackend, key: str) -> None:
    body = lab(client_backend, photo_of(key)).get_json()
    assert (body["class_id"], body["class_name"]) == NAMES[key][3:]
    assert body["severity"] in ("Critical", "Moderate", "Benign")
    assert 0 <= body["risk_score"] <= 10
    assert 0.5 < body["confidence"] <= 1
    assert set(body["clinical_indicators"]) == set(body["abcd_details"]) == set("ABCD")
    assert all(set(d) == {"label", "description", "interpretation"} for d in _details(body))
    assert body["processing_time"].endswith("s")
    assert all(body[field] for field in ("treatment", "description", "epidemiology"))
    assert body["model_version"] == "tiny-1"


def _details(body: dict[str, Any]) -> list[dict[str, str]]:
    return list(body["abcd_details"].values())


def test_what_was_not_measured_says_so_and_is_not_painted_green(
    client_backend: ClientBackend,
) -> None:
    body = lab(client_backend, photo_of("melanoma")).get_json()
    assert body["clinical_indicators"] == dict.fromkeys("ABCD", 0.5)
    for detail in _details(body):
        assert detail["interpretation"] == detail["description"] == "Not assessed by this system"
    assert body["description"].endswith("ABCD: Not assessed by this system.")


def test_a_melanoma_is_never_called_benign_or_low(client_backend: ClientBackend) -> None:
    assert lab(client_backend, photo_of("melanoma")).get_json()["severity"] == "Critical"
    nevus = lab(client_backend, photo_of("melanocytic_nevus")).get_json()
    assert nevus["severity"] == "Benign"


RAISED: tuple[tuple[Band, dict[str, Any], str], ...] = (
    (Band.URGENT_REFERRAL, {"raised_by": (RaisedBy.MELANOMA,)}, "Most likely a"),
    (Band.REFERRAL, {"raised_by": (RaisedBy.BASAL_CELL_CARCINOMA,)}, "Most likely a"),
    (Band.DOCTOR_REVIEW, {"reasons": (Doubt.TOO_CLOSE,)}, "This finding is uncertain"),
    (Band.DOCTOR_REVIEW, {"raised_by": (RaisedBy.LITTLE_TESTED,)}, "Most likely a"),
)


@pytest.mark.parametrize(("band", "raised", "begins"), RAISED)
@pytest.mark.parametrize("key", ["melanocytic_nevus", "dermatofibroma", "benign_keratosis"])
def test_no_client_gets_reassuring_words_beside_a_referral_or_a_doubt(
    key: str, band: Band, raised: dict[str, Any], begins: str
) -> None:
    """The lab shows one name: the most serious that a referral names, otherwise none, because a
    likely name would reassure.
    """
    finding = finding_of(key, probability=0.6, band=band, **raised)
    judged = ClassifiedPhoto(finding, read_photo(photo_of(key)))
    diagnosis, said = Diagnosis.from_photo(judged), TABLE.by_key(key).sentences["en"]
    read = (diagnosis.description, diagnosis.treatment, diagnosis.epidemiology)
    for harmless in (said.what_it_is, said.treatment_note, said.epidemiology, said.what_to_do):
        assert not any(harmless in text for text in read)
    with pytest.raises(Undecided) as told:
        GuideAnswer.from_photo(judged)
    assert begins in told.value.detail
    if band is Band.DOCTOR_REVIEW:
        assert (diagnosis.class_id, diagnosis.class_name) == ("inconclusive", NO_DIAGNOSIS)
        assert diagnosis.confidence == 0
    else:
        assert TABLE.by_key(finding.headline.one_name.key).malignant
        assert diagnosis.class_name == NAMES[finding.headline.one_name.key][4]
    assert diagnosis.description.startswith(begins)
    assert diagnosis.treatment.startswith(judged.finding.band_words().action)
    assert diagnosis.severity != "Benign"


def test_the_labs_treatment_begins_with_what_to_do_and_its_description_with_the_doubt() -> None:
    photo = read_photo(photo_of("melanoma"))
    said = TABLE.by_key("melanoma").sentences["en"]
    certain = Diagnosis.from_photo(ClassifiedPhoto(finding_of("melanoma"), photo))
    action = TABLE.band_words(Band.URGENT_REFERRAL, "en").action
    assert certain.treatment == f"{action} {said.treatment_note}"
    assert certain.description.startswith(f"Most likely a melanoma. {said.what_it_is}")
    doubtful = finding_of("melanoma", probability=0.4, reasons=(Doubt.UNLIKE_TRAINING,))
    in_doubt = Diagnosis.from_photo(ClassifiedPhoto(doubtful, photo))
    assert in_doubt.class_name == "Malignant Melanoma"
    assert in_doubt.description.startswith(
        "This finding is uncertain: the picture is unlike those the model learned from. "
        f"Most likely a melanoma. {said.what_it_is}"
    )


def test_what_was_measured_is_painted_green_only_beside_an_all_clear() -> None:
    shape = Shape(asymmetry=0.1, border=0.2, colour=0.3, diameter=0.4)
    photo = read_photo(photo_of("melanocytic_nevus"))
    mole = finding_of("melanocytic_nevus", band=Band.SELF_MONITORING)
    plain = Diagnosis.from_photo(ClassifiedPhoto(mole, photo, shape))
    assert plain.clinical_indicators == {"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.4}
    raised = Diagnosis.from_photo(ClassifiedPhoto(finding_of("melanocytic_nevus"), photo, shape))
    assert raised.clinical_indicators == {"A": 0.31, "B": 0.31, "C": 0.31, "D": 0.4}
    assert raised.abcd_details == plain.abcd_details
    assert plain.abcd_details["A"].interpretation == "Measured in this picture: 0.10"


def test_who_is_referred_reads_the_graver_name_with_its_own_probability() -> None:
    finding = named_finding("melanoma", most_probable="melanocytic_nevus")
    assert finding.band is Band.URGENT_REFERRAL
    judged = ClassifiedPhoto(finding, read_photo(photo_of("melanoma")))
    diagnosis = Diagnosis.from_photo(judged)
    assert (diagnosis.class_id, diagnosis.severity) == ("melanoma", "Critical")
    assert diagnosis.confidence == pytest.approx(0.3, abs=0.02)
    said = "Most likely a mole. A skin cancer cannot be ruled out."
    assert diagnosis.description.startswith(said)
    assert GuideAnswer.from_photo(judged).explanation.startswith(said)


def test_the_explainable_clients_report_says_the_band_and_the_doubt(
    client_backend: ClientBackend,
) -> None:
    content = base64.b64decode(report(client_backend, photo_in(UNCERTAIN)).get_json()["pdf_report"])
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    text = " ".join(" ".join(pages).split())
    assert "The check is not sure of this answer." in text
    assert "Diagnosis Inconclusive - no diagnosis" in text
    assert "Condition Most likely" in text
    asked = [(band.en.label, band.en.action, band.en.first_step) for band in TABLE.bands[:3]]
    assert any(label in text and {how in text for how in hows} != {False} for label, *hows in asked)


def test_what_does_not_look_like_skin_gets_no_name_and_the_bands_severity() -> None:
    finding = finding_of(probability=0.98, reasons=(Doubt.NOT_SURELY_SKIN,))
    judged = ClassifiedPhoto(finding, read_photo(photo_of("melanoma")))
    diagnosis = Diagnosis.from_photo(judged)
    assert (diagnosis.class_id, diagnosis.class_name) == ("inconclusive", NO_DIAGNOSIS)
    assert (diagnosis.severity, diagnosis.risk_score, diagnosis.confidence) == ("Critical", 8.0, 0)
    assert diagnosis.description.startswith(TABLE.notices.headline.not_skin.en)
    for answer in (
        lambda: GuideAnswer.from_photo(judged),
        lambda: decided(finding, EXPLAINABLES),
    ):
        with pytest.raises(Undecided) as told:
            answer()
        assert told.value.detail.startswith(TABLE.notices.headline.not_skin.en)
    assert "elanoma" not in f"{diagnosis.description} {diagnosis.treatment}"
