import errno
import os
from pathlib import Path

import pytest

from skinapi.app.batch import pictures
from skinapi.app.batch.arguments import BadSource
from skinapi.app.batch.pictures import FolderWalk, PathList, open_listing
from skinapi.model.context import Context


def walk(folder: Path) -> FolderWalk:
    return FolderWalk(os.fsencode(folder))


def test_a_folder_is_walked_in_any_depth_for_the_suffixes_that_the_server_takes(
    tmp_path: Path,
) -> None:
    for name in ("a.jpg", "b/C.JPEG", "b/c/d.png", "e.webp", "f.tif", "b/notes.txt", ".g.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    source = walk(tmp_path)
    assert sorted(source.names()) == [b".g.jpg", b"a.jpg", b"b/C.JPEG", b"b/c/d.png", b"e.webp"]
    assert source.left_out == 2


def test_links_are_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.jpg").touch()
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "link.jpg").symlink_to("../outside/secret.jpg")
    (folder / "ward").symlink_to("../outside")
    (folder / "round").symlink_to(".")
    (folder / "broken").symlink_to("nowhere")
    assert sorted(walk(folder).names()) == [b"link.jpg", b"round", b"ward"]


def test_a_folder_that_is_forbidden_or_too_deep_has_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/d.jpg").touch()
    real = os.scandir

    def scandir(path: bytes) -> "os._ScandirIterator[bytes]":
        if path.endswith(b"shut"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        if path.endswith(b"/a"):
            raise OSError(errno.ENAMETOOLONG, "File name too long", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert sorted(walk(tmp_path).names()) == [b"a/", b"shut/"]


@pytest.mark.parametrize(
    ("text", "null", "names"),
    [
        (b"a.jpg\nb/c.jpg\n", False, [b"a.jpg", b"b/c.jpg"]),
        (b"\xef\xbb\xbfa.jpg\r\nb.jpg\r\n\r\nlast.jpg", False, [b"a.jpg", b"b.jpg", b"last.jpg"]),
        (b"./a.jpg\n.//b/./c.jpg\n/d//e.jpg\nf/../g.jpg", False,
         [b"a.jpg", b"b/c.jpg", b"/d/e.jpg", b"f/../g.jpg"]),
        (b"two\nlines.jpg\0end\r\0\0", True, [b"two\nlines.jpg", b"end\r"]),
        (b"", False, []),
    ],
)  # fmt: skip
def test_a_list_has_one_path_on_a_line(
    tmp_path: Path, text: bytes, null: bool, names: list[bytes]
) -> None:
    (tmp_path / "list").write_bytes(text)
    source = open_listing(str(tmp_path / "list"), null=null)
    assert isinstance(source, PathList)
    assert source.root == os.fsencode(Path.cwd())
    assert list(source.names()) == names


@pytest.mark.parametrize(
    ("text", "says"), [(b"a\0b\n", "--null"), (b"x" * 3_000_000, "longer than any path")]
)
def test_what_is_no_list_of_paths_is_refused(tmp_path: Path, text: bytes, says: str) -> None:
    (tmp_path / "list").write_bytes(text)
    with pytest.raises(BadSource, match=says):
        list(open_listing(str(tmp_path / "list"), null=False).names())
    with pytest.raises(BadSource, match="No such file"):
        list(open_listing(str(tmp_path / "nowhere"), null=False).names())


HEAD = "path,age,sex,body_site,checklist\n"


def entries_of(folder: Path, text: str) -> list[bytes]:
    (folder / "told.csv").write_text(text)
    return list(open_listing(str(folder / "told.csv"), null=False).names())


def test_a_table_tells_of_each_picture_what_a_sender_could(tmp_path: Path) -> None:
    lines = 'a.jpg,62,female,back,"oozing,change_in_size"\n./b.jpg, ,,,\n'
    first, second = entries_of(tmp_path, f"{HEAD}{lines}")
    assert (pictures.name_of(first), pictures.name_of(second)) == (b"a.jpg", b"b.jpg")
    assert pictures.told_in(first) == Context(
        age=62, sex="female", body_site="back", checklist=("change_in_size", "oozing")
    )
    assert pictures.told_in(second) == Context()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("age,sex\n1,female\n", "path among them"),
        ("path,name\na.jpg,Ada\n", "not name"),
        (f"{HEAD}a.jpg,50,female,back,\nb.jpg,131,,,\n", "Line 3 .*: age: .* 120"),
        (f"{HEAD}a.jpg,,woman,,\n", "Line 2 .*: sex: "),
        (f"{HEAD}a.jpg,,,tail,\n", "Line 2 .*: body_site: "),
        (f'{HEAD}a.jpg,,,,"none,oozing"\n', "Line 2 .*: checklist: none stands alone"),
        (f"{HEAD}a.jpg,50\n", "Line 2 .*: it has not as many cells"),
        (f"{HEAD},50,,,\n", "Line 2 .*: it has no path"),
    ],
)
def test_a_line_that_tells_what_no_sender_could_is_named(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(BadSource, match=says):
        entries_of(tmp_path, text)
