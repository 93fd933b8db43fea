import re
from typing import Any

import pytest

from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import in_order, one_line, plain_text, text_of
from tests.support.backends import Backend
from tests.support.photos import photo_of
from tests.support.reviews import sign_review

TOLD = {"age": "40", "sex": "female", "body_site": "back", "checklist": "none"}
SIGNS = ["change_in_size", "oozing"]
MOLE = {"label": "melanocytic_nevus", "certainty": "sure"}
MELANOMA = {"label": "melanoma", "certainty": "sure"}
BECAME = {
    "en": (
        "It became more urgent, because the answers about the spot were corrected on",
        "No doctor has looked since.",
    ),
    "fr": (
        "C'est devenu plus urgent, car les réponses sur la tache ont été corrigées le",
        "Aucun médecin n'a regardé depuis.",
    ),
}


class Paper:
    def __init__(self, backend: Backend) -> None:
        self.doctor, self.ada = patient_in_care(backend)
        photo = photo_of("melanocytic_nevus")
        self.number = predicted(self.ada, photo, keep_photo="true", **TOLD)["id"]

    def correct(self, **facts: Any) -> None:
        seen = {"version": self.ada.newest_of(self.number)}
        body = {**TOLD, "checklist": ["none"], **seen, **facts}
        answer = self.ada.call("PUT", f"/submissions/{self.number}/facts", json=body)
        assert answer.status_code == 200, answer.text

    def sign(self, **said: Any) -> None:
        assert sign_review(self.doctor, self.number, said).status_code == 201

    def read(self, language: str = "en", reader: str = "patient") -> list[str]:
        asked = f"/submissions/{self.number}/report.%s?lang={language}&reader={reader}"
        page, printed = (self.ada.call("GET", asked % kind) for kind in ("html", "pdf"))
        return [one_line(plain_text(page.text)), text_of(printed.data)]


@pytest.fixture
def paper(backend: Backend) -> Paper:
    return Paper(backend)


def test_a_paper_says_which_version_it_is_and_what_alone_was_corrected(paper: Paper) -> None:
    for text in paper.read():
        assert "Judged again" not in text
    paper.correct(age=78)
    for text in paper.read():
        assert re.search("Judged again .{20,40} · version 2 · corrected before: Age Issued", text)
        assert "75 years or older" in text
        assert "No doctor has reviewed this finding yet." in text
    for text in paper.read("fr"):
        assert re.search("Jugé à nouveau .* · version 2 · corrigé avant : Âge Établi le", text)


@pytest.mark.parametrize("language", BECAME)
def test_a_decision_heads_a_milder_version_which_stands_second(paper: Paper, language: str) -> None:
    paper.correct(checklist=SIGNS)
    paper.sign(**MELANOMA)
    paper.correct()
    said = {
        "en": ("Doctor's suspicion, not confirmed", "What the model said on", "Most likely a mole"),
        "fr": (
            "Suspicion du médecin",
            "Ce que le modèle a répondu le",
            "Il s'agit le plus probablement d'",
        ),
    }
    for text in paper.read(language):
        assert in_order(text, *said[language], "version 3")
        assert BECAME[language][0] not in text
    sections = paper.ada.call("GET", "/submissions").get_json()[0]["report"]
    assert sections["overview"].startswith("Doctor's suspicion of")
    assert "earlier" not in sections["overview"], "the model has answered later"


@pytest.mark.parametrize("language", BECAME)
@pytest.mark.parametrize("reader", ["patient", "colleague"])
def test_what_became_more_urgent_heads_the_decision_of_before(
    paper: Paper, reader: str, language: str
) -> None:
    paper.sign(**MOLE)
    path = f"/submissions/{paper.number}/letters"
    draft = paper.doctor.call("POST", path, json={"reader": "patient"}).get_json()
    signed = {name: draft[name] for name in ("text", "version", "spot_version")}
    assert (
        paper.doctor.call("POST", f"/letters/{draft['_id']}/sign", json=signed).status_code == 200
    )
    paper.correct(checklist=SIGNS)
    heads = {
        ("en", "patient"): "See a doctor this week.",
        ("en", "colleague"): "Urgent referral",
        ("fr", "patient"): "Voir un médecin cette semaine.",
        ("fr", "colleague"): "Avis spécialisé urgent",
    }
    replaced = {
        "en": ("Doctor's decision: a mole", "Since then: a correction of what was entered"),
        "fr": ("Décision", "une correction des données saisies, le"),
    }[language]
    likely = {
        "en": ("Most likely a mole",),
        "fr": ("Il s'agit le plus probablement d'un grain de beauté",),
    }
    model = likely[language] if reader == "patient" else ()
    second = {"en": "What the model said", "fr": "Ce que le modèle a répondu"}
    above = (
        "Since then: a correction of what was entered, on ",
        "What to do now: See a doctor this week.",
        "Dear ",
    )
    for text in paper.read(language, reader):
        head = heads[language, reader]
        assert in_order(text, head, *BECAME[language], *model, *replaced, "version 2")
        assert second[language] not in text, "nothing above it counts more"
        assert in_order(text, *above), "in the letter's language"
