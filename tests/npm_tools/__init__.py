"""Tools from npm, where they can be had: `make` installs them beside package.json."""

from pathlib import Path

MODULES = Path(__file__).parent / "node_modules"


def tool(name: str) -> Path | None:
    """The folder of an installed tool; None where it could not be had."""
    folder = MODULES / name
    return folder if folder.is_dir() else None
