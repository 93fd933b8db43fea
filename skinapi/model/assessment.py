"""Turns the output of one network pass into an assessment: calibrated probabilities, the stated
condition, the band and the doubts.

If the modality is in doubt, the picture is assessed with both calibrations and the more cautious
result is used.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from skinapi.model.bands import (
    OperatingPoint,
    RaisedBy,
    band_of_condition,
    choose_band,
    choose_for_person,
    demand_of,
    most_probable,
    most_severe_plausible,
    severity_rank,
    tell_rules,
    threshold_scores,
    urgency,
)
from skinapi.model.calibration import (
    Calibration,
    HeldOutFigures,
    ModelCalibration,
    measure_unlike,
)
from skinapi.model.conditions import NORMAL_SKIN, Band
from skinapi.model.context import Context, Modality, SkinTone
from skinapi.model.detectors import Features, ModalityFinding, settle_modality
from skinapi.model.finding import Doubt
from skinapi.model.headline import NotRuledOut, RestatedProbabilities, join_not_ruled_out
from skinapi.model.patient_facts import Fact

# Saving a picture once more at quality 95 moves its energy, its distance (as a share) and the log
# odds of another disease by less than this in 99 of 100 cases (measured by
# `python -m bench.steadiness`).
NEARLY_UNLIKE = {"energy": 0.19, "distance": 0.03, "other": 0.67}
CONDITION_RULES = {RaisedBy.MOST_PROBABLE, RaisedBy.NAMED}


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer of the model to one picture. `stated` is the condition shown to clients.
    `from_picture` holds the probabilities before the patient's facts, if these changed any, and
    `moved_by` the facts that moved the most probable condition. `untested_skin` are the entered
    skin tones on which too few lesions were tested. `something_else` means that the picture
    certainly shows no skin.
    """

    probabilities: Mapping[str, float]
    from_picture: Mapping[str, float] | None
    stated: str
    band: Band
    raised_by: tuple[RaisedBy, ...]
    reasons: tuple[Doubt, ...]
    not_ruled_out: tuple[NotRuledOut, ...]
    modality: ModalityFinding
    tested: tuple[HeldOutFigures, ...]
    something_else: bool
    calibrated_as: Modality
    untested_skin: tuple[SkinTone, ...]
    operating_point: OperatingPoint | None
    calibrated_on: float | None = None
    restated: RestatedProbabilities | None = None
    told: tuple[Fact, ...] = ()
    moved_by: tuple[Fact, ...] = ()

    @property
    def malignant_score(self) -> float:
        return threshold_scores(self.probabilities)["malignant"]


def assess(
    calibration: ModelCalibration,
    *,
    labels: Sequence[str],
    logits: Features,
    pooled: Features,
    context: Context,
) -> Assessment:
    modality = settle_modality(context.modality, pooled, calibration.modality)
    each = [
        _calibrate(calibration, used, labels, logits, pooled, context) for used in modality.used
    ]
    # A doubt of either calibration applies, whichever has the more urgent band.
    doubts = {doubt for output in each for doubt in output.doubts}
    if calibration.skin is not None and calibration.skin.doubts(pooled):
        doubts.add(Doubt.NOT_SURELY_SKIN)
    if context.text_in_picture:  # our models were not trained on such pictures
        doubts.add(Doubt.UNLIKE_TRAINING)
    return _most_cautious(
        [_assess(calibration, output, doubts, context, modality) for output in each]
    )


class Version(NamedTuple):
    probabilities: Mapping[str, float]
    told: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class _CalibratedOutput:
    calibration: Calibration
    used: Modality
    told: tuple[Fact, ...]
    probabilities: Mapping[str, float]
    from_picture: Mapping[str, float]
    unlike: bool
    nearly_unlike: bool
    something_else: bool

    @property
    def versions(self) -> tuple[Version, ...]:
        alone = Version(self.from_picture, ())
        return (Version(self.probabilities, self.told), alone) if self.told else (alone,)

    @property
    def doubts(self) -> set[Doubt]:
        closest = self.calibration.too_close
        return {
            doubt
            for each in self.versions
            for doubt in list_doubts(each.probabilities, unlike=self.unlike, closest=closest)
        }


def _calibrate(
    model: ModelCalibration,
    used: Modality,
    labels: Sequence[str],
    logits: Features,
    pooled: Features,
    context: Context,
) -> _CalibratedOutput:
    calibration = model.for_modality(used)
    from_picture = dict(zip(labels, calibration.probabilities(logits).tolist(), strict=True))
    table = calibration.patient_facts
    told = table.told(context) if table else ()
    beyond = measure_unlike(model, calibration, logits=logits, pooled=pooled)
    return _CalibratedOutput(
        calibration=calibration,
        used=used,
        told=told,
        probabilities=table.shift(from_picture, context, told) if table and told else from_picture,
        from_picture=from_picture,
        unlike=any(excess > 0 for excess in beyond.values()),
        nearly_unlike=any(excess > -NEARLY_UNLIKE[name] for name, excess in beyond.items()),
        something_else=model.skin is not None
        and model.skin.finds_something_else(
            pooled,
            scores=threshold_scores(from_picture),
            thresholds=calibration.limits(model.operating_point),
        ),
    )


def _assess(
    model: ModelCalibration,
    output: _CalibratedOutput,
    doubts: set[Doubt],
    context: Context,
    modality: ModalityFinding,
) -> Assessment:
    calibration, versions = output.calibration, output.versions
    named, stated = (
        [choose_stated(each.probabilities, calibration, uncertain=doubt) for each in versions]
        for doubt in (False, bool(doubts))
    )
    tested = calibration.tested
    if tested and tested.modality is not output.used:
        tested = None
    untested_skin = tuple(
        tone for tone in context.told_tones if not (tested and tested.tones.is_enough(tone))
    )
    asked = [
        choose_band(
            probabilities=each.probabilities,
            named=name,
            thresholds=calibration.limits(model.operating_point, each.told),
            checklist_score=context.checklist_score,
            uncertain=bool(doubts),
            nearly_uncertain=output.nearly_unlike,
            little_tested=tested is None or tested.is_little,
            untested_skin=bool(untested_skin),
        )
        for each, name in zip(versions, named, strict=True)
    ]
    chosen = choose_for_person(
        picture=asked[-1],
        person=asked[0],
        may_lower=calibration.may_lower(output.told),
    )
    # The stated condition of the version that required the band, or else the patient's.
    place = next((n for n, each in enumerate(asked) if each.band is chosen.band), 0)
    table, first = calibration.patient_facts, most_probable(output.probabilities)
    shown, pictured = (
        model.restate(output.used, each.probabilities) for each in (versions[0], versions[-1])
    )
    figures = calibration.tested_at(model.operating_point, context.body_site)
    return Assessment(
        probabilities=output.probabilities,
        from_picture=output.from_picture if len(versions) > 1 else None,
        stated=stated[place],
        band=chosen.band,
        raised_by=chosen.rules,
        reasons=tuple(doubt for doubt in Doubt if doubt in doubts),
        not_ruled_out=_not_ruled_out(calibration, output.from_picture),
        modality=modality,
        tested=(figures,) if figures else (),
        something_else=output.something_else,
        calibrated_as=output.used,
        untested_skin=untested_skin,
        operating_point=model.point_in_use,
        calibrated_on=calibration.malignant_share,
        restated=RestatedProbabilities.from_probabilities(
            shown, pictured if len(versions) > 1 else None, model.prevalence
        )
        if shown and model.prevalence
        else None,
        told=output.told,
        moved_by=table.moved_by(output.from_picture, context, first) if table else (),
    )


def _most_cautious(each: Sequence[Assessment]) -> Assessment:
    """The assessment with the most urgent band, then the most severe condition, then the highest
    malignant score. It gets every rule of any assessment that requires that band, so that callers
    see if a score passed its threshold. A condition that one of them cannot rule out is not ruled
    out. It is something else than skin only if every calibration says so.
    """
    first = min(
        each,
        key=lambda a: (urgency(a.band), severity_rank(a.stated), -a.malignant_score),
    )
    raised_by = {
        rule
        for assessment in each
        if assessment.band is first.band
        for rule in assessment.raised_by
    }
    told = (raised_by - CONDITION_RULES) | rules_of_conditions(first, raised_by)
    return replace(
        first,
        raised_by=tell_rules(told),
        not_ruled_out=join_not_ruled_out([assessment.not_ruled_out for assessment in each]),
        # dict.fromkeys removes repetitions: both modalities may have used the same calibration.
        tested=tuple(dict.fromkeys(tested for assessment in each for tested in assessment.tested)),
        something_else=all(assessment.something_else for assessment in each),
        untested_skin=tuple(
            tone for tone in SkinTone if any(tone in each_one.untested_skin for each_one in each)
        ),
    )


def rules_of_conditions(assessment: Assessment, asked: Collection[RaisedBy]) -> set[RaisedBy]:
    """The rules named by a condition, limited to conditions that the assessment shows and that
    require its band. Otherwise a report could give a harmless condition as the reason, because a
    rule may also use probabilities that are not shown. The stated condition counts if the naming
    rule applies: in doubt, a more serious one may be stated.
    """
    outputs = assessment.probabilities
    first = most_probable(outputs)
    rules = {RaisedBy.MOST_PROBABLE: first}
    if assessment.stated != first and RaisedBy.NAMED in asked:
        rules[RaisedBy.NAMED] = assessment.stated
    told = {
        rule for rule, key in rules.items() if band_of_condition(key, outputs) is assessment.band
    }
    # Where none of both does and nothing else has asked, the stated one is told, never a harmless
    # condition that is the most probable only with the patient's facts.
    return told or {RaisedBy.NAMED} if {*asked} <= CONDITION_RULES else told


def list_doubts(
    probabilities: Mapping[str, float], *, unlike: bool, closest: float
) -> tuple[Doubt, ...]:
    """A picture is too close to call if conditions that need different bands are nearly as probable
    as the first.
    """
    first = max(probabilities.values())
    demands = {
        demand_of(key, probabilities)
        for key, probability in probabilities.items()
        if probability == first or first - probability < closest
    }
    doubted = {Doubt.TOO_CLOSE: len(demands) > 1, Doubt.UNLIKE_TRAINING: unlike}
    return tuple(doubt for doubt, holds in doubted.items() if holds)


def choose_stated(
    probabilities: Mapping[str, float], calibration: Calibration, *, uncertain: bool
) -> str:
    """The condition shown to clients: that of the naming rule, but never milder than the most
    probable one. In doubt it is the most severe plausible condition, or the named one if that is
    more severe, so a doubt never makes a finding milder.
    """
    first = most_probable(probabilities)
    named = calibration.naming.name(probabilities) if calibration.naming else first
    if uncertain:
        return most_severe_plausible(probabilities, also=[named])
    return named if severity_rank(named) <= severity_rank(first) else first


def _not_ruled_out(
    calibration: Calibration, probabilities: Mapping[str, float]
) -> tuple[NotRuledOut, ...]:
    sets = []
    for level, limits in calibration.prediction_sets.items():
        within = [key for key, limit in limits.items() if probabilities.get(key, 0.0) >= limit]
        keys = sorted({*within} - {NORMAL_SKIN}, key=lambda key: (-probabilities[key], key))
        few = tuple(calibration.too_few.get(level, ()))
        sets.append(NotRuledOut(level=level, keys=tuple(keys), too_few=few))
    return tuple(sets)
