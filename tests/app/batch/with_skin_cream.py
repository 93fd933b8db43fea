from pathlib import Path

from tests.app.batch.archives import archive_of


def test_a_table_tells_it_and_its_findings_say_it(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, 1)
    [picture] = archive.pictures.rglob("*.jpg")
    table = tmp_path / "told.csv"
    table.write_text(f"path,skin_cream\n{picture},yes\n")
    assert archive.run(source=table) == 0
    assert [row["skin_cream"] for row in archive.rows()] == [True]
