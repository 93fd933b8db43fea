"""`python -m tests.console.types`: check the types that the console's scripts declare in JSDoc."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.npm_tools import tool

CONFIGURATION = Path(__file__).parent / "tsconfig.json"


def main() -> int:
    compiler, node = tool("typescript"), shutil.which("node")
    if not compiler or not node:
        sys.stdout.write("SKIPPED: no TypeScript, so no types of the console are checked\n")
        return 0
    command = [node, str(compiler / "bin" / "tsc"), "--project", str(CONFIGURATION)]
    return subprocess.run(command, check=False, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
