from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from skinapi.lab.checks import picture_decoder, publishing
from skinapi.lab.checks.picture_decoder import DecodedPicture, PictureDecoder, parse_answer
from skinapi.lab.service import DatasetsService
from tests.support.backends import Backend


class DecoderHere:
    """Decodes in this process: starting one for each data set takes most of a test's time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None: ...

    def decode(self, path: Path) -> DecodedPicture | str:
        return parse_answer(picture_decoder.decode(path.read_bytes()))


@pytest.fixture(autouse=True)
def _decode_here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real_decoder" not in request.fixturenames:
        monkeypatch.setattr(publishing, "PictureDecoder", DecoderHere)


@pytest.fixture
def real_decoder() -> type[PictureDecoder]:
    return PictureDecoder


@pytest.fixture
def backend(backend: Backend) -> Iterator[Backend]:
    yield backend
    _await_last_check(backend)


@pytest.fixture
def real_backend(real_backend: Backend) -> Iterator[Backend]:
    yield real_backend
    _await_last_check(real_backend)


@pytest.fixture
def any_backend(any_backend: Backend) -> Iterator[Backend]:
    yield any_backend
    _await_last_check(any_backend)


def _await_last_check(backend: Backend) -> None:
    """A check that has published still writes a note, to a store that the test is about to
    close.
    """
    with backend.services.get(DatasetsService).checks.now():
        pass
