"""How much of other people's photos is in memory at a time."""

import io
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from skinapi.errors import BadRequest, Unavailable, UnsafeSettings
from skinapi.web.access import Public
from skinapi.web.fields import Form, Message, Upload
from skinapi.web.held import HeldBytes
from skinapi.web.limits import Rate
from skinapi.web.routes import Routes
from tests.houses import House, settings_in

PHOTO = 100_000
MOST = 2 * PHOTO


class Picture(Form):
    image: Upload


class CrowdedHouse(House):
    """Where a second photo comes while the first is being judged."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, max_upload_bytes=PHOTO, max_held_bytes=MOST)
        self.meanwhile: list[tuple[str, int]] = []
        self.met: list[TestResponse] = []
        routes: Routes[None] = Routes("crowd")

        @routes.route("POST", "/planted/judge", access=Public(), rate=Rate.WRITE)
        def judge(_: None, *, form: Picture) -> Message:
            """Look at the photo, and at who comes in."""
            if self.meanwhile:
                path, size = self.meanwhile.pop()
                self.met.append(self.send(size, path))
            if not form.image.content.strip(b"x"):
                return Message(message="judged")
            raise BadRequest

        @routes.route("POST", "/planted/fail", access=Public(), rate=Rate.WRITE)
        def fail(_: None, *, form: Picture) -> Message:
            """A handler with a fault."""
            raise RuntimeError(form.image.filename)

        self.app.register_blueprint(routes.blueprint(None))

    def send(self, size: int, path: str = "/planted/judge", content: bytes = b"x") -> TestResponse:
        photo = (io.BytesIO(content * size), "a.jpg")
        return self.app.test_client().post(path, data={"image": photo})


@pytest.fixture
def crowded(tmp_path: Path) -> CrowdedHouse:
    return CrowdedHouse(tmp_path)


def test_whoever_comes_on_top_is_told_to_come_back_before_the_photo_is_read(
    crowded: CrowdedHouse,
) -> None:
    crowded.meanwhile = [("/planted/judge", PHOTO)]
    assert crowded.send(PHOTO).status_code == 200
    (refused,) = crowded.met
    assert (refused.status_code, refused.get_json()["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"] == "2"
    assert crowded.send(PHOTO).status_code == 200


def test_a_small_photo_finds_room_beside_a_large_one(crowded: CrowdedHouse) -> None:
    crowded.meanwhile = [("/planted/judge", PHOTO // 2)]
    assert crowded.send(PHOTO).status_code == 200
    assert crowded.met[0].status_code == 200


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [("/planted/judge", b"y", 400), ("/planted/fail", b"x", 500), ("/planted/judge", b"x", 200)],
)
def test_the_room_is_given_back_however_it_ends(
    crowded: CrowdedHouse, path: str, content: bytes, status: int
) -> None:
    for _ in range(4):
        assert crowded.send(PHOTO, path, content).status_code == status


def test_what_others_took_is_never_given_back_twice() -> None:
    held = HeldBytes(10)
    with Flask("a").app_context():
        held.take(10)
        held.give_back()
        held.give_back()
        held.take(10)
    with Flask("b").app_context():
        held.give_back()
        with pytest.raises(Unavailable):
            held.take(1)


def test_a_server_with_room_for_a_single_photo_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="MAX_HELD_BYTES"):
        settings_in(tmp_path, max_upload_bytes=10, max_held_bytes=19).refuse_unsafe()
