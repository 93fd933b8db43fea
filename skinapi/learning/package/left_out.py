"""The figures of a network on a source that it learned nothing from: `train --leave-out`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinapi.errors import BadDataset
from skinapi.storage.files.durable import written_durably


def write_left_out(path: Path, command: str, figures: Mapping[str, Any]) -> None:
    """Writes the row of the only source in `figures`: over one picture of each lesion where the
    lesions are known.
    """
    ((source, row),) = figures.get("one_per_lesion", figures)["by_source"].items()
    content = {"source": source, "command": command, "figures": row}
    with written_durably(path) as draft:
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_left_out(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The contents of these files, by source. Raises BadDataset for anything else."""
    read = [_read(path) for path in paths]
    names = [entry["source"] for entry in read]
    if len(set(names)) < len(names):
        raise BadDataset("Two files have figures of the same source")
    return sorted(read, key=lambda entry: str(entry["source"]))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            "source": str(content["source"]),
            "command": str(content["command"]),
            "figures": dict(content["figures"]),
        }
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise BadDataset(f"{path} is not a file that train --leave-out wrote") from broken
