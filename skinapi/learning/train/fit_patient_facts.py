"""Fits the effect of a patient's facts on the probabilities of a picture, by kind of picture, and
the thresholds of the bands with these facts.

The association of facts and conditions is learned from the patients of the training pictures,
within each source, to exclude a hospital's own mix of patients and conditions. Its weight in
addition to the picture is learned on validation pictures, which the network was not trained on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from skinapi.learning.data.samples import Sample, patient_context, source_of
from skinapi.learning.measure import metrics
from skinapi.learning.measure.predictions import ModelOutputs
from skinapi.learning.progress import Report
from skinapi.learning.train.fit_bands import LESS_ELSEWHERE, SENT, BandRows, fit_soon, is_malignant
from skinapi.learning.train.recipe import weigh_by_root
from skinapi.model.bands import log_odds
from skinapi.model.calibration import Calibration, ModelCalibration, softmax
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.context import BODY_SITES, BodySite, Modality
from skinapi.model.detectors import KNOWN
from skinapi.model.patient_facts import Fact, PatientFactsTable, Shifts, ToldLimits, name_told

PENALTY = 10.0
# The offset of each source is penalised by a hundredth of that.
OFFSET_SCALE = 10.0
# With fewer malignant lesions that tell a set of facts, it has no thresholds of its own.
FEWEST_MALIGNANT = 50
# The probabilities change along straight lines between these ages.
AGES = (0, 30, 50, 70, 90)
# Fitted by part of the body: single sites have too few pictures.
SITE_GROUPS: Mapping[str, tuple[BodySite, ...]] = {
    "head": ("ear", "face", "neck", "scalp"),
    "trunk": ("abdomen", "back", "chest", "genital", "trunk"),
    "arm": ("hand", "upper_extremity"),
    "leg": ("foot", "lower_extremity"),
    "acral": ("acral",),
}
_GROUP_OF: Mapping[str | None, str] = {
    site: group for group, sites in SITE_GROUPS.items() for site in sites
}
SEXES = {"female": 0.0, "male": 1.0}
# No data set that we know asks patients about the other signs.
SIGNS = ("change_in_size", "change_in_sensation", "oozing", "diameter_7mm_or_more")

Floats = NDArray[np.float64]


def fit_patient_facts(
    calibration: ModelCalibration,
    labels: Sequence[str],
    patients: Sequence[Sample],
    validation: ModelOutputs,
    *,
    report: Report,
) -> ModelCalibration:
    """A kind of picture gets a table if the log loss on its validation lesions decreases
    significantly over all, and increases significantly in no source.
    """
    patients = [sample for sample in patients if sample.is_lesion]
    classes = [label for label in labels if label != NORMAL_SKIN]
    learned = _learn(patients, classes)
    without = {
        source: _learn([s for s in patients if source_of(s) != source], classes)
        for source in sorted(set(map(source_of, patients)))
    }
    fitted = {}
    for kind in KNOWN:
        own: Calibration | None = getattr(calibration, kind.value)
        lesions = validation.lesions_of(kind)
        if own is None or not lesions.samples:
            continue
        rows = _Lesions(own, kind, labels, lesions)
        table = rows.fit_table(learned)
        if _helps(rows, table, report=report):
            others = {source: rows.fit_table(each) for source, each in without.items()}
            table = table.model_copy(update={"limits": _fit_limits(rows, table, others)})
            for told, limits in table.limits.items():
                report(f"{kind}, told {told}: sent from {dict(limits.sent)}")
            fitted[kind.value] = own.model_copy(update={"patient_facts": table})
    return calibration.model_copy(update=fitted)


def _helps(rows: "_Lesions", table: PatientFactsTable, *, report: Report) -> bool:
    if not table.conditions:
        return False
    gain = rows.log_losses(None) - rows.log_losses(table)
    sources = np.array(list(map(source_of, rows.outputs.samples)))
    keys = np.array([sample.lesion_key for sample in rows.outputs.samples])
    intervals = {}
    for name, chosen in {
        "all": sources != "",
        **{s: sources == s for s in np.unique(sources)},
    }.items():
        values = gain[chosen]
        draws = metrics.draw_bootstrap(keys[chosen].tolist())
        low, high = metrics.bootstrap_interval(partial(_mean_of, values), draws)
        intervals[name] = low, high
        report(
            f"{rows.kind}: with the patients' facts the log loss on {name} falls by "
            f"{values.mean():.4f} [{low:.4f}, {high:.4f}]"
        )
    return intervals["all"][0] > 0 and all(high >= 0 for _, high in intervals.values())


def _mean_of(values: Floats, rows: metrics.Rows) -> float:
    return float(values[rows].mean())


# The fact of each column of numbers.
_FACTS = (
    *[Fact.AGE] * (len(AGES) - 1),
    Fact.SEX,
    *[Fact.BODY_SITE] * len(SITE_GROUPS),
    *[Fact.SIGNS] * len(SIGNS),
)


def _describe(sample: Sample) -> list[float]:
    context, untold = patient_context(sample), float("nan")
    years, group = context.years, _GROUP_OF.get(context.body_site)
    signs = [{"yes": 1.0, "no": 0.0}.get(sample.facts.get(sign, ""), untold) for sign in SIGNS]
    return [
        *([untold] * (len(AGES) - 1) if years is None else _along_line(years)),
        SEXES.get(context.sex or "", untold),
        *(untold if group is None else float(group == each) for each in SITE_GROUPS),
        *signs,
    ]


def _along_line(years: float) -> list[float]:
    """The part of each line segment up to this age, from 0 to its length, in units of 20 years."""
    return [(min(max(years, start), end) - start) / 20 for start, end in pairwise(AGES)]


@dataclass(frozen=True, slots=True)
class _Learned:
    classes: Sequence[str]
    weights: Floats
    means: Floats

    def centre(self, samples: Sequence[Sample]) -> Floats:
        columns = np.array([_describe(sample) for sample in samples])
        return np.where(np.isnan(columns), 0, columns - self.means)


def _learn(patients: Sequence[Sample], classes: Sequence[str]) -> _Learned:
    """Within each source: differences between hospitals say nothing about a lesion."""
    columns = np.array([_describe(s) for s in patients]).reshape(-1, len(_FACTS))
    sources = np.array(list(map(source_of, patients)))
    centred = np.zeros(columns.shape)
    for source in np.unique(sources):
        own = columns[sources == source]
        centred[sources == source] = np.where(np.isnan(own), 0, own - _means(own))
    truth = np.array([classes.index(sample.label) for sample in patients])
    weights = _fit_direction(centred, truth, patients, len(classes))
    return _Learned(classes, weights, _means(columns))


def _means(columns: Floats) -> Floats:
    told = ~np.isnan(columns)
    means = np.where(told, columns, 0).sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    return np.asarray(means)


def _part(columns: Floats, fact: Fact) -> Floats:
    return columns[:, [index for index, own in enumerate(_FACTS) if own is fact]]


def _fit_direction(
    columns: Floats, truth: NDArray[np.int64], samples: Sequence[Sample], classes: int
) -> Floats:
    """The log odds of each condition by each column, with an offset for each source and kind of
    picture, which is then dropped.
    """
    groups = np.array([f"{source_of(sample)}:{sample.modality}" for sample in samples])
    offsets = (groups[:, None] == np.unique(groups)) * OFFSET_SCALE
    weights = np.zeros((columns.shape[1], classes))
    if len(np.unique(truth)) < 2:
        return weights
    model = LogisticRegression(C=1 / PENALTY, tol=1e-4, max_iter=1000)
    weight = weigh_by_root(groups) * len(groups)
    model.fit(np.hstack([columns, offsets]), truth, sample_weight=weight)
    # Of two classes it gives the second's against the first's.
    fitted = model.coef_ if len(model.coef_) > 1 else np.vstack([-model.coef_, model.coef_]) / 2
    weights[:, model.classes_] = fitted[:, : columns.shape[1]].T
    return weights


@dataclass(frozen=True, slots=True)
class _Lesions:
    calibration: Calibration
    kind: Modality
    labels: Sequence[str]
    outputs: ModelOutputs

    def fit_table(self, learned: _Learned) -> PatientFactsTable:
        centred = learned.centre(self.outputs.samples)
        shifts = {f: _part(centred, f) @ _part(learned.weights.T, f).T for f in Fact}
        strength = self._fit_strength(learned.classes, shifts)
        by_column = np.array([strength[fact] for fact in _FACTS])
        return _tabulate(replace(learned, weights=learned.weights * by_column[:, None]))

    def _fit_strength(
        self, classes: Sequence[str], shifts: Mapping[Fact, Floats]
    ) -> dict[Fact, float]:
        """The weight of each fact's shifts, from 0 to 1, with the lowest log loss, and an offset
        for each source that is then dropped.
        """
        places = [self.labels.index(label) for label in classes]
        answers = self.calibration.probabilities(self.outputs.logits)
        logs = np.log(np.maximum(answers[:, places], 1e-12))
        sources = np.array(list(map(source_of, self.outputs.samples)))
        groups = (sources[:, None] == np.unique(sources)).astype(float)
        truth = np.array([classes.index(sample.label) for sample in self.outputs.samples])
        weight = weigh_by_root(sources) * len(sources)
        facts = [fact for fact in Fact if np.any(shifts[fact])]

        def measure(numbers: Floats) -> tuple[float, Floats]:
            strengths, offsets = (
                numbers[: len(facts)],
                numbers[len(facts) :].reshape(-1, len(classes)),
            )
            moved = sum((s * shifts[f] for s, f in zip(strengths, facts, strict=True)), logs)
            answer = softmax(moved + groups @ offsets)
            own = answer[np.arange(len(truth)), truth]
            loss = -weight @ np.log(np.maximum(own, 1e-12)) + np.sum(offsets**2) / PENALTY / 2
            slope = (answer - np.eye(len(classes))[truth]) * weight[:, None]
            by_fact = [np.sum(slope * shifts[fact]) for fact in facts]
            by_source = groups.T @ slope + offsets / PENALTY
            return loss, np.array([*by_fact, *by_source.ravel()])

        free = groups.shape[1] * len(classes)
        start = np.array([0.5] * len(facts) + [0.0] * free)
        bounds = [(0.0, 1.0)] * len(facts) + [(None, None)] * free
        best = minimize(measure, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        return dict.fromkeys(Fact, 0.0) | dict(zip(facts, best.tolist(), strict=False))

    def probabilities(
        self, table: PatientFactsTable | None, facts: Collection[Fact] = tuple(Fact)
    ) -> Floats:
        plain = self.calibration.probabilities(self.outputs.logits)
        if table is None:
            return plain
        each = [
            table.shift(dict(zip(self.labels, row, strict=True)), patient_context(sample), facts)
            for row, sample in zip(plain.tolist(), self.outputs.samples, strict=True)
        ]
        return np.array([[shares[label] for label in self.labels] for shares in each])

    def log_losses(self, table: PatientFactsTable | None) -> Floats:
        truth = [self.labels.index(sample.label) for sample in self.outputs.samples]
        own = self.probabilities(table)[np.arange(len(truth)), truth]
        return np.asarray(-np.log(np.maximum(own, 1e-12)))

    def band_rows(
        self, table: PatientFactsTable | None, facts: Collection[Fact] = tuple(Fact)
    ) -> BandRows:
        shares = self.probabilities(table, facts)
        return BandRows.from_outputs(self.outputs, self.labels, self.calibration, shares)


def _tabulate(learned: _Learned) -> PatientFactsTable:
    weights, means = learned.weights, learned.means

    def shifts(fact: Fact, numbers: Sequence[float]) -> Shifts:
        places = [index for index, own in enumerate(_FACTS) if own is fact]
        moved = (np.array(numbers) - means[places]) @ weights[places]
        return dict(zip(learned.classes, np.round(moved, 3).tolist(), strict=True))

    def answer(item: str, number: float) -> Shifts:
        mean = _part(means[None], Fact.SIGNS)[0].tolist()
        return shifts(
            Fact.SIGNS, [number if own == item else m for own, m in zip(SIGNS, mean, strict=True)]
        )

    fitted = {fact: bool(np.any(_part(weights.T, fact))) for fact in Fact}
    groups = {group: [float(group == each) for each in SITE_GROUPS] for group in SITE_GROUPS}
    return PatientFactsTable(
        age={age: shifts(Fact.AGE, _along_line(age)) for age in AGES if fitted[Fact.AGE]},
        sex={sex: shifts(Fact.SEX, [number]) for sex, number in SEXES.items() if fitted[Fact.SEX]},
        body_site={
            site: shifts(Fact.BODY_SITE, groups[_GROUP_OF[site]])
            for site in BODY_SITES
            if fitted[Fact.BODY_SITE]
        },
        ticked={item: answer(item, 1) for item in SIGNS if fitted[Fact.SIGNS]},
        not_ticked={item: answer(item, 0) for item in SIGNS if fitted[Fact.SIGNS]},
    )


def _fit_limits(
    rows: _Lesions, table: PatientFactsTable, without: Mapping[str, PatientFactsTable]
) -> dict[str, ToldLimits]:
    told = [set(table.told(patient_context(sample))) for sample in rows.outputs.samples]
    limits = {}
    for facts in chain.from_iterable(combinations(Fact, n) for n in range(1, len(Fact) + 1)):
        chosen = [row for row, known in enumerate(told) if known.issuperset(facts)]
        own = replace(rows, outputs=rows.outputs.take(chosen))
        lesions = own.outputs.one_per_lesion().samples
        if sum(map(is_malignant, lesions)) >= FEWEST_MALIGNANT:
            limits[name_told(facts)] = _fit_told(own, table, without, facts)
    return limits


def _fit_told(
    rows: _Lesions,
    table: PatientFactsTable,
    without: Mapping[str, PatientFactsTable],
    facts: Sequence[Fact],
) -> ToldLimits:
    """The urgent thresholds are fitted as without facts. The sending thresholds are those without
    facts, moved in log odds by as much as these facts move the threshold that sends the same share
    of these malignant lesions, so that the requirement for unknown sources still holds. Each source
    is also weighted by the effect of the facts in the other sources; slightly less of it must be
    sent, and the lower threshold is used.
    """
    one_each = replace(rows, outputs=rows.outputs.one_per_lesion())
    plain, own = one_each.band_rows(None), one_each.band_rows(table, facts)
    elsewhere = np.zeros(len(plain.malignant))
    for source, other in without.items():
        chosen = plain.sources == source
        elsewhere[chosen] = one_each.band_rows(other, facts).malignant_score[chosen]
    malignant = plain.malignant
    weight = weigh_by_root(plain.sources[malignant])
    # One move for all points, the mean of theirs: each stands on a few lesions.
    before, *after = (
        np.mean(
            [
                log_odds(_reached_by_weight(share - less, scores[malignant], weight))
                for share in SENT.values()
            ]
        )
        for scores, less in (
            (plain.malignant_score, 0.0),
            (own.malignant_score, 0.0),
            (elsewhere, LESS_ELSEWHERE),
        )
    )
    moved = np.exp(min(after) - before)
    sent = {}
    for point, untold in rows.calibration.sent.items():
        odds = untold / (1 - untold) * moved
        # Rounded down, as the thresholds without facts are.
        sent[point] = float(np.floor(1e4 * odds / (1 + odds)) / 1e4)
    urgent = plain.urgent(rows.calibration.thresholds)
    return ToldLimits(thresholds=fit_soon(own, rows.kind, urgent=urgent), sent=sent)


def _reached_by_weight(share: float, scores: Floats, weight: Floats) -> float:
    falling = np.argsort(-scores)
    reached = np.cumsum(weight[falling])
    return float(scores[falling][np.searchsorted(reached, share * reached[-1] - 1e-9)])
