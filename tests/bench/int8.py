"""What int8 costs and brings: the served network against its int8 copies on the same pictures.

    pip install nncf==3.4.0
    python -m tests.bench.int8 --data DIR,modality=dermoscopic DIR2,modality=clinical

It calibrates on the train part of the model's own split and measures on another part. The copies
differ in what stays in float; f32 shows what other arithmetic alone changes. Choose one on the
validation part; the test part is for one reading at the end. The model's folder is not changed.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import nncf
import numpy as np
import openvino as ov

from skinapi.learning.data.samples import Sample, open_sample, select_part, subsample
from skinapi.learning.data.sources import load_sources
from skinapi.learning.data.splits import read_split
from skinapi.learning.measure import metrics
from skinapi.learning.measure.comparison import Difference
from skinapi.learning.measure.predictions import (
    ServedResult,
    bootstrap_group,
    run_model,
    serve_outputs,
)
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.network.engine import Engine, EngineOutput
from skinapi.vision.network.model import NETWORK, PARTS, SHIPPED_MODEL, SPLIT, Model, open_model
from skinapi.vision.network.openvino_engine import OpenVinoEngine, Precision, shared_core
from skinapi.vision.network.tensor import Tensor, make_tensor
from skinapi.vision.network.weight_unpacking import unpacked_weights
from tests.bench.load import rate_of

# How many convolutions at the end of a ResNet50 stay in float: its last stage has 10, the one
# before it 19. The first convolution and the head then stay too; None: nothing does.
FLOAT_TAILS = {
    "all int8": None,
    "first and head float": 0,
    "last stage float too": 10,
    "last two stages float too": 29,
}
REFERENCE = "f32"
ROUNDS = 5
ROUND_S = 3.0


@dataclass
class HeatRecorder(Engine):
    """An engine that also keeps the heat maps of every output, for each picture."""

    model: Model
    maps: list[Tensor] = field(default_factory=list)

    def infer(self, batch: Tensor) -> EngineOutput:
        reading = self.model.engine.infer(batch)
        for row in range(len(batch)):
            outputs = range(self.model.head.outputs)
            drawn = [self.model.heat_of(reading, row=row, output=one) for one in outputs]
            self.maps.append(np.stack(drawn))
        return reading


@dataclass(frozen=True)
class Measured:
    results: Sequence[ServedResult]
    heat: Tensor  # pictures x outputs x height x width

    def peaks(self, stated: metrics.Rows) -> metrics.Rows:
        """The cell of the peak of each picture's heat map of this output; -1 in an empty map."""
        maps = self.heat[np.arange(len(stated)), stated].reshape(len(stated), -1)
        return np.where(maps.max(axis=1) > 0, maps.argmax(axis=1), -1)


def measure(model: Model, samples: Sequence[Sample]) -> Measured:
    recorder = HeatRecorder(model)
    outputs = run_model(replace(model, engine=recorder), samples, report=say)
    return Measured(serve_outputs(model, outputs), np.stack(recorder.maps))


def quantised(network: ov.Model, calibration: nncf.Dataset, tail: int | None) -> ov.Model:
    """An int8 copy; `tail` is one of FLOAT_TAILS."""
    operations = network.get_ordered_ops()
    convolutions, products = (
        [one.get_friendly_name() for one in operations if one.get_type_name() == kind]
        for kind in ("Convolution", "MatMul")
    )
    kept = []
    if tail is not None:
        kept = [convolutions[0], *products, *convolutions[len(convolutions) - tail :]]
    return nncf.quantize(
        network,
        calibration,
        preset=nncf.QuantizationPreset.MIXED,
        target_device=nncf.TargetDevice.CPU,
        subset_size=calibration.get_length() or 300,
        fast_bias_correction=False,
        ignored_scope=nncf.IgnoredScope(names=kept) if kept else None,
    )


def compare(
    first: Measured, second: Measured, samples: Sequence[Sample], labels: Sequence[str]
) -> None:
    malignant = np.array([s.label in conditions_table().malignant_keys for s in samples])
    scores = [
        np.array([one.assessment.malignant_score for one in measured.results])
        for measured in (first, second)
    ]
    for name in ("all", *sorted({sample.modality.value for sample in samples})):
        rows = np.array([name in ("all", sample.modality.value) for sample in samples])
        say(f"  malignant AUC, {name} ({rows.sum()}): {_auc(scores, malignant, samples, rows)}")
    _compare_peaks(first, second, labels)
    _compare_bands(first, second)


def _auc(
    scores: Sequence[metrics.Floats],
    malignant: metrics.Mask,
    samples: Sequence[Sample],
    rows: metrics.Mask,
) -> Difference:
    before, after = (metrics.rank(score[rows]) for score in scores)
    truth = malignant[rows]
    groups = [bootstrap_group(samples[row]) for row in np.flatnonzero(rows).tolist()]

    def gain(drawn: metrics.Rows) -> float:
        first = metrics.auc_of_ranks(before[drawn], truth[drawn])
        return metrics.auc_of_ranks(after[drawn], truth[drawn]) - first

    low, high = metrics.bootstrap_interval(gain, metrics.draw_bootstrap(groups))
    return Difference(
        metrics.auc_of_ranks(before, truth), metrics.auc_of_ranks(after, truth), low, high
    )


def _compare_peaks(first: Measured, second: Measured, labels: Sequence[str]) -> None:
    stated = [
        np.array([labels.index(one.assessment.stated) for one in measured.results])
        for measured in (first, second)
    ]
    side = first.heat.shape[-1]
    shown = first.peaks(stated[0])
    for what, other in (("as drawn", stated[1]), ("of the same condition", stated[0])):
        peaks = second.peaks(other)
        rows, columns = np.divmod(shown, side), np.divmod(peaks, side)
        near = np.maximum(abs(rows[0] - columns[0]), abs(rows[1] - columns[1])) <= 1
        same = (shown == peaks).mean()
        say(f"  peaks {what}: same cell {same:.2%}, within one {near.mean():.2%}")
    say(f"  stated condition the same: {(stated[0] == stated[1]).mean():.2%}")


def _compare_bands(first: Measured, second: Measured) -> None:
    urgent = urgency(Band.REFERRAL)
    before, after = (
        np.array([urgency(one.assessment.band) for one in measured.results])
        for measured in (first, second)
    )
    say(
        f"  bands the same: {(before == after).mean():.2%}; less urgent {(after > before).sum()}, "
        f"more urgent {(after < before).sum()}"
    )
    say(
        f"  referral or more urgent: {(before <= urgent).sum()}, "
        f"of these lost {((before <= urgent) & (after > urgent)).sum()}, "
        f"gained {((before > urgent) & (after <= urgent)).sum()}"
    )


def rates(networks: dict[str, tuple[Path, Precision]], side: int) -> None:
    """Photos per second of each engine alone, in turns, so that other load touches all alike."""
    batch = np.random.default_rng(0).normal(0, 50, (1, side, side, 3)).astype(np.float32)
    for streams in (1, 2):
        engines = {
            name: OpenVinoEngine(path, precision=precision, streams=streams)
            for name, (path, precision) in networks.items()
        }
        seen: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(ROUNDS):
            for name, engine in engines.items():
                seen[name].append(rate_of(partial(engine.infer, batch), streams, seconds=ROUND_S))
        for name, each in seen.items():
            say(f"  {streams} streams, {name}: median {np.median(each):.1f} photos/s of {ROUNDS}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    options = _parse()
    model = open_model(options.model)
    parts = read_split(options.model / SPLIT)
    everything = load_sources(options.data).samples
    train, samples = (
        subsample(select_part(everything, parts, part), most=most, by=lambda one: one.source)
        for part, most in (("train", options.calibrate), (options.part, options.most))
    )
    say(f"{model.version}: {len(train)} pictures to calibrate, {len(samples)} of {options.part}")
    served, precision = measure(model, samples), model.card.precision
    networks = {precision.value: (options.model / NETWORK, precision)}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.copies:
            if name == REFERENCE:
                networks[name] = options.model / NETWORK, Precision.F32
            else:
                network = Path(folder) / f"{name.replace(' ', '-')}.xml"
                _write_copy(options.model / NETWORK, network, train, model, FLOAT_TAILS[name])
                networks[name] = network, precision
            path, used = networks[name]
            engine = OpenVinoEngine(path, precision=used, streams=1)
            say(f"{name} ({path.with_suffix('.bin').stat().st_size / 1e6:.0f} MB)")
            compare(served, measure(replace(model, engine=engine), samples), samples, model.labels)
        rates(networks, model.card.side)


def _write_copy(
    served: Path, out: Path, train: Sequence[Sample], model: Model, tail: int | None
) -> None:
    side, scaling = model.card.side, model.card.scaling

    def tensor(sample: Sample) -> Tensor:
        return make_tensor(open_sample(sample), side=side, scaling=scaling)[None]

    network = shared_core().read_model(served)
    with unpacked_weights(network):
        copy = quantised(network, nncf.Dataset(train, tensor), tail)
        ov.save_model(copy, out, compress_to_fp16=False)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", required=True, help="folders, as `train` takes them")
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL)
    parser.add_argument("--part", choices=PARTS[1:], default="validation")
    copies = (REFERENCE, *FLOAT_TAILS)
    parser.add_argument("--copies", nargs="+", choices=copies, default=copies)
    parser.add_argument("--most", type=int, default=10**6, help="pictures of each source")
    parser.add_argument("--calibrate", type=int, default=100, help="of each source")
    return parser.parse_args()


if __name__ == "__main__":
    main()
