"""`python -m tests.console.types`: check the types that the console's scripts declare in JSDoc.
They refer to api.d.ts, which is generated first.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from skinapi.app.areas import list_areas
from skinapi.console.routes import Words, read_assets
from tests.npm_tools import tool
from tests.repository.documents import ROOT
from tests.repository.typescript_client import SCHEMA, NoToolError, generate

CONFIGURATION = Path(__file__).parent / "tsconfig.json"
KEYS = ROOT / "build" / "words.ts"


def main() -> int:
    compiler, node = tool("typescript"), shutil.which("node")
    if not compiler or not node:
        sys.stdout.write("SKIPPED: no TypeScript, so no types of the console are checked\n")
        return 0
    try:
        generate(SCHEMA)
    except NoToolError as error:
        sys.stdout.write(f"SKIPPED: {error}, so no types of the console are checked\n")
        return 0
    assets = read_assets(list_areas()).values()
    keys = sorted({key for words in assets if isinstance(words, Words) for key in words.by_key})
    KEYS.parent.mkdir(exist_ok=True)
    KEYS.write_text(f"export type WordKey = {' | '.join(map(json.dumps, keys))};\n", "utf-8")
    command = [node, str(compiler / "bin" / "tsc"), "--project", str(CONFIGURATION)]
    return subprocess.run(command, check=False, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
