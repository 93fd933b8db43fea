"""An import-linter contract. The docstring of each package says which of its modules other packages
may import: "Other packages import `a`, `b`." Without this sentence they may import none.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

LISTED = re.compile(r"^Other packages import (.+?)\.$", re.MULTILINE | re.DOTALL)


def read_head(folder: Path) -> str:
    return ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""


def list_public(head: str) -> list[str]:
    listed = LISTED.search(head)
    return re.findall(r"`(\w+)`", listed[1]) if listed else []


class PackageHeads(Contract):
    """The `composers` combine the other packages, and may import all modules."""

    type_name = "package_heads"
    composers = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        refused = list(self._list_refused(graph))
        return ContractCheck(kept=not refused, metadata={"refused": refused})

    def _list_refused(self, graph: ImportGraph) -> Iterator[str]:
        own = {module for module in graph.modules if not graph.is_module_squashed(module)}
        for package in sorted(filter(graph.find_children, own)):
            modules = graph.find_children(package)
            public = list_public(read_head(Path(*package.split("."))))
            named = {f"{package}.{name}" for name in public}
            yield from (f"{name} is named, and is not there" for name in sorted(named - modules))
            for module in sorted(modules - named):
                free = {_package_of(module), *cast("set[str]", self.composers)}
                for importer in sorted(graph.find_modules_that_directly_import(module)):
                    if _package_of(importer) not in free:
                        yield f"{importer} imports {module}, which {package} does not name"

    def render_broken_contract(self, check: ContractCheck) -> None:
        for sentence in check.metadata["refused"]:
            output.print_error(sentence)


def _package_of(module: str) -> str:
    return ".".join(module.split(".")[:2])
