import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: str
    kind: str
    text: str

    def commands(self) -> list[str]:
        lines = (line.partition(" #")[0].strip() for line in self.text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]


def blocks(kind: str | None = None) -> list[Block]:
    found = [
        Block(page, named, text)
        for page, content in PAGES.items()
        for named, text in FENCED.findall(content)
    ]
    return [block for block in found if kind in (None, block.kind)]


def chapter(page: str, heading: str) -> str:
    """Return the text from this second-level heading to the next one."""
    return PAGES[page].partition(f"## {heading}\n")[2].partition("\n## ")[0]
