"""Refuses to resume a training with other settings than it was started with."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skinapi.errors import BadDataset
from skinapi.storage.files import written_durably

RECORD = "training.json"
MAX_NAMED = 8


def refuse_other_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Records the settings of a training in its folder, or compares them with the recorded ones.

    Raises BadDataset with the name of every setting that differs.
    """
    # Through JSON on both sides: tuples become lists, as in the recorded file.
    text = json.dumps(settings, indent=1)
    written = folder / RECORD
    if written.exists():
        differences = list_differences(_read_record(written), json.loads(text))
        if differences:
            raise BadDataset(
                f"{folder} holds another training, which differs in {_shorten(differences)}. "
                "Resume it with what it began with, or name another folder to start this one."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    with written_durably(written) as draft:
        draft.write_text(text, encoding="utf-8")


def _shorten(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _read_record(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise BadDataset(f"{path} cannot be read; name another folder to start anew") from broken


def list_differences(before: Any, now: Any) -> list[str]:
    """Each setting that differs, such as `phases.0.mixup (0.2, now 0.1)`."""
    old, new = dict(_flatten(before)), dict(_flatten(now))
    return [
        f"{name} ({old.get(name, 'not recorded')}, now {new.get(name, 'not recorded')})"
        for name in {**new, **old}
        if name not in old or name not in new or old[name] != new[name]
    ]


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, object]]:
    """Dotted names and values. Phases are named by position: in another order they are another
    training.
    """
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for place, inner in enumerate(value):
            yield from _flatten(inner, f"{name}.{place}")
    else:
        yield name, value
