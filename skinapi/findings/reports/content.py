"""The content of a report's pages as rows, bars, paragraphs and lists; PDF and HTML both use it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from skinapi.base.languages import NUMBERS
from skinapi.findings.records.advice_words import AdviceContent
from skinapi.findings.records.decisions import say_day
from skinapi.findings.records.reviews import Agreement, Histology, Opinion
from skinapi.findings.reports.facts import PictureFacts
from skinapi.findings.reports.page_texts import (
    Bar,
    DecisionContent,
    LetterContent,
    Row,
    Tick,
    say_step,
    time_text,
)
from skinapi.findings.reports.reading import Reading, read_in_order, say_headline
from skinapi.findings.reports.report import Report, Writer
from skinapi.findings.reports.words import LABELS, Labels
from skinapi.model.conditions import conditions_table
from skinapi.model.context import Fitzpatrick, Modality
from skinapi.model.headline import probability_of, say_chance, say_share, say_share_of
from skinapi.model.network.picture import LEAST_SHARPNESS

# The same in each language.
SKIN_TYPES: Mapping[Fitzpatrick, str] = {
    1: "Fitzpatrick I",
    2: "Fitzpatrick II",
    3: "Fitzpatrick III",
    4: "Fitzpatrick IV",
    5: "Fitzpatrick V",
    6: "Fitzpatrick VI",
}


class ReportContent:
    """All texts and numbers of a report's pages, in the report's language."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.labels: Labels = LABELS[report.language]
        self._numbers = NUMBERS[report.language]
        self._facts = report.facts
        self._table = conditions_table()

    @cached_property
    def reading(self) -> Reading:
        return read_in_order(self.report)

    @property
    def reference(self) -> str:
        """The text at the top of every page, which shows that loose pages belong together."""
        return f"{self.labels.title} · {self.number}" if self.number else self.labels.title

    @property
    def number(self) -> str:
        number = self.report.number
        return self.labels.number.format(number) if number is not None else ""

    @cached_property
    def identity(self) -> list[Row]:
        report, labels = self.report, self.labels
        rows = [
            (labels.patient, report.patient.name if report.patient else ""),
            (labels.email, report.patient.email if report.patient else ""),
            (labels.submission, self.number),
            (labels.made, self._time(report.made_at)),
            (labels.issued, self._time(report.seal.issued_at if report.seal else None)),
            (labels.basis, "" if self._facts.examined else labels.as_stated),
            (labels.model, self._withdrawn_model),
        ]
        return [(label, text) for label, text in rows if text]

    @property
    def _withdrawn_model(self) -> str:
        moment, version = self.report.model_withdrawn_at, self._facts.model_version
        return self.labels.model_withdrawn.format(version, self._time(moment)) if moment else ""

    @cached_property
    def context(self) -> list[Row]:
        """What was told about the patient and the picture."""
        told, labels = self._facts.context, self.labels
        rows = [
            (labels.age, labels.ages[told.age_band] if told.age_band else ""),
            (labels.sex, labels.sexes[told.sex] if told.sex else ""),
            (labels.site, self._place),
            (labels.skin_tone, labels.skin_tones[told.skin_tone] if told.skin_tone else ""),
            (labels.skin_type, SKIN_TYPES[told.fitzpatrick] if told.fitzpatrick else ""),
        ]
        return [(label, text) for label, text in rows if text]

    @property
    def _place(self) -> str:
        """Where on the body, as exactly as it was told."""
        told, labels = self._facts.context, self.labels
        if told.body_site is None:
            return ""
        return labels.say_place(told.body_site, told.body_laterality, told.body_side)

    @property
    def answer(self) -> Row:
        """The headline in a doctor's words: from here on there are percentages."""
        facts, labels = self._facts, self.labels
        if not facts.examined:
            return labels.stated, self.report.name(facts.stated)
        label = labels.for_doctor_uncertain if facts.uncertain else labels.for_doctor
        label = labels.for_doctor_unjudged if self.report.unjudged else label
        return label, say_headline(facts, self.report.language, for_doctor=True)

    @cached_property
    def figures(self) -> list[Row]:
        """The numbers beside the chart, of the most probable condition."""
        facts, labels = self._facts, self.labels
        label = labels.probability if facts.examined else labels.stated_share
        likely = facts.headline.likely
        rows = [*self.report.translations, (label, self._share(likely.key, likely.probability))]
        if facts.shown.from_picture is not None:
            pictured = probability_of(facts.shown.from_picture, likely.key)
            rows.append((labels.from_picture, self._share(likely.key, pictured)))
        if facts.shown.malignant_score is not None:
            score = say_share(facts.shown.malignant_score, malignant=True)
            rows.append((labels.malignant_score, self.report.say(score)))
        if facts.examined:
            rows.append((labels.checklist_score, self._score(labels.score) or labels.not_asked))
            rows.append((labels.modality, self.reading.kind))
        return rows

    @cached_property
    def bars(self) -> list[Bar]:
        malignant, named = self._table.malignant_keys, self._facts.headline.keys
        return [
            Bar(
                name=self.report.name(entry.key),
                share=entry.probability,
                text=self._share(entry.key, entry.probability),
                counted=entry.key in malignant,
                named=entry.key in named,
            )
            for entry in self._facts.shown.ranked
        ]

    @property
    def mix(self) -> str:
        """For which mix of lesions the figures hold; empty where that is not known."""
        return self.reading.restated or self.reading.calibrated_on

    @property
    def photo_text(self) -> str:
        """The size of the uploaded photo; the stored and the printed one may be smaller."""
        seen = self._facts.quality
        return self.labels.photo.format(seen.width, seen.height) if seen else ""

    @cached_property
    def parts(self) -> list[Row]:
        """What each of several pictures alone would have been answered with, in a doctor's words: a
        patient's would ask for something else than all of them.
        """
        return [
            (self.labels.picture.format(place), self._said_alone(one))
            for place, one in enumerate(self._facts.pictures, 1)
        ]

    def _said_alone(self, one: PictureFacts) -> str:
        kind = "" if one.kind is Modality.UNKNOWN else f"{self.labels.modalities[one.kind]} · "
        name = self.report.name(one.heading.key)
        malignant = one.heading.key in self._table.malignant_keys
        said = say_chance(one.heading.probability, malignant=malignant, in_hundreds=True)
        share = self.report.say(said)
        label = self._table.band_words(one.band, self.report.language).doctor_label
        return f"{kind}{name}, {share} · {label}"

    @property
    def no_pictures(self) -> str:
        """Why the report has no photo; empty if it has one."""
        if self.report.pictures:
            return ""
        if self.report.photo_damaged:
            return self.labels.photo_damaged
        if self.report.photo_removed:
            return self.labels.photo_removed
        return self.labels.no_photo if self._facts.examined else self.labels.as_stated

    @property
    def sections(self) -> list[Row]:
        labels, said = self.labels, self.reading
        certain = labels.confidence_of_model if self.comes_second else labels.confidence
        rows = [
            (labels.overview, said.overview),
            (labels.importance, said.importance_of_early_detection),
            (labels.recommendation, said.recommendation),
            (certain, said.confidence_explanation),
        ]
        return [(heading, text) for heading, text in rows if text]

    @property
    def lists(self) -> list[tuple[str, tuple[str, ...]]]:
        labels, said = self.labels, self.reading
        found = labels.findings_of_model if self.comes_second else labels.findings
        lists = [
            (found, said.findings),
            (labels.next_steps, said.next_steps),
            (labels.limits, said.limits),
        ]
        return [(heading, items) for heading, items in lists if items]

    @property
    def writer(self) -> str:
        source = self.report.narrative.source
        if source.writer is Writer.LLM:
            return self.labels.written_by_llm.format(source.model)
        return self.labels.written_by_template

    @property
    def checklist_score(self) -> str:
        """The checklist's score in words, for which spots it is, and what it asks for, unless
        something else counts or the advice is that already; empty if the questions were not asked.
        """
        checklist = self._table.checklist
        plain = self.comes_second or self._facts.band is checklist.band
        said = self._score(self.labels.points_alone if plain else self.labels.points)
        return f"{said} {self.report.say(checklist.applies_to)}" if said else ""

    def _score(self, said: str) -> str:
        score, checklist = self._facts.checklist_score, self._table.checklist
        most = sum(item.points for item in checklist.items)
        return "" if score is None else said.format(score, most, checklist.threshold)

    @property
    def checklist_name(self) -> str:
        return self.report.say(self._table.checklist.name)

    @cached_property
    def ticks(self) -> list[Tick]:
        ticked = self._facts.context.checklist
        if ticked is None:
            return []
        return [
            Tick(self.report.say(item), item.points, item.key in ticked)
            for item in self._table.checklist.items
        ]

    @property
    def reviewable(self) -> bool:
        """Whether a doctor can review it: only a report on a stored submission."""
        return self.report.seal is not None

    @cached_property
    def review(self) -> list[Row]:
        """The review that counts, without what its decision says above; empty if there is none."""
        review, labels = self.report.review, self.labels
        if review is None:
            return []
        opinion = review.opinion
        seen = opinion.label if opinion.label != opinion.condition else None
        not_taken = opinion.histology is Histology.NOT_TAKEN
        # Who is sure and does not agree or disagree has seen no picture, or named no label.
        said = opinion.agreement is not Agreement.UNSURE or not opinion.sure
        said = said and not opinion.only_wants_a_picture and self.decision is None
        rows = [
            (labels.agreement, labels.agreements[opinion.agreement] if said else ""),
            (labels.review_label, self.report.name(seen) if seen else ""),
            (labels.urgency_asked, self._urgency_of(opinion)),
            (labels.histology, labels.not_taken if not_taken else ""),
            (labels.note, review.note or ""),
        ]
        return [(label, text) for label, text in rows if text]

    @property
    def review_replaced(self) -> str:
        """That the review counts no more; empty where it does."""
        review = self.report.review
        if review is None or self.spot_advice is None:
            return ""
        return self.labels.review_replaced.format(say_day(review.created_at, self.report.language))

    def _urgency_of(self, opinion: Opinion) -> str:
        """Nothing where the decision says it, or another urgency counts."""
        if opinion.urgency is None or self.spot_advice or self.decision:
            return ""
        words = self._table.band_words(opinion.urgency, self.report.language)
        agreed = self.labels.urgency_agreed if opinion.agrees_with_urgency else "{}"
        return agreed.format(words.label)

    @cached_property
    def decision(self) -> "DecisionContent | None":
        """The head of the first page; None before a review."""
        decision = self.report.decision
        return (
            DecisionContent.of(decision, self.report.language, due=self.report.due)
            if decision
            else None
        )

    @property
    def step(self) -> str:
        """What to do first, and until when, before a review; empty where no time was named."""
        report = self.report
        return say_step(report.band_words, report.due, report.language)

    @cached_property
    def spot_advice(self) -> AdviceContent | None:
        """The head of the first page, where what counts was said about another finding."""
        advice = self.report.spot_advice
        return AdviceContent.of(advice, self.report.language) if advice else None

    @property
    def comes_second(self) -> bool:
        """Whether something else counts than what the model said."""
        return self.decision is not None or self.spot_advice is not None

    @property
    def replaced(self) -> list[Row]:
        """What was said of it and counts no more: heading and text, without its urgency."""
        said, decision = self.reading.summary, self.decision
        if not self.comes_second:
            return []
        model = f"{said.likely} {said.certainty}"
        rows = [(self.model_said, self.labels.says_nothing if self.report.unjudged else model)]
        if decision and self.spot_advice:
            rows.insert(0, (self.labels.decision_replaced.format(decision.head), decision.signed))
        return rows

    @property
    def model_said(self) -> str:
        """The heading of the model's answer, below what counts."""
        made = self.report.made_at
        said = self.labels.model_said_elsewhere if self.spot_advice else self.labels.model_said
        said = self.labels.model_unjudged if self.report.unjudged else said
        return said.format(say_day(made, self.report.language) if made else "")

    @cached_property
    def letters(self) -> list[LetterContent]:
        return [LetterContent.of(shown, self.report.language) for shown in self.report.letters]

    @cached_property
    def quality(self) -> list[Row]:
        facts, labels = self._facts, self.labels
        rows = []
        if facts.quality:
            seen = facts.quality
            sharpness = seen.sharpness, LEAST_SHARPNESS
            rows = [
                (labels.size, labels.pixels.format(seen.width, seen.height)),
                (labels.brightness, f"{seen.brightness:.0f} / 255"),
                (labels.sharpness, labels.at_least.format(*map(self._decimal, sharpness))),
            ]
        if facts.model_version:
            rows.append((labels.model, facts.model_version))
        if facts.operating_point:
            point = labels.operating_points[facts.operating_point]
            rows.append((labels.operating_point, point))
        return rows

    @cached_property
    def verification(self) -> list[Row]:
        seal = self.report.seal
        return [(self.labels.address, seal.url)] if seal else []

    def _time(self, moment: datetime | None) -> str:
        return time_text(moment, self.report.language)

    def _share(self, key: str, share: float) -> str:
        return self.report.say(say_share_of(key, share))

    def _decimal(self, number: float) -> str:
        return self._numbers.write(number, decimals=1)
