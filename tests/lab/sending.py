import csv
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from skinapi.lab.datasets.dataset_images import DatasetImage, DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets, NewDataset
from skinapi.platform.storage.ids import new_id, now
from tests.support.backends import Person
from tests.support.waiting import await_

LABELS = ("mel", "nv", "bkl")
DEADLINE_S = 60


@cache
def picture(number: int, format: str = "JPEG") -> bytes:
    """A picture that resembles no other: large squares of random grey."""
    squares = np.random.default_rng(number).integers(40, 220, (16, 18), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(squares).resize((180, 160), Image.Resampling.NEAREST).convert("RGB").save(
        out, format, quality=90
    )
    return out.getvalue()


def table(rows: Iterable[Mapping[str, Any]]) -> bytes:
    rows = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def labelled(count: int, first: int = 0) -> dict[str, bytes]:
    files = {f"p{number}.jpg": picture(number) for number in range(first, first + count)}
    rows = [
        {"image_id": name[:-4], "dx": LABELS[place % len(LABELS)], "lesion_id": f"l{name[1:-4]}"}
        for place, name in enumerate(files)
    ]
    return {"metadata.csv": table(rows), **files}


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def upload(person: Person, content: bytes, name: str = "all.zip", **announced: Any) -> str:
    body = {"name": name, "size": len(content), **announced}
    begun = person.call("POST", "/uploads", json=body)
    assert begun.status_code == 201, begun.text
    identifier, step = begun.get_json()["id"], begun.get_json()["largest_part"]
    for offset in range(0, len(content), step):
        path = f"/uploads/{identifier}/{offset}"
        person.call_ok("PUT", path, data=content[offset : offset + step])
    return str(identifier)


def send(person: Person, uploads: list[str], name: str = "ham", **said: Any) -> dict[str, Any]:
    answer = person.call("POST", "/datasets", json={"name": name, "uploads": uploads, **said})
    assert answer.status_code == 202, answer.text
    return await_check(person, answer.get_json()["id"])


def await_check(person: Person, dataset: str) -> dict[str, Any]:
    def checked() -> dict[str, Any] | None:
        found: dict[str, Any] = person.call("GET", f"/datasets/{dataset}").get_json()
        return None if found["status"] == "checking" else found

    return await_(checked, within=DEADLINE_S)


def publish_one(
    datasets: Datasets, images: DatasetImages, content: bytes, *, owner: str, name: str
) -> DatasetImage:
    dataset = datasets.begin(NewDataset(name=name, owner=owner), size=0)
    image = DatasetImage(
        id=new_id(),
        created_at=now(),
        dataset=dataset.id,
        sha256=hashlib.sha256(content).hexdigest(),
        name="a.jpg",
        image_id="a",
        label="melanoma",
        written="mel",
        lesion="a",
        width=300,
        height=225,
        format="JPEG",
        size=len(content),
    )
    images.add(images.store_files(image, picture=content, thumbnail=content))
    datasets.publish(dataset.id, report={"unknown_labels": [], "warnings": []}, pictures=1)
    return image
