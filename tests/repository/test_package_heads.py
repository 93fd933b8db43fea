import ast
import re

import pytest
from grimp import ImportGraph

from tests.repository.documents import ROOT
from tests.repository.package_heads import PackageHeads, read_head

HEADS = sorted(str(file.parent.relative_to(ROOT)) for file in ROOT.glob("skinapi/*/**/__init__.py"))
LONGEST = 10
RECORDS = "skinapi.findings.records"


@pytest.mark.parametrize("package", HEADS)
def test_a_package_says_in_ten_lines_where_to_begin(package: str) -> None:
    folder = ROOT / package
    head = read_head(folder)
    assert len(ast.parse((folder / "__init__.py").read_text()).body) == 1, "code has a module"
    assert len(head.splitlines()) <= LONGEST
    begins = head.partition("\n\nBegin ")[2].partition("\n\nOther packages")[0]
    assert begins
    for name in re.findall(r"`([a-z_0-9/]+(?:\.\w+)?)`", begins):
        assert (folder / name).exists() or (ROOT / name).exists(), name


def test_another_package_imports_only_what_a_head_names() -> None:
    graph = ImportGraph()
    for package in ("skinapi", "skinapi.findings", RECORDS):
        graph.add_module(package)
    for importer in (
        "skinapi.care.queue",
        "skinapi.findings.prediction.service",
        "skinapi.app.commands",
    ):
        for imported in (f"{RECORDS}.letters", f"{RECORDS}.new_findings"):
            graph.add_import(importer=importer, imported=imported)
    contract = PackageHeads("", {}, {"composers": ["skinapi.app"]})
    refused = contract.check(graph, verbose=False).metadata["refused"]
    assert f"{RECORDS}.photos is named, and is not there" in refused
    assert [sentence for sentence in refused if "imports" in sentence] == [
        f"skinapi.care.queue imports {RECORDS}.new_findings, which {RECORDS} does not name"
    ]
