"""The finished parts of an output, in a folder beside it: `findings.parquet.parts`.

A Parquet file cannot be appended to, so rows are written as parts, each durable before the next
begins. A part's name has the place in the plan of its first picture; together they are the
beginning of the plan without a gap. At the end they are copied into one file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skinapi.batch.errors import OutputDamaged
from skinapi.batch.output.table import Row
from skinapi.storage.files.durable import written_durably

COMPRESSION = "zstd"
METADATA = b"skinapi.batch"


@dataclass(frozen=True, slots=True)
class Part:
    path: Path
    first: int
    rows: int


def write_part(folder: Path, rows: Sequence[Row], *, first: int, columns: pa.Schema) -> None:
    """Write the rows of the plan's pictures from `first` on, all or none."""
    table = pa.Table.from_pylist(list(rows), schema=columns)
    with written_durably(folder / f"part-{first:012d}.parquet") as draft:
        pq.write_table(table, draft, compression=COMPRESSION)


def finished_parts(folder: Path) -> list[Part]:
    """The parts in the plan's order. Raises OutputDamaged for one that is missing or cannot be
    read.
    """
    parts: list[Part] = []
    expected = 0
    for path in sorted(folder.glob("part-*.parquet")):
        try:
            part = Part(path, int(path.stem.removeprefix("part-")), pq.read_metadata(path).num_rows)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _damaged(path) from error
        if part.first != expected:
            raise OutputDamaged(
                f"The part before {path} is missing. Delete the parts behind it, and their "
                "pictures are judged again"
            )
        parts.append(part)
        expected += part.rows
    return parts


def read_paths(part: Part) -> list[Row]:
    """Path and size of each row. Raises OutputDamaged."""
    rows: list[Row] = _read(part, columns=["path", "path_bytes", "bytes"]).to_pylist()
    return rows


def merge_parts(parts: Sequence[Part], target: Path, *, columns: pa.Schema, manifest: str) -> None:
    """Write one file with all rows, in the plan's order; `target` is replaced when it is whole. One
    part at a time is in memory. Raises OutputDamaged for a part that cannot be read.
    """
    described = columns.with_metadata({METADATA: manifest.encode()})
    with (
        written_durably(target) as draft,
        pq.ParquetWriter(draft, described, compression=COMPRESSION) as writer,
    ):
        for part in parts:
            writer.write_table(_read(part).replace_schema_metadata(described.metadata))


def _read(part: Part, columns: Sequence[str] | None = None) -> pa.Table:
    """Raises OutputDamaged."""
    try:
        return pq.read_table(part.path, columns=columns)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _damaged(part.path) from error


def _damaged(path: Path) -> OutputDamaged:
    return OutputDamaged(
        f"{path} cannot be read. Delete it and the parts behind it, and their pictures are judged "
        "again"
    )


def read_manifest_text(output: Path) -> str | None:
    """What `merge_parts` was given for this file; None if it is no output of a batch run."""
    try:
        metadata = pq.read_schema(output).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    text: bytes | None = metadata.get(METADATA)
    return text.decode() if text is not None else None
