"""Tools from npm, which `make` installs next to package.json."""

from pathlib import Path

MODULES = Path(__file__).parent / "node_modules"


def tool(name: str) -> Path | None:
    """Return the folder of an installed tool, or None if it is not available."""
    folder = MODULES / name
    return folder if folder.is_dir() else None
