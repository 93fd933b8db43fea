"""Each client's exact requests, and what it reads of the answers."""

import base64
import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from skinapi.vision.conditions import conditions_table
from tests.clients.dialects import (
    guide,
    inference,
    lab,
    report,
    skinartify,
    skinartify_document,
)
from tests.clients.wired import Door
from tests.photos import COLOURS, UNCERTAIN, photo_in, photo_of

TABLE = conditions_table()
LESIONS = [key for key in COLOURS if key != "normal_skin"]


@pytest.mark.parametrize("key", LESIONS)
def test_skinartify_gets_its_seven_probabilities(door: Door, key: str) -> None:
    body = skinartify(door, photo_of(key)).get_json()
    shares = body["predictions"]
    assert list(shares) == ["akiec", "bcc", "bkl", "df", "melanoma", "nevus", "vasc"]
    assert sum(shares.values()) == pytest.approx(1)
    assert max(shares, key=shares.get) == TABLE.by_key(key).names.skinartify


def test_skinartifys_document_gets_the_same_and_a_sorted_list(door: Door) -> None:
    photo = photo_of("vascular_lesion")
    body = skinartify_document(door, photo).get_json()
    assert body["predictions"] == skinartify(door, photo).get_json()["predictions"]
    assert [set(result) for result in body["results"]] == [{"type", "label", "confidence"}] * 7
    shares = [result["confidence"] for result in body["results"]]
    assert shares == sorted(shares, reverse=True)
    assert body["results"][0]["type"] == "vasc"


@pytest.mark.parametrize("key", LESIONS)
def test_the_explainable_client_gets_label_nested_row_and_overlay(door: Door, key: str) -> None:
    body = inference(door, photo_of(key)).get_json()
    assert body["predicted_label"] == TABLE.by_key(key).names.explainable
    [row] = body["probabilities"]
    order = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    assert order[row.index(max(row))] == body["predicted_label"]
    assert sum(row) == pytest.approx(1)
    overlay = Image.open(io.BytesIO(base64.b64decode(body["heatmap"])))
    assert (overlay.format, overlay.size) == ("JPEG", (224, 224))


def test_the_explainable_clients_report_is_a_pdf_with_all_it_promises(door: Door) -> None:
    photo = photo_of("melanoma")
    content = base64.b64decode(report(door, photo).get_json()["pdf_report"])
    assert content == base64.b64decode(report(door, photo).get_json()["pdf_report"])
    pages = PdfReader(io.BytesIO(content)).pages
    text = " ".join(page.extract_text() for page in pages)
    for said in ("Skin lesion report", "Diagnosis", "mel", "Melanoma", "Confidence", "Risk level"):
        assert said in text
    assert "High" in text
    assert sum(len(page.images) for page in pages) == 2
    assert all(TABLE.notices.information_only.en in page.extract_text() for page in pages)


@pytest.mark.parametrize("key", LESIONS)
def test_the_guides_client_gets_sorted_labels_and_a_png_of_the_photos_size(
    door: Door, key: str
) -> None:
    body = guide(door, photo_of(key, (320, 240))).get_json()
    labels = [entry["label"] for entry in body["predictions"]]
    assert labels[0] == TABLE.by_key(key).names.guide
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
def test_the_labs_client_gets_its_diagnosis(door: Door, key: str) -> None:
    body = lab(door, photo_of(key)).get_json()
    names = TABLE.by_key(key).names
    assert (body["class_id"], body["class_name"]) == (names.lab_class_id, names.lab_class_name)
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


def test_what_was_not_measured_is_not_painted_green(door: Door) -> None:
    body = lab(door, photo_of("melanoma")).get_json()
    assert body["clinical_indicators"] == dict.fromkeys("ABCD", 0.5)
    assert {d["interpretation"] for d in _details(body)} == {"Not assessed by this system"}


def test_a_melanoma_is_never_called_benign_or_low(door: Door) -> None:
    assert lab(door, photo_of("melanoma")).get_json()["severity"] == "Critical"
    nevus = lab(door, photo_of("melanocytic_nevus")).get_json()
    assert nevus["severity"] == "Moderate"  # nobody said that it is a dermoscope picture


def test_an_uncertain_photo_is_answered_as_its_gravest_possibility(door: Door) -> None:
    photo = photo_in(UNCERTAIN)
    assert inference(door, photo).get_json()["uncertain"] is True
    assert "uncertain" in guide(door, photo).get_json()["explanation"].partition(".")[0]
