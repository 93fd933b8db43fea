"""What a patient whose language is German reads; `third_language` adds the language before."""

import io
import re
import tempfile
from html import unescape
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from skinapi.base.languages import LANGUAGES
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Doubt
from skinapi.platform.notices.mail_texts import WORDS
from tests.findings.prediction.photographer import predicted, send
from tests.findings.reports.facts import texts_of
from tests.model.photos import encoded, skin_with_spot
from tests.support.backends import Backend, Person
from tests.support.findings import told_finding

TAG = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)


def read_mails() -> str:
    words = WORDS[LANGUAGES[-1]]
    return " ".join([*words.subjects.values(), *words.texts.values()])


def read_all() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        ada = Backend(Path(folder)).member()
        assert ada.call("PUT", "/me/locale", json={"locale": "de"}).status_code == 200
        made = predicted(ada, modality="clinical", checklist="oozing", age_band="60-74")
        refused = send(ada, encoded(skin_with_spot((30, 30))), checklist="oozing").get_json()
        pages = read_pages(ada, made)
    return {
        "finding": " ".join([made["band_label"], made["action"], *made["notices"]]),
        "names": " ".join(entry["name"] for entry in made["probabilities"]),
        "report": " ".join(made["report"].values()),
        "refusal": refused["error"],
        "template": read_template(),
        "mails": read_mails(),
        **pages,
    }


def read_pages(ada: Person, made: dict[str, Any]) -> dict[str, str]:
    report = f"/submissions/{made['id']}/report"
    page, printed = (ada.call("GET", f"{report}.{kind}") for kind in ("html", "pdf"))
    sheets = PdfReader(io.BytesIO(printed.data)).pages
    return {
        # Without the sources, whose titles are in their own language.
        "html": unescape(TAG.sub(" ", page.text.partition("</main>")[0])),
        "pdf": "\n".join(sheet.extract_text() for sheet in sheets).partition("\nSöürcës\n")[0],
    }


def read_template() -> str:
    """Of a finding that says all that one may say."""
    told = Facts.from_finding(told_finding(reasons=tuple(Doubt)), NOTHING_TOLD)
    return " ".join(texts_of(write_template(told, LANGUAGES[-1])))
