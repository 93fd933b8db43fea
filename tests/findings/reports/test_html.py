import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.html_pages import POLICY, render_html
from skinapi.findings.reports.report import ReportedPatient
from tests.findings.reports.sample_reports import REVIEW, made_report, narrative_in

SINGLE = {"meta", "img", "rect", "br"}


class Outline(HTMLParser):
    """Every element with its attributes, and every text. An unclosed element is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in SINGLE:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in SINGLE:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"[^\S\u00a0]+", " ", " ".join(self.texts))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def levels(self) -> Iterator[int]:
        return (int(tag[1]) for tag, _ in self.elements if re.fullmatch("h[1-6]", tag))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("photo", [True, False])
def test_it_is_a_document_in_its_language_with_headings_in_order(
    language: Language, photo: bool
) -> None:
    report = made_report(language, photo=photo)
    page = Outline(render_html(report))
    assert page.all("html") == [{"lang": language}]
    levels = list(page.levels())
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table")) == 1
    assert all(cell["scope"] in ("row", "col") for cell in page.all("th"))
    assert len(page.all("img")) == 2 * photo
    assert all(len(image["alt"] or "") > 10 for image in page.all("img"))
    assert page.all("main")


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = Outline(render_html(made_report()))
    assert not {"script", "link", "iframe", "object", "form", "base"} & {
        tag for tag, _ in page.elements
    }
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:image/jpeg").startswith("data:image/jpeg")
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY


HOSTILE = ("<script>alert(1)</script>", '"><svg onload=alert(1)>', "{{ 7 * 7 }}")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_every_text_stays_text(hostile: str) -> None:
    plain = Outline(render_html(made_report()))
    review = REVIEW.model_copy(update={"note": hostile, "signature": hostile})
    report = made_report(
        patient=ReportedPatient(name=hostile, email=hostile),
        clinic=hostile,
        narrative=narrative_in("en", hostile),
        review=review,
    )
    page = Outline(render_html(report))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.text.count(hostile) == 6


def test_what_would_reorder_or_hide_a_text_is_taken_out() -> None:
    page = render_html(
        made_report(patient=ReportedPatient(name="\u202eadA\u2066\u200b שם", email="a@b.c"))
    )
    assert not set("\u202e\u2066\u200b") & set(page)
    assert "<bdi>adA שם</bdi>" in page
