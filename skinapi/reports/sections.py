"""The four sections of a report, from a finding alone. Every sentence about a disease is the
conditions table's; what stands here speaks of the finding itself.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from skinapi.vision.bands import RaisedBy, urgency
from skinapi.vision.conditions import Condition, Language, Said, conditions_table
from skinapi.vision.finding import Doubt, Finding, probability_of

# The Angular app's PDF has a Latin-1 font and no page break.
LONGEST = 2000

UNCERTAIN = Said(en="This finding is uncertain: {}.", fr="Ce résultat est incertain: {}.")
DOUBTS: Mapping[Doubt, Said] = {
    Doubt.TOO_CLOSE: Said(
        en="the model cannot tell the possibilities apart",
        fr="le modèle ne départage pas les possibilités",
    ),
    Doubt.UNLIKE_TRAINING: Said(
        en="the picture is unlike those the model learned from",
        fr="l'image ne ressemble pas à celles dont le modèle a appris",
    ),
}
MOST_PROBABLE = Said(en="Most probable: {}.", fr="Le plus probable: {}.")
NOT_EXCLUDED = Said(en="Not excluded: {}.", fr="Non exclu: {}.")
MORE_URGENT = Said(
    en="This is more urgent than {} alone would ask for; the reason: {}.",
    fr="C'est plus urgent que ne le demanderait à lui seul: {}; la raison: {}.",
)
WHY_URGENT: Mapping[RaisedBy, Said] = {
    RaisedBy.MALIGNANT: Said(en="the malignant score ({})", fr="le score de malignité ({})"),
    RaisedBy.CHECKLIST: Said(en="the 7-point checklist", fr="la liste en 7 points"),
    RaisedBy.NOT_DERMOSCOPIC: Said(
        en="not known to be a dermoscope picture",
        fr="image dont on ne sait pas si elle vient d'un dermatoscope",
    ),
    RaisedBy.UNCERTAIN: Said(en="the uncertainty", fr="l'incertitude"),
}
PROBABILITY = Said(
    en="The model gives {} a probability of {}. The malignant score, which adds up {}, is {}.",
    fr="Le modèle donne la probabilité suivante: {}, {}. Le score de malignité, somme de {}, "
    "est de {}.",
)


class Sections(BaseModel):
    model_config = ConfigDict(frozen=True)

    overview: str
    importance_of_early_detection: str
    recommendation: str
    confidence_explanation: str


def write_sections(finding: Finding, language: Language) -> Sections:
    return _Writer(finding, language).write()


class _Writer:
    def __init__(self, finding: Finding, language: Language) -> None:
        self._finding = finding
        self._language = language
        self._table = conditions_table()
        self._stated = self._table.by_key(finding.stated)
        self._raised = urgency(finding.band) < urgency(self._stated.urgency)

    def write(self) -> Sections:
        return Sections(
            overview=" ".join(self._overview()),
            importance_of_early_detection=self._importance(),
            recommendation=" ".join(self._recommendation()),
            confidence_explanation=" ".join(self._confidence()),
        )

    def _overview(self) -> list[str]:
        about = self._stated.sentences[self._language].what_it_is
        if not self._finding.uncertain:
            return [self._say(MOST_PROBABLE, self._name(self._stated)), about]
        doubts = ", ".join(self._say(DOUBTS[doubt]) for doubt in self._finding.reasons)
        return [
            self._say(UNCERTAIN, doubts),
            self._say(NOT_EXCLUDED, self._name(self._stated)),
            about,
        ]

    def _importance(self) -> str:
        """Of what the urgency is about: a harmless condition's words would speak against it."""
        return self._concern().sentences[self._language].why_early

    def _concern(self) -> Condition:
        if not self._raised:
            return self._stated
        for rule in (RaisedBy.MELANOMA, RaisedBy.BASAL_CELL_CARCINOMA):
            if rule in self._finding.raised_by:
                return self._table.by_key(rule.value)
        ranked = [self._table.by_key(entry.key) for entry in self._finding.ranked]
        return next((condition for condition in ranked if condition.malignant), self._stated)

    def _recommendation(self) -> list[str]:
        """The band's action first. The condition's own advice only where it is just as urgent."""
        finding, said = self._finding, [self._finding.band_words(self._language).action]
        if self._raised:
            reasons = ", ".join(self._why(rule) for rule in finding.raised_by)
            said.append(self._say(MORE_URGENT, self._name(self._stated), reasons))
        elif finding.band is self._stated.urgency and not finding.uncertain:
            said.append(self._stated.sentences[self._language].what_to_do)
        if finding.checklist_score is not None:
            result = self._table.checklist.result
            high = finding.checklist_score >= self._table.checklist.threshold
            said.append(self._say(result.at_or_above if high else result.below))
        return said

    def _why(self, rule: RaisedBy) -> str:
        if rule in WHY_URGENT:
            return self._say(WHY_URGENT[rule], self._percent(self._finding.malignant_score))
        most_probable = rule is RaisedBy.MOST_PROBABLE
        key = self._finding.most_probable if most_probable else rule.value
        share = self._percent(probability_of(self._finding.ranked, key))
        return f"{self._name(self._table.by_key(key))} ({share})"

    def _confidence(self) -> list[str]:
        """Of two doubts the first speaks at length; the overview names both."""
        information_only, *notices = self._finding.notices
        added = [self._name(c) for c in self._table.conditions if c.malignant]
        return [
            self._say(
                PROBABILITY,
                self._name(self._stated),
                self._percent(self._finding.confidence),
                ", ".join(added),
                self._percent(self._finding.malignant_score),
            ),
            *(self._say(notice) for notice in notices[: 1 + self._finding.not_dermoscopic]),
            self._say(information_only),
        ]

    def _say(self, said: Said, *values: str) -> str:
        return (said.fr if self._language == "fr" else said.en).format(*values)

    def _name(self, condition: Condition) -> str:
        return condition.names.fr if self._language == "fr" else condition.names.en

    def _percent(self, share: float) -> str:
        text = f"{100 * share:.2f}"
        return f"{text.replace('.', ',')} %" if self._language == "fr" else f"{text}%"
