"""`python -m tests.console.types`: check the types that the console's scripts declare in JSDoc.

They name what the API sends (api.d.ts), so its types are generated first.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.npm_tools import tool
from tests.repository.typescript_client import SCHEMA, NoToolError, generate

CONFIGURATION = Path(__file__).parent / "tsconfig.json"


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
    command = [node, str(compiler / "bin" / "tsc"), "--project", str(CONFIGURATION)]
    return subprocess.run(command, check=False, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
