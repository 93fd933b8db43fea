import json
import tracemalloc
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from flask import Request
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, TestResponse

from skinapi.accounts.auth.email_addresses import (
    IDEOGRAPHIC_FULL_STOP,
    normalise_email,
    normalise_new_email,
    spellings_of,
)
from skinapi.accounts.auth.schemas import Credentials
from skinapi.base.errors import InvalidBody
from skinapi.base.size_limits import holds_more_values
from skinapi.findings.reports.routes import StatedFinding
from skinapi.platform.web.declaration import OpenedToClient, Public, Route, declared_routes
from skinapi.platform.web.request_parsing import MOST_VALUES, read_body
from skinapi.platform.web.schemas import Body
from tests.platform.web.angular import ORIGIN, assert_readable
from tests.support.backends import PASSWORD, Backend

GOOD = {"name": "Ada Example", "email": "ada@example.org", "password": PASSWORD}
NOT_TEXT: list[Any] = [{"$gt": ""}, ["a@b.c"], 7, 1.5, True, False, {}, [], 10**400]
DEEP = 900  # deeper than is parsed, and no more values than a body may hold
BODIES: dict[str, bytes] = {
    "not JSON": b"name=Ada&email=a@b.c",
    "cut off": b'{"name": "Ada',
    "array": b'[{"name":"Ada"}]',
    "null": b"null",
    "deep objects": b'{"name":' * DEEP + b"1" + b"}" * DEEP,
    "invalid UTF-8": b'{"name":"\xff\xfe","email":"a@b.c","password":"correct horse"}',
    "half a surrogate pair": b'{"name":"\\ud800","email":"a@b.c","password":"correct horse"}',
    "NaN for a name": b'{"name":NaN,"email":"a@b.c","password":"correct horse"}',
    "NUL byte": b'{"name":"A\x00","email":"a@b.c","password":"correct horse"}',
    "duplicate keys, the last wrong": b'{"name":"A","email":"a@b.c","password":"x","name":{}}',
}
NO_FAULT_OF_LOGIN = {"NaN for a name", "duplicate keys, the last wrong"}
BLANK = ["\u200b", "\u2060\ufeff", "\u00ad", "\u202e", "\u3164", "\u2800", "\u0301", " \u200d "]
STACKED = ["A" + "\u0301" * 197, "Ada\u0489\u0489\u0489\u0489\u0489", "\u0e01" + "\u0e49" * 5]
TEXTS = {
    "name": [" ", "a\0b", "a\nb", "\x1b[31m", "\x85", "x" * 201, *BLANK, *STACKED],
    "email": [
        "ada",
        "@example.org",
        "a b@example.org",
        "a@b@example.org",
        "ada\0@example.org",
        "ada@example.org\n.evil",
        "ada\u200b@example.org",
        "\u202eada@example.org",
        "<ada@example.org>",
        "a@b.c, d@e.f",
        "ada@example.org.",
        "x" * 250 + "@example.org",
    ],
    "password": ["short", "a\0bcdefgh", "line\nbreaks", "x" * 257, "x" * 20_000],
}


def assert_refused(backend: Backend, answer: TestResponse, before: object, *statuses: int) -> None:
    assert answer.status_code in (statuses or (400,)), answer.text
    assert answer.mimetype == "application/problem+json"
    sentence = answer.get_json()["error"]
    assert 0 < len(sentence) < 300
    assert backend.stored() == before
    assert_readable(answer)


def post(backend: Backend, path: str, **options: Any) -> TestResponse:
    return backend.client.post(path, headers={"Origin": ORIGIN}, **options)


@pytest.mark.parametrize("case", BODIES)
@pytest.mark.parametrize("path", ["/register", "/login"])
def test_a_body_that_makes_no_sense_is_refused(
    shared_backend: Backend, path: str, case: str
) -> None:
    before = shared_backend.stored()
    answer = post(shared_backend, path, data=BODIES[case], content_type="application/json")
    assert_refused(
        shared_backend, answer, before, 400, *([401] if case in NO_FAULT_OF_LOGIN else [])
    )


@pytest.mark.parametrize("field", ["name", "email", "password"])
@pytest.mark.parametrize("value", NOT_TEXT, ids=lambda value: repr(value)[:12])
def test_what_is_no_text_is_refused(shared_backend: Backend, field: str, value: Any) -> None:
    before = shared_backend.stored()
    assert_refused(
        shared_backend, post(shared_backend, "/register", json={**GOOD, field: value}), before
    )
    if field != "name":
        assert_refused(
            shared_backend, post(shared_backend, "/login", json={**GOOD, field: value}), before
        )


@pytest.mark.parametrize(
    ("field", "text"), [(field, text) for field, texts in TEXTS.items() for text in texts],
    ids=lambda value: ascii(value)[:24],
)  # fmt: skip
def test_invisible_or_overlong_texts_are_refused(
    shared_backend: Backend, field: str, text: str
) -> None:
    before = shared_backend.stored()
    assert_refused(
        shared_backend, post(shared_backend, "/register", json={**GOOD, field: text}), before
    )


@pytest.mark.parametrize(
    ("segment", "status"),
    [
        ("%ff", 400),
        ("%ed%a0%80", 400),
        ("a%00@example.org", 400),
        ("a%0d%0aSet-Cookie:x=1@example.org", 400),
        ("%2e%2e", 404),
        ("..%5c..", 404),
        ("a%2fb@example.org", 404),
        ("%", 404),
        ("%E2%80%AEada@example.org", 404),
        ("x" * 5000, 404),
        ("{$ne:null}", 404),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/users/{}"),
        ("PUT", "/users/{}/doctor"),
    ],
)
def test_an_invalid_address_names_no_account(
    shared_backend: Backend, method: str, path: str, segment: str, status: int
) -> None:
    admin = shared_backend.member(role="admin")
    before = shared_backend.stored()
    body = {"json": {"doctor": None}} if method == "PUT" else {}
    raw = {"PATH_INFO": unquote_to_bytes(path.format(segment)).decode("latin-1")}
    headers = {"Origin": ORIGIN}
    answer = admin.call(method, "/", environ_overrides=raw, headers=headers, **body)
    assert_refused(shared_backend, answer, before, status)


@pytest.mark.parametrize(
    "spelling", ["%20Ada@EXAMPLE.org", "ADA@example.org", "ａda@example.org", "ada%40example.org"]
)
def test_one_person_is_reached_by_every_spelling(backend: Backend, spelling: str) -> None:
    backend.member("ada@example.org", status="waiting")
    admin = backend.member(role="admin")
    answer = admin.call("PATCH", f"/users/{spelling}/approve", json={})
    assert answer.get_json()["message"] == "User ada@example.org approved as user."


@pytest.mark.parametrize(
    ("spelling", "status"),
    [(" ADA@Example.ORG", 409), ("ａｄａ@example.org", 409), ("ada@example。org", 400)],
)
def test_another_spelling_is_no_second_account(
    backend: Backend, spelling: str, status: int
) -> None:
    backend.member("ada@example.org")
    before = backend.stored()
    answer = post(backend, "/register", json={**GOOD, "email": spelling})
    assert_refused(backend, answer, before, status)


CASED = [character for character in map(chr, range(0x1FFF)) if character.lower() != character]
MARKS = [chr(code) for code in range(0x300, 0x370)]
LETTERS = st.text(st.one_of(st.sampled_from(CASED + MARKS), st.characters()), max_size=20)


LABELS = st.text(st.sampled_from("aüßяż.-☃日本xn" + IDEOGRAPHIC_FULL_STOP), min_size=1, max_size=9)


@given(LABELS | LETTERS, st.booleans())
@example("bücher", True)
@example("faß", True)
@example("☃", True)
def test_a_new_address_has_one_spelling(domain: str, encoded: bool) -> None:
    """`xn--` and Unicode are the same domain, and once made two accounts."""
    labels = domain.split(".")
    if encoded:
        labels = [f"xn--{label.encode('punycode').decode()}" for label in labels]
    typed = f"ada@{'.'.join(labels)}"
    try:
        stored = normalise_new_email(typed)
    except ValueError:
        return
    assert stored == normalise_new_email(stored)
    spellings = spellings_of(stored)
    assert {normalise_new_email(spelling) for spelling in spellings} == {stored}
    assert normalise_email(typed) in [*spellings, stored]


def test_old_clients_may_send_more_and_new_routes_name_what_they_refuse(backend: Backend) -> None:
    admin = backend.member(role="admin")
    assert post(backend, "/register", json={**GOOD, "confirm": PASSWORD}).status_code == 201
    approve = "/users/ada@example.org/approve"
    assert admin.call("PATCH", approve, json={"approved": True}).status_code == 200
    assert post(backend, "/login", json={**GOOD, "remember": 1}).status_code == 200
    assert admin.call("GET", "/users?_=1&_=2").status_code == 200
    assert admin.call("GET", "/doctors?cache=no").status_code == 200
    before = backend.stored()
    passwords = {"current_password": PASSWORD, "new_password": "another horse", "hint": "x"}
    for method, path, body, name in (
        ("PUT", "/me/password", passwords, "hint"),
        ("PUT", "/users/ada@example.org/role", {"role": "doctor", "why": 1}, "why"),
        ("PUT", "/users/ada@example.org/doctor", {"doctor": None, "since": 1}, "since"),
        ("GET", "/audit?colour=red", None, "colour"),
    ):
        headers = {"Origin": ORIGIN}
        answer = admin.call(method, path, headers=headers, **({"json": body} if body else {}))
        assert_refused(backend, answer, before)
        assert name in answer.get_json()["error"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=2",
        "limit=1001",
        "limit=many",
        "after=%00",
        "after[$gt]=&after=1",
        "q=%00",
        "role=nurse",
        "role=user&role=admin",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(shared_backend: Backend, query: str) -> None:
    admin = shared_backend.member(role="admin")
    before = shared_backend.stored()
    answer = admin.call("GET", f"/accounts?{query}", headers={"Origin": ORIGIN})
    assert_refused(shared_backend, answer, before)


MB = 1024 * 1024
ANY_TEXT = st.text(st.sampled_from('[{,]}:"\\ a\né')) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
)
DENSE: dict[str, bytes] = {
    "lists": b"[],",
    "objects": b"{},",
    "texts": b'"",',
    "numbers": b"1,",
    "truths": b"true,",
    "nested lists": b"[[[]]],",
    "lists of texts with quotes": rb'["\"\\"],',
}


def values_in(part: Any) -> int:
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return 1 + sum(map(values_in, inner))


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_no_fewer_are_counted_than_there_are_and_at_most_twice_as_many(
    value: Any, ascii_alone: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_alone, indent=indent).encode()
    many = values_in(value)
    if many > 1:
        assert holds_more_values(text, many - 2)
    assert not holds_more_values(text, 2 * many)


@given(st.text(min_size=1), st.integers(0, 3))
def test_no_text_hides_what_follows_it(text: str, most: int) -> None:
    assert holds_more_values(json.dumps([text, [[], [], [], [], []]]).encode(), most)


def sent(body: bytes) -> Request:
    builder = EnvironBuilder(method="POST", data=body, content_type="application/json")
    return Request(builder.get_environ())


def peak_of(schema: type[Body], body: bytes) -> float:
    request = sent(body)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidBody):
            read_body(schema, request)
        return tracemalloc.get_traced_memory()[1] / len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", DENSE)
@pytest.mark.parametrize(
    ("schema", "field"),
    [(Credentials, "email"), (Credentials, "unknown"), (StatedFinding, "class")],
)
def test_no_shape_takes_more_memory_than_a_few_times_its_body(
    schema: type[Body], field: str, shape: str
) -> None:
    """Before they were counted, a body took 43 times its size."""
    values = DENSE[shape] * (MB // len(DENSE[shape]))
    assert peak_of(schema, b'{"%s":[%s0]}' % (field.encode(), values)) < 4


def test_a_body_of_many_values_is_told_how_many_it_may_hold(shared_backend: Backend) -> None:
    before = shared_backend.stored()
    emails: list[Any] = [[[]] * MOST_VALUES, {str(n): n for n in range(MOST_VALUES)}]
    for email in emails:
        for path in ("/login", "/register"):
            answer = shared_backend.client.post(path, json={"email": email})
            assert answer.status_code == 400
            assert f"more than {MOST_VALUES} values" in answer.text
    assert shared_backend.stored() == before


def routes_with_json(backend: Backend) -> list[Route]:
    return [route for route in declared_routes(backend.app) if route.body]


def test_what_anybody_may_send_as_json_is_small_unless_it_carries_a_photo(
    shared_backend: Backend,
) -> None:
    routes = [
        route
        for route in routes_with_json(shared_backend)
        if isinstance(route.access, Public | OpenedToClient) and not route.carries_photo
    ]
    assert len(routes) >= 4
    for route in routes:
        assert route.max_body, route.path
        assert route.max_body <= 64 * 1024, route.path
