import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from skinapi.model.network.model import (
    CALIBRATION,
    CARD,
    CHECKSUMS,
    HEAD,
    LABELS,
    NETWORK,
    SERVED_FILES,
    WEIGHTS,
    write_checksums,
)

Damage = Callable[[Path], None]
HUGE = 2**40
DEEP = 100_000


def _bytes(content: bytes) -> Damage:
    return lambda path: _discard(path.write_bytes(content))


def _discard(_: object) -> None:
    pass


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def become_huge(path: Path) -> None:
    os.truncate(path, HUGE)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def lead_out(path: Path) -> None:
    path.symlink_to(path.rename(path.parents[1] / f"{path.parent.name}-{path.name}"))


def become_a_pipe(path: Path) -> None:
    """Opening a pipe waits for a writer."""
    path.unlink()
    os.mkfifo(path)


def vanish(path: Path) -> None:
    path.unlink()


OF_ANY_FILE: dict[str, Damage] = {
    "empty": _bytes(b""),
    "noise": _bytes(np.random.default_rng(0).bytes(5000)),
    "cut in half": cut_in_half,
    "huge": become_huge,
    "a folder": become_a_folder,
    "a link out": lead_out,
    "a pipe": become_a_pipe,
    "gone": vanish,
}
OF_ANY_JSON: dict[str, Damage] = {
    "an array": _bytes(b"[]"),
    "NaN": _bytes(b"NaN"),
    "a long number": _bytes(b"9" * 50_000),
    "deep": _bytes(b"[" * DEEP + b"]" * DEEP),
    "many arrays": _bytes(b"[" + b"[]," * 1_000_000 + b"[]]"),
    "no UTF-8": _bytes(b'["\xff"]'),
}


def changed(**fields: Any) -> Damage:
    """Set these fields of a JSON object, nested by dots; `...` deletes a field."""

    def change(path: Path) -> None:
        whole = json.loads(path.read_text())
        for name, value in fields.items():
            *outer, last = name.split("__")
            part = whole
            for key in outer:
                part = part[key]
            if value is ...:
                del part[last]
            else:
                part[last] = value
        path.write_text(json.dumps(whole))

    return change


NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
OF_CARD: dict[str, Damage] = {
    "a side that fills the machine": changed(side=1_000_000),
    "another side": changed(side=223),
    "no version": changed(version=...),
    "an endless version": changed(version="v" * 1_000_000),
    "an unknown precision": changed(precision="int4"),
    **{f"{n} among the figures": changed(figures={"a": [{"b": v}]}) for n, v in NOT_FINITE.items()},
    "figures nested deep": changed(figures=json.loads('{"a":' * 250 + "1" + "}" * 250)),
}
OF_CALIBRATION: dict[str, Damage] = {
    "an unknown field": changed(dermatoscopic={}),
    **{
        f"{name} {n}": changed(**{f"dermoscopic__{name}": value})
        for name in ("temperature", "too_close", "unlike_training")
        for n, value in NOT_FINITE.items()
    },
    "a temperature next to nothing": changed(dermoscopic__temperature=1e-320),
    "an endless prior": changed(
        dermoscopic__naming={"tau": 1, "prior": {"melanoma": float("inf")}}
    ),
    "limits that rule everything out": changed(
        dermoscopic__prediction_sets={"0.90": dict.fromkeys(("melanoma",), 2.0)}
    ),
    "what is familiar in numbers that are none": changed(
        dermoscopic__familiar={"features": 1, "mean": "AH4=", "directions": "AH4=", "limit": 1}
    ),
    "weights that are no base64": changed(
        skin={"limit": 0.5, "not_skin": {"features": 1, "weights": "%", "bias": 0}}
    ),
}


def _head(**arrays: Any) -> Damage:
    return lambda path: np.savez(path, allow_pickle=True, **arrays)


def _raw_head(header: str) -> Damage:
    padded = header.encode() + b"\n"
    array = b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("weights.npy", array)
    return _bytes(out.getvalue())


def _described(shape: str, kind: str = "<f4") -> str:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("weights.npy", bytes(300_000_000))
    return out.getvalue()


def _many_members() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for number in range(20_000):
            packed.writestr(f"{number}.npy", b"")
    return out.getvalue()


def set_one_number(value: float) -> Damage:
    def set_it(path: Path) -> None:
        with np.load(path) as stored:
            weights = stored["weights"].copy()
        weights[1, 1] = value
        np.savez(path, allow_pickle=False, weights=weights)

    return set_it


def _weights(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


OF_HEAD: dict[str, Damage] = {
    **{f"a weight that is {n}": set_one_number(v) for n, v in NOT_FINITE.items()},
    "other names": _head(heavy=_weights(3, 8)),
    "an axis too few": _head(weights=_weights(3)),
    "other features": _head(weights=_weights(4, 8)),
    "two layers that do not fit": _head(
        weights=_weights(3, 8), hidden_weights=_weights(3, 4), hidden_bias=_weights(4)
    ),
    "objects": _head(weights=np.array([{"code": "run"}], object)),
    "a shape that fills the machine": _raw_head(_described("(3, 100000000000)")),
    "a header without end": _raw_head("{" * 9000),
    "a bomb": lambda path: _discard(path.write_bytes(_bomb())),
    "many members": lambda path: _discard(path.write_bytes(_many_members())),
}


def put(old: bytes, new: bytes) -> Damage:
    def change(path: Path) -> None:
        content = path.read_bytes()
        assert old in content, old
        path.write_bytes(content.replace(old, new))

    return change


def network_of(build: Callable[[Any], Any], shape: Any = (-1, 224, 224, 3)) -> Damage:
    def write(path: Path) -> None:
        shown = op.parameter(list(shape), np.float32, name="shown")
        feature_map = build(shown)
        pooled = op.reduce_mean(feature_map, np.array([1, 2]))
        logits = op.matmul(pooled, np.ones((3, 8), np.float32), False, False)
        outputs = {"logits": logits, "feature_map": feature_map, "pooled": pooled}
        for name, node in outputs.items():
            node.output(0).get_tensor().set_names({name})
        model = ov.Model([op.result(node) for node in outputs.values()], [shown], "hostile")
        ov.save_model(model, path, compress_to_fp16=False)

    return write


def _one(value: float) -> Any:
    return np.full((1, 1, 1, 3), value, np.float32)


OF_NETWORK: dict[str, Damage] = {
    "no network": _bytes(b"<net/>"),
    "deep": _bytes(b"<net>" + b"<layers>" * DEEP),
    "a picture that fills the machine": put(b'?,224,224,3"', b'?,1000000,1000000,3"'),
    "weights beyond the file": put(b'offset="0"', b'offset="99999999999"'),
    "an output of another name": put(b'"pooled"', b'"pulled"'),
    "weights that are no numbers": network_of(lambda shown: op.add(shown, _one(float("nan")))),
    "numbers that fill the machine": network_of(
        lambda shown: op.tile(shown, np.array([1, 100, 100, 1]))
    ),
    "a large picture": network_of(lambda shown: shown, (-1, 4096, 4096, 3)),
}
OF_WEIGHTS: dict[str, Damage] = {
    "every bit set": lambda path: _discard(path.write_bytes(b"\xff" * path.stat().st_size)),
    "one number short": lambda path: os.truncate(path, path.stat().st_size - 4),
}
OF_LABELS: dict[str, Damage] = {
    "one label": _bytes(b'["melanoma"]'),
    "a label that hides": _bytes(b'["\\ud800"]'),
    "a long label": _bytes(b'["' + b"x" * 60_000 + b'"]'),
}
# A fault that no single file explains is reported as a mismatch of files.
TABLE: dict[str, dict[str, Damage]] = {
    NETWORK: OF_ANY_FILE | OF_NETWORK,
    WEIGHTS: OF_ANY_FILE | OF_WEIGHTS,
    HEAD: OF_ANY_FILE | OF_HEAD,
    LABELS: OF_ANY_FILE | OF_ANY_JSON | OF_LABELS,
    CALIBRATION: OF_ANY_FILE | OF_ANY_JSON | OF_CALIBRATION,
    CARD: OF_ANY_FILE | OF_ANY_JSON | OF_CARD,
    CHECKSUMS: OF_ANY_FILE | OF_ANY_JSON,
}
EVERY = [(name, case) for name, cases in TABLE.items() for case in cases]
# Each damage once, to one of the files that it may be done to.
ONCE = [*{case: (name, case) for name, case in EVERY}.values()]


def damaged_copy(good: Path, folder: Path, name: str, case: str) -> Path:
    """Copy the good folder with this file damaged, and with the checksums updated if it still
    exists.
    """
    shutil.copytree(good, folder)
    TABLE[name][case](folder / name)
    if name != CHECKSUMS and all(_may_be_summed(folder / served) for served in SERVED_FILES):
        write_checksums(folder)
    return folder


def _may_be_summed(path: Path) -> bool:
    return path.is_file() and path.stat().st_size < HUGE


def damaged_copies(good: Path, into: Path) -> Iterator[tuple[str, str, Path]]:
    for number, (name, case) in enumerate(EVERY):
        yield name, case, damaged_copy(good, into / str(number), name, case)
