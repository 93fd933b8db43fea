"""Detects the instance folder of a demo.

The demo writes `demo.json` into its folder (skinapi/app/demo). The console then shows the log-ins
and their passwords on the log-in page, so such a folder is only served on this machine.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from skinapi.base.settings.settings import Settings
from skinapi.base.subject import Role

DEMO_FILE = "demo.json"
DEMO_FOLDER = Path("instance-demo")
# What of this machine's settings a demo takes over. All others have their defaults: it sends no
# mail, asks no LLM and finds no other store.
KEPT = {"environment", "bind", "port", "workers", "threads", "num_streams", "lab_workers"}


class DemoPerson(BaseModel):
    model_config = ConfigDict(frozen=True)

    email: str
    name: str
    role: Role


class Demo(BaseModel):
    model_config = ConfigDict(frozen=True)

    password: str
    people: tuple[DemoPerson, ...]


def is_demo(instance_dir: Path) -> bool:
    try:
        return (instance_dir / DEMO_FILE).is_file()
    except OSError:  # `open_folder` reports the fault
        return False


def read_demo(instance_dir: Path) -> Demo | None:
    if not is_demo(instance_dir):
        return None
    return Demo.model_validate_json((instance_dir / DEMO_FILE).read_bytes())


def demo_environment(folder: Path) -> Mapping[str, str]:
    emptied = {*Settings.model_fields, "render_external_url"} - KEPT
    return {**{name.upper(): "" for name in sorted(emptied)}, "INSTANCE_DIR": str(folder)}
