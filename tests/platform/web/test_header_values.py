"""Values of headers that a parser of a library fails on: the header counts as not sent."""

import pytest
from flask import Request
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from skinapi.platform.web.request_parsing import ignore_unreadable_headers
from tests.support.backends import Backend
from tests.support.size import size

# Each header that werkzeug parses, and the properties of a request that it is parsed for. Not here:
# Authorization (auth reads it as it is) and Host (Flask refuses it while it chooses the route).
PARSED = {
    "Accept": ["accept_mimetypes"],
    "Accept-Charset": ["accept_charsets"],
    "Accept-Encoding": ["accept_encodings"],
    "Accept-Language": ["accept_languages"],
    "Access-Control-Request-Headers": ["access_control_request_headers"],
    "Cache-Control": ["cache_control"],
    "Content-Length": ["content_length"],
    "Content-Type": ["mimetype", "mimetype_params", "is_json"],
    "Cookie": ["cookies"],
    "Date": ["date"],
    "If-Match": ["if_match"],
    "If-Modified-Since": ["if_modified_since"],
    "If-None-Match": ["if_none_match"],
    "If-Range": ["if_range"],
    "If-Unmodified-Since": ["if_unmodified_since"],
    "Max-Forwards": ["max_forwards"],
    "Pragma": ["pragma"],
    "Range": ["range"],
    "User-Agent": ["user_agent"],
    "X-Forwarded-For": ["access_route"],
}
HOSTILE = [
    "Mon, 01 Jan 2024 00:00:00 +99999999999999999",
    "Mon, 01 Jan 9999 23:00:00 -2300",
    "Mon, 01 Jan 0001 00:00:00 +2300",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    '",',
    'W/"',
    "bytes=0-" + "9" * 5000,
    "9" * 5000,
    "\xb2",
    "text/html;q=" + "9" * 5000,
    "a/b; x*=no-such-codec''%ff",
    "a; b*0*=x'y'z; b*99999999999=\"x\"",
    'a="\\777',
]
TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)
PIECES = st.lists(st.sampled_from([*HOSTILE, ";", "=", ",", "*", "%ff", "q="]), max_size=3)


@pytest.mark.parametrize("name", PARSED)
@settings(max_examples=size(10, 400), deadline=None)
@given(PIECES, TEXT)
@example(HOSTILE[:1], "")
@example(['",'], "")
def test_no_value_of_a_header_fails_where_it_is_parsed(
    name: str, pieces: list[str], text: str
) -> None:
    request = Request(EnvironBuilder(headers=Headers({name: "".join(pieces) + text})).get_environ())
    ignore_unreadable_headers(request)
    for read in PARSED[name]:
        getattr(request, read)


@pytest.mark.parametrize("name", PARSED)
def test_no_value_of_a_header_is_a_fault_of_ours(shared_backend: Backend, name: str) -> None:
    for value in HOSTILE:
        for path in ("/", "/console/main.js"):
            answer = shared_backend.client.get(path, headers={name: value})
            assert answer.status_code < 500, (path, value)
