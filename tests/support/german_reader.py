"""`python -m tests.support.german_reader`: prints what a patient reads in German, in the copy of
the application that `third_language.py` makes.
"""

import io
import json
import re
import sys
import tempfile
from email.headerregistry import Address
from html import unescape
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from skinapi.base.languages import known_language
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Doubt
from skinapi.platform.notices.mail_texts import WORDS, Recipient, write_mail
from skinapi.platform.notices.outbox import Kind, Notice
from skinapi.platform.storage.ids import now
from tests.findings.prediction.photographer import predicted, send
from tests.findings.reports.facts import texts_of
from tests.model.photos import encoded, skin_with_spot
from tests.support.backends import Backend, Person
from tests.support.findings import told_finding

TAG = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)


GERMAN = known_language("de")


def read_mails() -> str:
    assert GERMAN
    words, at = WORDS[GERMAN], now()
    told = Notice(
        id="1", created_at=at, expires_at=at, account="1", kind=Kind.NEWS, about="finding/7"
    )
    mail = write_mail(
        [told],
        Recipient("ada@example.org", GERMAN, notices=True),
        sender=Address(addr_spec="clinic@example.org"),
        console="https://clinic.example",
        link_to=lambda notice: f"https://clinic.example/#/{notice.about}",
    )
    sent = [mail["Subject"], mail.get_content()]
    return " ".join([*sent, *words.subjects.values(), *words.texts.values()])


def read_all() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        backend = Backend(Path(folder))
        ada = backend.member()
        assert ada.call("PATCH", "/me", json={"locale": "de"}).status_code == 200
        made = predicted(ada, modality="clinical", checklist="oozing", age_band="60-74")
        refused = send(ada, encoded(skin_with_spot((30, 30))), checklist="oozing").get_json()
        pages = read_pages(ada, made) | read_console(backend)
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


def read_console(backend: Backend) -> dict[str, str]:
    """Return the words that the page fetches, once it has offered the language."""
    page = unescape(backend.client.get("/", headers={"Accept": "text/html"}).text)
    assert '"de": "\\u00cbngl\\u00efsh"' in page
    files = {of: backend.client.get(f"/console/{of}.de.json") for of in ("words", "words.staff")}
    return {
        f"{of} of the console": " ".join(json.loads(file.text).values())
        for of, file in files.items()
    }


def read_template() -> str:
    assert GERMAN
    told = Facts.from_finding(told_finding(reasons=tuple(Doubt)), NOTHING_TOLD)
    return " ".join(texts_of(write_template(told, GERMAN)))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read_all()))
