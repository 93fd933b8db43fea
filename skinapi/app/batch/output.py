"""The output of a run, and the folder next to it during the run.

findings.parquet               the output, once every picture has a row
findings.parquet.parts/        until then
  lock                         held by the run
  plan.parquet                 the sorted names of all pictures, with the run's manifest
  part-000000000000.parquet    finished rows

A run starts when its plan is written; later changes of the folder have no effect. A Parquet file
cannot be appended to, so rows are written as parts, each durable before the next one is started. A
part is named after the position of its first picture in the plan, and the parts have no gap. They
are merged into one file at the end.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from skinapi.app.batch.arguments import (
    GO_ON,
    OutputDamaged,
    OutputInUse,
    OutputOfAnotherRun,
    OutputUnwritable,
)
from skinapi.app.batch.judge import Row
from skinapi.base.errors import DiskFull
from skinapi.base.settings.settings import VERSION
from skinapi.platform.storage.files import DRAFT, FULL, sync, written_durably

COMPRESSION = "zstd"
METADATA = b"skinapi.app.batch"
_UNREADABLE = (OSError, ValueError, pa.ArrowException)


class Manifest(BaseModel):
    """With equal manifests, equal files have equal rows. Relative paths begin at `root`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    software: str = VERSION
    model_version: str
    model_sha256: str
    precision: str
    largest_bytes: int
    operating_point: str
    prevalence: str
    kind: Literal["folder", "list"]
    root: str
    pictures: int
    plan_sha256: str

    def difference(self, begun: "Manifest") -> str | None:
        for name, words in _DIFFERENCES.items():
            if getattr(self, name) != getattr(begun, name):
                return words.format(begun=getattr(begun, name), now=getattr(self, name))
        return None


_DIFFERENCES = {
    "root": "its paths begin at {begun}, and not at {now}",
    "kind": "it was begun with a {begun}, and this is a {now}",
    "plan_sha256": "the list has changed since",
    "model_version": "it was begun with the model {begun}, and this is {now}",
    "model_sha256": "the files of the model have changed since, although its version has not",
    "precision": "it was begun with the precision {begun}, and this is {now}",
    "largest_bytes": "it was begun with MAX_UPLOAD_BYTES={begun}, and this is {now}",
    "operating_point": "its operating point was {begun}, and is {now}",
    "prevalence": "it was begun with PREVALENCE {begun}, and this is {now}",
    "software": "it was begun with SkinAPI {begun}, and this is {now}",
}


@dataclass(frozen=True, slots=True)
class Part:
    path: Path
    rows: int

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        try:
            return pq.read_table(self.path, columns=columns)
        except _UNREADABLE as error:
            raise _damaged(self.path) from error


class Output:
    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out.with_name(f"{out.name}.parts")
        self.plan = self.folder / "plan.parquet"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the output against other runs. A folder without a plan is removed at the end."""
        with _saying_why_unwritable(self.out):
            self.folder.mkdir(exist_ok=True)
            lock = self.folder / "lock"
            with lock.open("wb") as file:
                _lock(file.fileno(), self.out)
                # The run that held the lock may have ended and removed the folder.
                if not (lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat())):
                    raise OutputInUse(f"Another run writes {self.out}")
                for draft in (*self.folder.glob(f"*{DRAFT}"), Path(f"{self.out}{DRAFT}")):
                    draft.unlink(missing_ok=True)
                try:
                    yield
                finally:
                    if not self.plan.exists():
                        shutil.rmtree(self.folder, ignore_errors=True)

    def begun(self) -> Manifest | None:
        if not self.plan.exists():
            return None
        try:
            return _read_manifest(self.plan)
        except _UNREADABLE as error:
            raise self._damaged_plan() from error

    def finished(self) -> Manifest | None:
        if not self.out.exists():
            return None
        try:
            return _read_manifest(self.out)
        except _UNREADABLE:
            raise OutputOfAnotherRun(
                f"{self.out} exists and is no output of this command: choose another --out"
            ) from None

    def begin(self, manifest: Manifest, names: Sequence[bytes]) -> None:
        self._forget()
        plan = pa.table({"name": pa.array(names, pa.large_binary())})
        _write(plan.replace_schema_metadata(_described_by(manifest)), self.plan)

    def names(self) -> pa.ChunkedArray:
        try:
            return pq.read_table(self.plan)["name"]
        except _UNREADABLE as error:
            raise self._damaged_plan() from error

    def parts(self) -> list[Part]:
        parts: list[Part] = []
        expected = 0
        for path in sorted(self.folder.glob("part-*.parquet")):
            try:
                first = int(path.stem.removeprefix("part-"))
                parts.append(Part(path, pq.read_metadata(path).num_rows))
            except _UNREADABLE as error:
                raise _damaged(path) from error
            if first != expected:
                raise OutputDamaged(
                    f"The part before {path} is missing. Delete the parts behind it, and their "
                    "pictures are judged again"
                )
            expected += parts[-1].rows
        return parts

    def write_part(self, rows: Sequence[Row], *, first: int, columns: pa.Schema) -> None:
        table = pa.Table.from_pylist(list(rows), schema=columns)
        _write(table, self.folder / f"part-{first:012d}.parquet")

    def finish(self, manifest: Manifest, *, columns: pa.Schema) -> None:
        described = columns.with_metadata(_described_by(manifest))
        with (
            written_durably(self.out) as draft,
            pq.ParquetWriter(draft, described, compression=COMPRESSION) as writer,
        ):
            for part in self.parts():
                writer.write_table(part.read().replace_schema_metadata(described.metadata))
        self._forget()

    def _damaged_plan(self) -> OutputDamaged:
        return OutputDamaged(f"{self.plan} cannot be read; --restart begins it anew")

    def _forget(self) -> None:
        """Delete the plan first, because parts without a plan belong to no run."""
        self.plan.unlink(missing_ok=True)
        sync(self.folder)
        for part in self.folder.glob("part-*"):
            part.unlink()


def _write(table: pa.Table, path: Path) -> None:
    with written_durably(path) as draft:
        pq.write_table(table, draft, compression=COMPRESSION)


def _described_by(manifest: Manifest) -> dict[bytes, bytes]:
    return {METADATA: manifest.model_dump_json().encode()}


def _read_manifest(path: Path) -> Manifest:
    return Manifest.model_validate_json((pq.read_schema(path).metadata or {}).get(METADATA, b""))


def _damaged(path: Path) -> OutputDamaged:
    return OutputDamaged(
        f"{path} cannot be read. Delete it and the parts behind it, and their pictures are judged "
        "again"
    )


def _lock(handle: int, out: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise OutputInUse(f"Another run writes {out}") from None
        raise


@contextmanager
def _saying_why_unwritable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(
                f"The disk of {out} is full. What is finished is kept: make room and {GO_ON}"
            ) from error
        raise OutputUnwritable(f"{out} cannot be written: {error.strerror}") from error
