"""The language that an account has chosen for its reports."""

from tests.support.backends import Backend

STATED = {"class": "melanoma", "confidence": 80}


def test_reports_are_in_the_chosen_language_where_none_is_asked_for(backend: Backend) -> None:
    person = backend.member()
    assert person.call("GET", "/me").get_json()["locale"] == "en"
    assert person.call("PUT", "/me/locale", json={"locale": "fr"}).status_code == 200
    assert person.call("GET", "/me").get_json()["locale"] == "fr"
    own = person.call("POST", "/generate_report", json=STATED).get_json()
    asked = person.call("POST", "/generate_report", json={**STATED, "language": "en"}).get_json()
    assert "Mélanome" in own["overview"]
    assert "Melanoma" in asked["overview"]


def test_the_language_chosen_already_writes_nothing(backend: Backend) -> None:
    person = backend.member(locale="fr")
    before = backend.stored()
    assert person.call("PUT", "/me/locale", json={"locale": "fr"}).status_code == 200
    assert backend.stored() == before


def test_a_language_without_words_is_refused(backend: Backend) -> None:
    person = backend.member()
    for body in ({"locale": "de"}, {"locale": None}, {}):
        assert person.call("PUT", "/me/locale", json=body).status_code == 400
