"""Routes that fail on demand: one that answers as the main API does, one in a dialect of plain
text, and one path that two clients share, told apart by content type."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response, jsonify, request

from skinapi.base.errors import SkinAPIError
from skinapi.platform.web.answers import Renderer, plain_text, problem_json
from skinapi.platform.web.declaration import Rate, Routes, Signed
from skinapi.platform.web.schemas import Body, Message
from tests.support.backends import Backend

LARGEST = 100


@dataclass
class FailingService:
    """What the routes raise; nothing, and they answer."""

    fault: Exception | None = None


class Note(Body):
    text: str


def never_an_error(error: SkinAPIError) -> Response:
    """The lab's client invents a diagnosis on anything but 200."""
    return jsonify(class_name="Inconclusive", treatment=error.detail)


def by_content_type(error: SkinAPIError) -> Response:
    lab = request.mimetype == "application/json"
    return never_an_error(error) if lab else problem_json(error)


def plant(routes: Routes[FailingService], path: str, renderer: Renderer) -> None:
    def take_note(planted: FailingService, *, body: Note) -> Message:
        """Fail as planted."""
        if planted.fault:
            raise planted.fault
        return Message(message=body.text)

    take_note.__name__ = "take_note_" + path.rpartition("/")[2]
    routes.route(
        "POST", path, access=Signed(), rate=Rate.WRITE, renderer=renderer, max_body=LARGEST
    )(take_note)


class FailingBackend(Backend):
    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.planted = FailingService()
        routes: Routes[FailingService] = Routes("planted")
        plant(routes, "/planted/json", problem_json)
        plant(routes, "/planted/plain", plain_text)
        plant(routes, "/planted/shared", by_content_type)
        self.app.register_blueprint(routes.blueprint(self.planted))
