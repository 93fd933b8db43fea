"""The folder beside an output in which a run keeps its state: lock, manifest, plan and parts.

findings.parquet               the output, once every picture has a row
findings.parquet.parts/        while it has not
  lock                         held by the run
  manifest.json                written last of the three: with it, a run has begun
  plan                         every picture's name
  part-000000000000.parquet    rows that are finished
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from skinapi.batch.errors import (
    GO_ON,
    OutputDamaged,
    OutputInUse,
    OutputOfAnotherRun,
    OutputUnwritable,
)
from skinapi.batch.output.manifest import Manifest
from skinapi.batch.output.parts import read_manifest_text
from skinapi.errors import DiskFull
from skinapi.storage.files.disk_errors import FULL
from skinapi.storage.files.durable import DRAFT, rename_durably, written_durably

MANIFEST, PLAN, LOCK = "manifest.json", "plan", "lock"


class OutputFolder:
    def __init__(self, out: Path) -> None:
        self.out = out
        self.path = out.with_name(f"{out.name}.parts")
        # Parts that are deleted go by another name, or a kill would leave some and not others.
        self._discarded = out.with_name(f"{out.name}.discarded")

    @property
    def plan(self) -> Path:
        return self.path / PLAN

    @property
    def compared_plan(self) -> Path:
        """Where the plan of a list is written to be compared with that of the run."""
        return self.path / f"{PLAN}-now{DRAFT}"

    @property
    def is_empty(self) -> bool:
        """Whether the folder holds nothing of a run."""
        return self.path.exists() and not (self.path / MANIFEST).exists()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other run write this output. Makes the folder. Raises OutputInUse."""
        while True:
            self.path.mkdir(exist_ok=True)
            handle = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                self._lock(handle)
                if self._is_current(handle):
                    self._remove_drafts()
                    yield
                    return
            finally:
                os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise OutputInUse(f"Another run writes {self.out}") from None
            raise

    def _is_current(self, handle: int) -> bool:
        """False if the run that had the lock before has finished and removed the folder."""
        try:
            return os.path.samestat(os.fstat(handle), (self.path / LOCK).stat())
        except FileNotFoundError:
            return False

    def _remove_drafts(self) -> None:
        shutil.rmtree(self._discarded, ignore_errors=True)
        for draft in (*self.path.glob(f"*{DRAFT}"), self.out.with_name(self.out.name + DRAFT)):
            if draft.is_dir():  # of a plan
                shutil.rmtree(draft)
            else:
                draft.unlink(missing_ok=True)

    def manifest(self) -> Manifest | None:
        """Of the run that has begun this output; None if none has. Raises OutputDamaged."""
        try:
            return Manifest.model_validate_json((self.path / MANIFEST).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise OutputDamaged(f"{self.path / MANIFEST} cannot be read") from error

    def finished_manifest(self) -> Manifest | None:
        """Of the finished output; None if there is no such file. Raises OutputOfAnotherRun for a
        file that no batch run wrote.
        """
        if not self.out.exists():
            return None
        text = read_manifest_text(self.out)
        try:
            return Manifest.model_validate_json(text or "")
        except ValidationError:
            raise OutputOfAnotherRun(
                f"{self.out} exists and is no output of this command: choose another --out"
            ) from None

    def begin(self, manifest: Manifest) -> None:
        with written_durably(self.path / MANIFEST) as draft:
            draft.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def discard(self) -> None:
        """Delete the folder with all that is in it."""
        rename_durably(self.path, self._discarded)
        shutil.rmtree(self._discarded)


@contextmanager
def saying_why_unwritable(out: Path) -> Iterator[None]:
    """Turns an error of the output's disk into DiskFull or OutputUnwritable, with a way out."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(
                f"The disk of {out} is full. What is finished is kept: make room and {GO_ON}"
            ) from error
        raise OutputUnwritable(f"{out} cannot be written: {error.strerror}") from error
