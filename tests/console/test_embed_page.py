"""Who may show the page to embed in a frame, and in which colours."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.contrast import SURFACES, Surfaces, contrast
from skinapi.base.settings.safety import refuse_unsafe
from skinapi.console.routes import STATIC
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
    for other in ("/", "/console/style.css", "/console/embed/index.html", "/embed/colours.css"):
        headers = client.get(other, headers={"Accept": "text/html"}).headers
        assert headers["X-Frame-Options"] == "DENY", other
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], other


def test_without_a_list_no_site_may_show_it(shared_backend: Backend) -> None:
    page = shared_backend.client.get("/embed")
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert '<meta name="origins" content="">' in page.text


def test_the_page_has_the_name_and_the_colours_of_the_clinic(tmp_path: Path) -> None:
    colours: dict[str, Any] = {"embed_color": "#7a1fa2", "embed_color_dark": "#d7a6f0"}
    client = Backend(tmp_path, **SITES, clinic_name="Dr. <Ada> & Co", **colours).client
    page = client.get("/embed").text
    assert "<title>Dr. &lt;Ada&gt; &amp; Co</title>" in page
    sheet = client.get("/embed/colours.css").text
    light, dark = sheet.splitlines()
    assert "light" in light
    assert "--accent: #7a1fa2; --accent-ink: #ffffff" in light
    assert "dark" in dark
    assert "--accent: #d7a6f0; --accent-ink: #000000" in dark


def test_without_colours_it_has_those_of_the_console(shared_backend: Backend) -> None:
    assert shared_backend.client.get("/embed/colours.css").text == ""


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"embed_color": "#ffcc00"}, r"EMBED_COLOR .* light page.* 1\.\d:1.*4\.5:1.*darker"),
        ({"embed_color": "#6b7f8a"}, "EMBED_COLOR is hard to read"),  # on paper alone
        ({"embed_color_dark": "#7a1fa2"}, "EMBED_COLOR_DARK .* dark page.*lighter"),
        ({"embed_color": "red"}, "EMBED_COLOR must be a colour as #0f5f6b"),
        ({"embed_color": "#fff;}*{"}, "EMBED_COLOR must be a colour"),
        ({"embed_origins": "https://*.clinic.example"}, "EMBED_ORIGINS must name each site"),
        ({"embed_origins": "https://clinic.example/page"}, "EMBED_ORIGINS must name"),
        ({"embed_origins": "*"}, "EMBED_ORIGINS must name"),
        ({"embed_origins": "https://a.example; script-src *"}, "EMBED_ORIGINS must name"),
    ],
)
def test_what_would_be_unsafe_or_hard_to_read_is_refused_at_the_start(
    tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UnsafeSettings, match=sentence):
        refuse_unsafe(settings_in(tmp_path, **wrong))


def test_contrast_is_measured_against_the_colours_of_the_style() -> None:
    style = (STATIC / "style.css").read_text()
    for theme, place in (("light", 0), ("dark", 1)):
        named = {
            name: re.findall(rf"--{name}: (#\w{{6}});", style)[place]
            for name in ("paper", "sheet", "ink", "soft")
        }
        assert Surfaces(**named) == SURFACES[theme]  # type: ignore[index]
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # of WCAG's examples


@pytest.fixture
def program(backend: Backend) -> Person:
    return clinic_wide(backend, sessions=True)


def opened(backend: Backend, program: Person, patient: Person) -> Person:
    """A page with a session key for this patient."""
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
    for path in ("", "/photo", "/thumbnail", "/heatmap", "/report", "/report.pdf", "/reviews"):
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
    submissions = backend.services.store.collection("submissions")
    (found,) = submissions.find({"number": number})
    before = now() - timedelta(minutes=61)
    submissions.update({"id": found["id"]}, {"$set": {"created_at": before}})
    assert read(opened(backend, program, ada), number) == 404


def test_a_page_files_for_its_own_patient_alone(backend: Backend, program: Person) -> None:
    ada, bob = backend.member(), backend.member()
    page = opened(backend, program, ada)
    assert sent(page, patient=backend.account(bob.email).id).status_code == 404
    assert bob.pages("/submissions") == []


def test_a_session_key_says_whose_it_is_and_until_when(backend: Backend, program: Person) -> None:
    ada = backend.member()
    shown = opened(backend, program, ada).call("GET", "/keys/sessions/current").get_json()
    assert shown["patient"] == backend.account(ada.email).id
    assert shown["scope"] == "findings:write"
    assert set(shown) == {"patient", "scope", "expires_at"}
    assert program.call("GET", "/keys/sessions/current").status_code == 404
