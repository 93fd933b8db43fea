"""Decodes the pictures of data sets in a separate process.

The process has a low priority, so that thousands of pictures do not slow down predictions, and
system limits, so that a hostile picture kills it and not the server. It runs this module as a
program, which reads paths and writes a line of JSON for each.
"""

import base64
import hashlib
import json
import os
import resource
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from skinapi.base.errors import Refused, Unavailable
from skinapi.model.decoding.photo import read_photo, shrink_to_thumbnail

NICENESS = 10
# One picture takes at most 88 MB (model/decoding/photo.py), Python and its libraries 100.
MOST_MEMORY = 400 * 1024 * 1024


def decode(content: bytes) -> dict[str, Any]:
    try:
        photo = read_photo(content)
    except Refused as refused:
        return {"fault": refused.detail}
    except Unavailable:
        return {"fault": "could not be decoded in time"}
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "width": photo.width,
        "height": photo.height,
        "format": photo.format,
        "thumbnail": base64.b64encode(shrink_to_thumbnail(photo.pixels)).decode(),
    }


def _main() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        answer = decode(Path(line.rstrip("\n")).read_bytes())
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


_ROOT = Path(__file__).parents[3]
# The largest picture takes two seconds; a machine under load is given more.
MOST_SECONDS = 30.0
ENDED_IT = "ended its decoder, or took too long"


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    sha256: str
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
        line = self._ask(path)
        if line is None:
            self._end()
            return ENDED_IT
        return parse_answer(json.loads(line))

    def _ask(self, path: Path) -> bytes | None:
        process = self._process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(f"{path}\n".encode())
            process.stdin.flush()
        except BrokenPipeError:
            return None
        # Each answer is one line in one write, so a read returns all of it.
        ready, _, _ = select.select([process.stdout], [], [], self._most_seconds)
        line = process.stdout.readline() if ready else b""
        return line if line.endswith(b"\n") else None

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "skinapi.lab.checks.picture_decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={},  # keeps this server's secrets from the decoder
        )

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:  # it died before reading this line
                    continue
        self._process.wait()
        self._process = None


if __name__ == "__main__":
    _main()
