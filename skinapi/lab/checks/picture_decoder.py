"""Asks a process of its own (decoder_process.py) about pictures, and outlives it."""

import base64
import json
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ROOT = Path(__file__).parents[3]
# The largest picture takes two seconds; a machine under load is given more.
MOST_SECONDS = 30.0
ENDED_IT = "ended its decoder, or took too long"


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """What decoding a picture told. `dhash` has 16 hex digits."""

    sha256: str
    dhash: str
    width: int
    height: int
    format: str
    thumbnail: bytes = field(default=b"", repr=False)

    def without_thumbnail(self) -> "DecodedPicture":
        return replace(self, thumbnail=b"")


def parse_answer(answer: Mapping[str, Any]) -> DecodedPicture | str:
    if "fault" in answer:
        return str(answer["fault"])
    return DecodedPicture(**{**answer, "thumbnail": base64.b64decode(answer["thumbnail"])})


class PictureDecoder:
    """One decoding process, started for the first picture and again where one has ended it."""

    def __init__(self, *, most_seconds: float = MOST_SECONDS) -> None:
        self._most_seconds = most_seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._end()

    def decode(self, path: Path) -> DecodedPicture | str:
        """What the picture is, or the reason why it cannot be used."""
        line = self._ask(path)
        if line is None:
            self._end()
            return ENDED_IT
        return parse_answer(json.loads(line))

    def _ask(self, path: Path) -> bytes | None:
        """The line that it answers; None where it ended or was silent for too long."""
        process = self._process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(f"{path}\n".encode())
            process.stdin.flush()
        except BrokenPipeError:
            return None
        # Each answer is one line, written at once: what can be read begins with all of it.
        ready, _, _ = select.select([process.stdout], [], [], self._most_seconds)
        line = process.stdout.readline() if ready else b""
        return line if line.endswith(b"\n") else None

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "skinapi.lab.checks.decoder_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={},  # no secret of this server reaches the decoder
        )

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:  # a line that it will not read any more
                    continue
        self._process.wait()
        self._process = None
