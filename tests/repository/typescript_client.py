"""`make client` (`python -m tests.repository.typescript_client`): write the types of the API from
its own description, as docs/typescript/schema.ts. skinapi.ts in that folder is the client that uses
them.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from skinapi.app.application import create_app
from skinapi.base.settings.settings import Settings
from skinapi.platform.stores.store_factory import make_store
from tests.npm_tools import tool

FOLDER = Path(__file__).parents[2] / "docs" / "typescript"
SCHEMA = FOLDER / "schema.ts"
SECRET = "only to describe the API; nobody logs in"


class NoToolError(Exception):
    """node, or the generator from npm, is not installed."""


def describe_api(folder: Path) -> Path:
    settings = Settings(_env_file=None, instance_dir=folder, jwt_secret_key=SECRET)  # type: ignore[call-arg, arg-type]
    make_store(settings)
    answer = create_app(settings).test_client().get("/openapi.json")
    path = folder / "openapi.json"
    path.write_text(json.dumps(answer.get_json()))
    return path


def generate(path: Path) -> None:
    generator, node = tool("openapi-typescript"), shutil.which("node")
    if not generator or not node:
        raise NoToolError("openapi-typescript could not be had from npm")
    with TemporaryDirectory() as folder:
        described = describe_api(Path(folder))
        command = [node, str(generator / "bin" / "cli.js"), str(described), "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)


if __name__ == "__main__":
    generate(SCHEMA)
    sys.stdout.write(f"written: {SCHEMA.relative_to(FOLDER.parent.parent)}\n")
