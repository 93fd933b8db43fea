from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from skinapi.__main__ import main
from tests.support.models import tiny_model
from tests.support.photos import COLOURS, photo_of


@dataclass(frozen=True)
class Archive:
    pictures: Path
    out: Path

    def run(self, *options: str | Path, source: str | Path | None = None) -> int:
        given = (source or self.pictures, "--out", self.out, "--model", tiny_model(), *options)
        return main(["batch", *map(str, given), "--threads", "2"])

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self.out).to_pylist()
        return found

    def paths(self) -> list[str]:
        return [row["path"] for row in self.rows()]

    def parts(self) -> list[str]:
        finished = self.out.parent.glob(f"{self.out.name}.parts/part-*.parquet")
        return sorted(path.name for path in finished)

    def left_beside(self) -> list[str]:
        ours = (self.pictures, self.out)
        return sorted(path.name for path in self.out.parent.iterdir() if path not in ours)


def archive_of(folder: Path, pictures: int) -> Archive:
    keys = list(COLOURS)
    contents = [photo_of(key) for key in keys]
    for number in range(pictures):
        path = folder / "pictures" / f"ward {number % 3}" / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[number % len(keys)])
    (folder / "pictures").mkdir(exist_ok=True)
    return Archive(folder / "pictures", folder / "findings.parquet")
