"""A body of JSON is counted before anything is made of it: values, and on open routes its bytes."""

import json
import tracemalloc
from typing import Any

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from skinapi.accounts.auth.routes import LARGEST_BODY
from skinapi.accounts.auth.schemas import Credentials
from skinapi.base.errors import InvalidBody
from skinapi.base.size_limits import holds_more_values
from skinapi.integrations.clients.explainable import ImageData
from skinapi.platform.web.declaration import Opened, Public, Route, declared_routes
from skinapi.platform.web.request_parsing import MOST_VALUES, read_body
from skinapi.platform.web.schemas import Body
from tests.support.backends import Backend

MB = 1024 * 1024
TEXTS = st.text(st.sampled_from('[{,]}:"\\ a\né')) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
)
SHAPES: dict[str, bytes] = {
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
    """The most memory taken for a refusal, in bodies."""
    request = sent(body)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidBody):
            read_body(schema, request)
        return tracemalloc.get_traced_memory()[1] / len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("schema", "field"),
    [(Credentials, "email"), (Credentials, "unknown"), (ImageData, "image_data")],
)
def test_no_shape_takes_more_memory_than_a_few_times_its_body(
    schema: type[Body], field: str, shape: str
) -> None:
    """Forty-three times, before they were counted."""
    values = SHAPES[shape] * (MB // len(SHAPES[shape]))
    assert peak_of(schema, b'{"%s":[%s0]}' % (field.encode(), values)) < 4


def test_a_body_of_many_values_is_told_how_many_it_may_hold(shared_backend: Backend) -> None:
    before = shared_backend.stored()
    emails: list[Any] = [[[]] * MOST_VALUES, {str(n): n for n in range(MOST_VALUES)}]
    for email in emails:
        for path in ("/login", "/inference"):
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
        if isinstance(route.access, Public | Opened) and not route.carries_photo
    ]
    assert len(routes) >= 4
    for route in routes:
        assert route.max_body, route.path
        assert route.max_body <= 64 * 1024, route.path


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600"])
def test_the_longest_valid_body_fits_with_every_letter_escaped(
    shared_backend: Backend, letter: str
) -> None:
    who = {"email": letter * 1024, "client": letter * 100}
    passwords = {"current_password": letter * 1024, "new_password": letter * 256}
    bodies = {"/login": {**who, "password": letter * 1024}, "/password": {**who, **passwords}}
    for path, body in bodies.items():
        assert len(json.dumps(body)) < LARGEST_BODY
        assert shared_backend.client.post(path, json=body).status_code == 401, path
