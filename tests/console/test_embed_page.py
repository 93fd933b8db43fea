import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.platform.storage.ids import now
from tests.integrations.test_keys import clinic_wide, refused, sent
from tests.support.backends import Backend, Person, settings_in

SITES: dict[str, Any] = {
    "embed_origins": "https://Clinic.example, https://www.clinic.example:8443/"
}
LISTED = "https://clinic.example https://www.clinic.example:8443"


def test_listed_sites_alone_may_show_the_page_in_a_frame(tmp_path: Path) -> None:
    client = Backend(tmp_path, **SITES).client
    page = client.get("/embed")
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors {LISTED};" in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "X-Frame-Options" not in page.headers  # it knows no list
    assert page.headers["Permissions-Policy"].startswith("camera=(self), microphone=()")
    assert "Set-Cookie" not in page.headers
    assert f'<meta name="origins" content="{LISTED}">' in page.text
    assert not re.search(r"<script(?! type=\"module\" src=)|style=|\son\w+=", page.text)
    for other in ("/", "/console/style.css", "/console/embed/index.html"):
        headers = client.get(other, headers={"Accept": "text/html"}).headers
        assert headers["X-Frame-Options"] == "DENY", other
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], other


def test_without_a_list_no_site_may_show_it(shared_backend: Backend) -> None:
    page = shared_backend.client.get("/embed")
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert '<meta name="origins" content="">' in page.text


def test_the_page_has_the_name_of_the_clinic(tmp_path: Path) -> None:
    client = Backend(tmp_path, **SITES, clinic_name="Dr. <Ada> & Co").client
    assert "<title>Dr. &lt;Ada&gt; &amp; Co</title>" in client.get("/embed").text
    assert "Dr. &lt;Ada&gt; &amp; Co" in client.get("/", headers={"Accept": "text/html"}).text, (
        "for whoever registers"
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"embed_origins": "https://*.clinic.example"}, "EMBED_ORIGINS must name each site"),
        ({"embed_origins": "https://clinic.example/page"}, "EMBED_ORIGINS must name"),
        ({"embed_origins": "*"}, "EMBED_ORIGINS must name"),
        ({"embed_origins": "https://a.example; script-src *"}, "EMBED_ORIGINS must name"),
    ],
)
def test_what_would_be_unsafe_is_refused_at_the_start(
    tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UnsafeSettings, match=sentence):
        refuse_unsafe(settings_in(tmp_path, **wrong))


@pytest.fixture
def program(backend: Backend) -> Person:
    return clinic_wide(backend, sessions=True)


def opened(backend: Backend, program: Person, patient: Person) -> Person:
    body = {"scope": "findings:write", "patient": backend.account(patient.email).id}
    made = program.call("POST", "/keys/sessions", json=body)
    assert made.status_code == 201, made.text
    return Person(backend.client, made.get_json()["secret"])


def read(page: Person, number: int) -> int:
    return page.call("GET", f"/submissions/{number}/report.json?issue=false").status_code


def test_a_page_reads_what_it_filed_and_nothing_else_of_the_patient(
    backend: Backend, program: Person
) -> None:
    ada = backend.member()
    page = opened(backend, program, ada)
    own = sent(ada).get_json()["id"]
    by_program = sent(program, patient=backend.account(ada.email).id).get_json()["id"]
    filed = sent(page).get_json()["id"]
    assert [read(page, number) for number in (filed, own, by_program)] == [200, 404, 404]
    for path in ("", "/photo", "/thumbnail", "/report.html", "/report.pdf", "/reviews"):
        answer = page.call("GET", f"/submissions/{filed}{path}")
        assert refused(answer) == (403, "key_lacks_scope"), path
    for path in ("/submissions", "/lesions", "/patients"):
        assert refused(page.call("GET", path)) == (403, "key_lacks_scope"), path
    for path in ("/me", "/me/file", "/messages"):
        assert refused(page.call("GET", path)) == (403, "takes_no_key"), path


def test_the_next_key_of_a_page_reads_it_too_and_no_other_page_does(
    backend: Backend, program: Person
) -> None:
    ada, bob = backend.member(), backend.member()
    number = sent(opened(backend, program, ada)).get_json()["id"]
    assert read(opened(backend, program, ada), number) == 200
    assert read(opened(backend, program, bob), number) == 404
    other = clinic_wide(backend, sessions=True)
    assert read(opened(backend, other, ada), number) == 404


def test_after_an_hour_a_page_does_not_read_it_any_more(backend: Backend, program: Person) -> None:
    ada = backend.member()
    number = sent(opened(backend, program, ada)).get_json()["id"]
    findings = backend.services.store.collection("submissions")
    (found,) = findings.find({"number": number})
    before = now() - timedelta(minutes=61)
    findings.update({"id": found["id"]}, {"$set": {"created_at": before}})
    assert read(opened(backend, program, ada), number) == 404


def test_a_session_key_says_whose_it_is_and_until_when(backend: Backend, program: Person) -> None:
    ada = backend.member()
    shown = opened(backend, program, ada).call("GET", "/keys/sessions/current").get_json()
    assert shown["patient"] == backend.account(ada.email).id
    assert shown["scope"] == "findings:write"
    assert set(shown) == {"patient", "scope", "expires_at"}
    assert program.call("GET", "/keys/sessions/current").status_code == 404
