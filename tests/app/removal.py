import ast
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from tests.repository.documents import ROOT

AREAS_FILE, COMMANDS_FILE = "skinapi/base/area_parts.py", "skinapi/__main__.py"
LINKED = "skinapi/models"  # large, and nobody writes there
# The page of an area, and what names it in a file.
PAGES = {
    "dicom": "docs/integrate/pacs.md",
    "oidc": "docs/integrate/log_in.md",
    "fhir": "docs/integrate/ehr.md",
    "webhooks": "docs/integrate/webhooks.md",
    "batch": "docs/batch.md",
    "lab": "docs/lab.md",
    "broker": "docs/operate/broker.md",
    "clients": "docs/clients.md",
}
# Areas whose folders are not one in each `integrations` package.
FOLDERS = {
    "batch": ("skinapi/app/batch", "tests/app/batch"),
    "lab": ("skinapi/lab", "skinapi/learning", "tests/lab", "tests/learning"),
}
NAMES = {
    # A system of codes, and what is stored of a patient's number from FHIR, stay.
    "dicom": r"(?<!\|\| \")dicom(?!\.nema\.org/resources)|\bpacs\b",
    "oidc": r"oidc|\blog_in\.md",
    # The word `fhir` stays: it is a value of a consent's `way`.
    "fhir": r"integrations[./]fhir|/fhir\b|\behr\.md",
    # The word stays: it is a kind of mail, and a place to which personal data was sent.
    "webhooks": r"integrations[./]webhooks|\bwebhooks\.md|WEBHOOK_PRIVATE|(?<!#)/webhooks\b",
    "clients": (
        r"integrations[./]clients|\bclients\.md|\bOPEN_(?:SKINARTIFY|EXPLAINABLE|GUIDE|LAB)\b"
        r"|skinartify|dermascan|/api/(?:predict|health|models|datasets|upload-dataset|job)\b"
    ),
    "broker": r"integrations[./]broker|\bbroker\.md|JOBS_BROKER|requirements-broker",
    # The words stay: an old client has the name, and jobs and models belong to the core.
    "lab": (
        r"(?:skinapi|tests)[./](?:lab|learning)\b|`learning/|`lab/|\blab\.md"
        # Its views in the console, and the API that these call.
        r"|(?:href=\"#/|goTo\([`\"])(?:datasets?|add|train|jobs?)\b|apiPath`/datasets\b"
    ),
    # The word stays: much is done in batches.
    "batch": r"app[./]batch|skinapi batch|/batch\.md|\(batch\.md",
}
# Files that may name a removed area, and why.
ALLOWED: Mapping[str, str] = {
    "CHANGELOG.md": "what was",
    "tests/console/": "its tests",
    "skinapi/base/words/en/console": "words of errors, acts and titles",
    "skinapi/base/words/fr/console": "the same",
    "deploy/": "a proxy's rule for an address that is not there says 404 as the server does",
    "requirements": "locked by `make lock`",
    "pyproject.toml": "an extra that nobody installs",
    "Makefile": "locks that extra",
    "Dockerfile": "may be built with it",
    ".dockerignore": "lets it into the image",
    ".github/": "installs other programs for the tests",
    "CONTRIBUTING.md": "names these programs",
    "tests/faults/cluster.py": "a cluster has one where it is installed",
    "tests/faults/test_cluster.py": "its tests",
    "tests/faults/release_store.py": "the code of the release runs it, with that one's own tests",
}


@dataclass(frozen=True, slots=True)
class Copy:
    root: Path
    gone: Sequence[str]

    def list_broken_imports(self) -> Iterator[str]:
        names = (name.replace("/", r"\.") for area in self.gone for name in _folders_of(area))
        folders = rf"(?:{'|'.join(names)})\b"
        for path, _ in self._list_with(re.compile(folders.encode())):
            if path.suffix == ".py":
                found = filter(re.compile(folders).match, _imports_in(self.root / path))
                yield from (f"{path}: {name}" for name in found)

    def list_names(self) -> Iterator[str]:
        names = re.compile("|".join(NAMES[area] for area in self.gone).encode(), re.IGNORECASE)
        for path, content in self._list_with(names, but=(*ALLOWED, "tests/app/removal.py")):
            lines = content.splitlines()
            yield from (f"{path}: {line.decode()}" for line in lines if names.search(line))

    def _list_with(
        self, pattern: re.Pattern[bytes], but: tuple[str, ...] = ()
    ) -> Iterator[tuple[Path, bytes]]:
        for path in _list_tracked(self.root):
            if str(path).startswith((*but, LINKED)):
                continue
            if pattern.search(content := (self.root / path).read_bytes()):
                yield path, content


def remove(areas: Sequence[str], root: Path) -> Copy:
    for path in _list_tracked(ROOT):
        if (ROOT / path).is_file() and not str(path).startswith(LINKED):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, root / path)
            _link_compiled(path, root)
    (root / LINKED).symlink_to(ROOT / LINKED)
    for area in areas:
        for folder in _folders_of(area):
            shutil.rmtree(root / folder)
        for of_both in _list_of_both(root, area):
            of_both.unlink()
        (root / PAGES[area]).unlink()
        _drop_lines(root / AREAS_FILE, rf'^    "(?:integrations\.)?{area}",$')
        modules = "|".join(name.replace("/", r"\.") for name in _folders_of(area))
        _drop_contracts(root / "pyproject.toml", modules)
        for file in (COMMANDS_FILE, "pyproject.toml"):
            _drop_lines(root / file, rf'^    "(?:{modules})\b.*",$')
        linked = rf"\[([^\]]*)\]\([^)]*\b{Path(PAGES[area]).name}\b[^)]*\)"
        for page in (*root.glob("*.md"), *root.glob("docs/**/*.md")):
            _drop_lines(page, rf"^\|.*{linked}")
        (root / "CHANGELOG.md").write_text(
            re.sub(linked, r"\1", (root / "CHANGELOG.md").read_text())
        )
    return Copy(root, areas)


def _link_compiled(path: Path, root: Path) -> None:
    """Compiling the whole project again takes longer than all tests of the copy."""
    compiled = Path(cache_from_source(str(path)))
    if path.suffix == ".py" and (ROOT / compiled).exists():
        (root / compiled).parent.mkdir(exist_ok=True)
        (root / compiled).symlink_to(ROOT / compiled)


def _folders_of(area: str) -> tuple[str, ...]:
    return FOLDERS.get(area) or (f"skinapi/integrations/{area}", f"tests/integrations/{area}")


def _list_of_both(root: Path, area: str) -> list[Path]:
    names = (f"{area}.py", f"{area}_*.py", f"test_{area}*.py")
    return [
        *(path for name in names[:2] for path in root.glob(f"skinapi/integrations/*/{name}")),
        *(path for name in names for path in root.glob(f"tests/**/{name}")),
    ]


def _drop_contracts(file: Path, modules: str) -> None:
    head, *contracts = file.read_text().split("[[tool.importlinter.contracts]]")
    own = re.compile(rf'^(?:containers|source_modules) = \["(?:{modules})\b', re.MULTILINE)
    kept = (contract for contract in contracts if not own.search(contract))
    file.write_text("[[tool.importlinter.contracts]]".join((head, *kept)))


def _drop_lines(file: Path, pattern: str) -> None:
    kept = [line for line in file.read_text().splitlines(True) if not re.search(pattern, line)]
    file.write_text("".join(kept))


def _list_tracked(root: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    return [Path(name) for name in listed if name and (root / name).is_file()]


def _imports_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
