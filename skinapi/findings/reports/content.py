from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, partial

from skinapi.base.days import say_day, say_due
from skinapi.base.languages import LocalizedText
from skinapi.findings.records.schemas.practice import say_practice
from skinapi.findings.reports.explanation import Paragraphs
from skinapi.findings.reports.facts import say_stated
from skinapi.findings.reports.report import Reading, Report, Writer, read_in_order
from skinapi.findings.reports.words import (
    LABELS,
    SENTENCES,
    Bar,
    ChecklistTick,
    FirstContent,
    Labels,
    LetterContent,
    Row,
    say_amended,
    say_signed,
    say_version,
    time_text,
)
from skinapi.findings.status.instruction_words import say_compared, say_found
from skinapi.findings.status.spot import Sample
from skinapi.model.bands import is_sent
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import TOLD, Modality
from skinapi.model.finding import modality_doubts
from skinapi.model.headline import say_share, say_share_of
from skinapi.model.passages import name_sources, sources_of

SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")


class ReportContent:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.labels: Labels = LABELS[report.language]
        self._facts = report.facts
        self._table = conditions_table()
        self.checklist = self._table.checklist

    @cached_property
    def reading(self) -> Reading:
        return read_in_order(self.report)

    @property
    def reference(self) -> str:
        return f"{self.labels.title} · {self.number}" if self.number else self.labels.title

    @property
    def number(self) -> str:
        number = self.report.number
        return self.labels.number.format(number) if number is not None else ""

    @cached_property
    def identity(self) -> list[Row]:
        report, labels = self.report, self.labels
        say_time = partial(time_text, language=report.language)
        model, point = self._facts.model_version or "", self._facts.operating_point
        if report.model_withdrawn_at:
            model = labels.model_withdrawn.format(model, say_time(report.model_withdrawn_at))
        judged = say_version(report.version, report.judged_at, report.corrected, report.language)
        amended = say_amended(report.amended, report.amended_at, report.language)
        rows = [
            (labels.patient, report.patient.name if report.patient else ""),
            (labels.email, report.patient.email if report.patient else ""),
            (labels.finding, self.number),
            (labels.made, say_time(report.made_at)),
            (labels.judged, judged),
            (labels.amended, amended),
            (labels.issued, say_time(report.seal.issued_at if report.seal else None)),
            (labels.basis, "" if self._facts.examined else labels.as_stated),
            (labels.model, model),
            (labels.operating_point, labels.operating_points[point] if point else ""),
        ]
        return filled(rows)

    @cached_property
    def context(self) -> list[Row]:
        facts, labels, there = self._facts.context, self.labels, self.report.spot_place
        site, skin = facts.body_site, facts.fitzpatrick
        answers = {
            name: labels.say_fact(name, getattr(facts, name))
            for name in labels.answers
            if TOLD[name].question != "picture"
        }
        if site:
            answers["body_site"] = labels.say_place(site, facts.body_laterality, facts.body_side)
        rows: list[Row] = []
        for name in TOLD:
            rows.append((labels.name_fact(name), answers.get(name, "")))
            if name == "body_site" and there:
                rows.append(
                    (labels.spot_place, labels.places_differ.format(labels.say_place(*there)))
                )
        skin_type = f"Fitzpatrick {SKIN_TYPES[skin - 1]}" if skin else ""
        rows += [
            (labels.facts["fitzpatrick"], skin_type),
            (labels.facts["checklist"], self._signs if self.for_doctor else ""),
        ]
        return filled(rows)

    @property
    def _signs(self) -> str:
        ticked = self._facts.context.checklist
        if ticked is None:
            return self.labels.not_asked
        signs = self.report.say(self.checklist.list_told(ticked))
        return signs or self.labels.denied

    @cached_property
    def visit(self) -> list[tuple[str, list[tuple[str, str]]]]:
        return [
            (label, [(self.report.say(text), self._note(names)) for text, names in sentences])
            for label, sentences in self._visit
        ]

    @cached_property
    def _visit(self) -> list[tuple[str, list[tuple[LocalizedText, list[str]]]]]:
        labels, visit, report = self.labels, self._table.visit, self.report
        decision = report.instructed_by
        waits = decision is not None and (decision.waits_for is not None or decision.proven)
        if self.for_doctor or waits or not is_sent(report.counting_band):
            return []

        def cite(sentence: str) -> tuple[LocalizedText, list[str]]:
            return getattr(visit, sentence), name_sources(visit.sources_of(sentence))

        own = self._facts if report.own else None
        named = (decision.label,) if decision else own.headline.suspected if own else ()
        melanoma = "melanoma" in named and not self._facts.not_skin
        there = "there_melanoma" if melanoma else "there"
        whom = say_practice(report.practice)
        rows = {labels.whom: [(whom, list[str]())], labels.there: [cite(there)]}
        if own and not own.not_skin:
            rows[labels.how_often] = [cite(own.how_often)]
        rows[labels.until] = [cite("until")]
        if report.counting_band is Band.URGENT_REFERRAL:
            rows[labels.until].append((visit.sooner, []))
        return [*rows.items()]

    @property
    def how_sure(self) -> list[str]:
        if self.for_doctor or not self.report.own or self._facts.not_skin:
            return []
        little = self._table.notices.about_model[-1]
        return [self.reading.summary.certainty, self.report.say(little)]

    @property
    def _names_none(self) -> bool:
        """No page may name a condition if the patient's photo may not show skin."""
        return self._facts.not_skin and not self.for_doctor

    @property
    def answer(self) -> Row:
        facts, labels = self._facts, self.labels
        if not facts.examined:
            return labels.stated, self.report.name(facts.stated)
        label = labels.answer_uncertain if facts.uncertain else labels.answer
        label = labels.answer_unjudged if self.report.unjudged else label
        headline = facts.headline
        if self._names_none:
            return label, self.report.say(self._table.notices.headline.doctor_not_skin)
        # A headline at the top has its urgency marked above it.
        sentence = headline.unmarked if self.report.own else headline.for_doctor
        return label, self.report.say(sentence)

    @property
    def effect(self) -> str:
        effect = self._facts.effect and self._facts.effect.for_doctor
        return self.report.say(effect) if effect else ""

    @cached_property
    def figures(self) -> list[Row]:
        facts, labels = self._facts, self.labels
        rows = [*self.report.translations]
        if not facts.examined:
            rows.append((labels.stated_share, say_stated(facts.confidence, self.report.language)))
        if facts.shown.malignant_score is not None and not self._names_none:
            score = say_share(facts.shown.malignant_score, malignant=True)
            rows.append((labels.malignant_score, self.report.say(score)))
        if facts.examined:
            rows.append((labels.checklist_score, self._score(labels.score) or labels.not_asked))
            # The limits state both kinds if the kind is in doubt.
            doubted = any(modality_doubts(facts.modality))
            rows.append((labels.facts["modality"], "" if doubted else self.reading.kind))
        return filled(rows)

    @cached_property
    def bars(self) -> list[Bar]:
        if self._names_none:
            return []
        malignant, named = self._table.malignant_keys, self._facts.headline.keys
        return [
            Bar(
                name=self.report.name(entry.key),
                share=entry.probability,
                text=self.report.say(say_share_of(entry.key, entry.probability)),
                counted=entry.key in malignant,
                named=entry.key in named,
            )
            for entry in self._facts.shown.ranked
        ]

    @property
    def mix(self) -> str:
        mix = self.reading.restated or self.reading.calibrated_on
        return "" if self._names_none else mix

    @property
    def photo_text(self) -> str:
        seen, others = self._facts.quality, [place for place, _ in self.report.other_pictures]
        size = self.labels.photo.format(seen.width, seen.height) if seen else ""
        places = range(1, len(self._facts.pictures) + 1)
        shown = next((place for place in places if place not in others), None)
        return f"{self.labels.picture.format(shown)}. {size}" if others and shown else size

    @cached_property
    def parts(self) -> list[Row]:
        """This is only for doctors, because a patient would read contradicting advice."""
        rows, table = [], self._table
        for index, picture in enumerate(() if self._names_none else self._facts.pictures, 1):
            known = picture.kind is not Modality.UNKNOWN
            kind = f"{self.labels.say_fact('modality', picture.kind)} · " if known else ""
            key, probability = picture.heading.key, picture.heading.probability
            malignant = key in table.malignant_keys
            share = say_share(probability, malignant=malignant)
            label = table.band_words(picture.band, self.report.language).doctor_label
            text = f"{kind}{self.report.name(key)}, {self.report.say(share)} · {label}"
            rows.append((self.labels.picture.format(index), text))
        return rows

    @property
    def no_pictures(self) -> str:
        if self.report.pictures:
            return ""
        if self.report.photo_damaged:
            return self.labels.photo_damaged
        if self.report.photo_lost:
            return self.labels.photo_lost
        return self.labels.no_photo if self._facts.examined else self.labels.as_stated

    @cached_property
    def explanation(self) -> list[list[tuple[str, str]]]:
        """Consecutive sentences with the same sources share the number of their note."""
        short, sources = self._short
        first = [[(self.report.say(short), self._note(sources))]] if short else []
        return first + [
            [
                (sentence.text, "" if note == following else note)
                for sentence, note, following in zip(
                    paragraph, notes, [*notes[1:], ""], strict=True
                )
            ]
            for paragraph in self._explained
            for notes in [[self._note(sources_of(item.passages)) for item in paragraph]]
        ]

    @property
    def _short(self) -> tuple[LocalizedText | None, list[str]]:
        short = self._facts.likely_in_short if self._facts.examined else None
        if short is None or self.for_doctor or not self.report.own:
            return None, []
        likely = self._table.by_key(self._facts.headline.likely.key)
        return short, name_sources(likely.sources_of("what_it_is"))

    @property
    def _explained(self) -> Paragraphs:
        told = any(
            shown.letter.reader == "patient"
            and not (shown.letter.withdrawn or shown.written_before)
            for shown in self.report.letters
        )
        return () if told and not self.for_doctor else self.reading.explanation

    def _note(self, named: Iterable[str]) -> str:
        numbers = sorted(self._sources.index(item) + 1 for item in named)
        return ",".join(map(str, numbers))

    @cached_property
    def _sources(self) -> list[str]:
        visit = (name for _, sentences in self._visit for _, names in sentences for name in names)
        explained = (
            source
            for paragraph in self._explained
            for sentence in paragraph
            for source in sources_of(sentence.passages)
        )
        return list(dict.fromkeys([*visit, *self._short[1], *explained]))

    @property
    def notes(self) -> list[Row]:
        return [(str(index), source) for index, source in enumerate(self._sources, 1)]

    @property
    def lists(self) -> list[tuple[str, tuple[str, ...]]]:
        labels, reading = self.labels, self.reading
        heading = labels.findings if self.report.own else labels.findings_of_model
        added_up = SENTENCES[self.report.language].malignant_score.partition("{")[0]
        findings = tuple(
            finding
            for finding in reading.findings
            if not (self._names_none or finding.startswith(added_up))
        )
        lists = [(heading, findings), (labels.limits, reading.limits)]
        return [(heading, items) for heading, items in lists if items]

    @property
    def next_steps(self) -> tuple[str, ...]:
        done = self.report.band_words.action if self.step else ""
        steps = [step for step in self.reading.next_steps if step != done]
        return () if self.for_doctor else tuple(steps)

    @property
    def writer(self) -> str:
        source = self.report.narrative.source
        if source.writer is Writer.LLM:
            return self.labels.written_by_llm.format(
                source.model, source.checker, source.kept, source.written
            )
        return self.labels.written_by_template if self.notes else ""

    @property
    def checklist_score(self) -> str:
        """The advice is left out if it is given already or if another statement counts."""
        checklist = self.checklist
        plain = not self.report.own or self._facts.band is checklist.band
        points = self._score(self.labels.points_alone if plain else self.labels.points)
        return f"{points} {self.report.say(checklist.applies_to)}" if points else ""

    def _score(self, points: str) -> str:
        score, checklist = self._facts.checklist_score, self.checklist
        most = sum(item.points for item in checklist.items)
        return "" if score is None else points.format(score, most, checklist.threshold)

    @cached_property
    def ticks(self) -> list[ChecklistTick]:
        ticked = self._facts.context.checklist
        items = self.checklist.items if ticked is not None else ()
        return [
            ChecklistTick(
                self.report.say(item.doctor if self.for_doctor else item),
                item.points,
                item.key in (ticked or ()),
            )
            for item in items
        ]

    @cached_property
    def review(self) -> list[Row]:
        review, labels, decision = self.report.review, self.labels, self.report.decision
        if review is None:
            return []
        note = "" if self._reason else review.note or ""
        beside = decision if note and decision and not decision.covers else None
        before = beside.signed_before(self.report.language) if beside else ()
        rows = [
            (labels.histology, labels.not_taken if review.opinion.sample is Sample.NONE else ""),
            (labels.note, " ".join((*(f"{sentence}." for sentence in before), note))),
        ]
        return filled(rows)

    @property
    def no_review(self) -> str:
        said = self.report.instruction
        reviewed = self.report.review or (said and said.taken_back_at)
        return "" if reviewed else self.labels.no_review

    @property
    def step(self) -> str:
        open_ = self._facts.band in (Band.DOCTOR_REVIEW, Band.ROUTINE)
        return self.report.band_words.first_step if open_ or self.report.due else ""

    @property
    def _reason(self) -> str:
        review, decision = self.report.review, self.report.decision
        if not decision or not decision.label or decision.waits_for or not decision.instructs:
            return ""
        raised = decision.more_urgent_than(self._table.label(decision.label).urgency)
        if not (raised and is_sent(decision.urgency)):
            return ""
        note = review.note if review else None
        return self.labels.doctor_reason.format(note) if note else self.labels.ask_reason

    @property
    def for_doctor(self) -> bool:
        return self.report.reader == "colleague"

    @cached_property
    def first(self) -> FirstContent:
        first = self._first
        changes = (
            self.report.say(sentence)
            for change in self.report.changes
            for sentence in (say_found(change), say_compared(change))
        )
        return replace(first, sentences=(*first.sentences, *changes))

    @property
    def _first(self) -> FirstContent:
        report, language, said = self.report, self.report.language, self.report.instruction
        if said and not report.own:
            first = FirstContent.of_instruction(
                said,
                language,
                decision=report.decision,
                number=report.number,
                for_doctor=self.for_doctor,
                reason=self._reason,
            )
            return first if self.for_doctor else first.with_instruction_first()
        summary, words, facts = self.reading.summary, report.band_words, self._facts
        since = said.say_why(language) if said else ""
        day = " ".join(say_due(report.due, language))
        label = ""
        if self.for_doctor:
            mark = report.say(self._table.notices.headline.doctor_not_skin)
            head, label = words.doctor_label, mark if facts.not_skin else ""
            sentences = [" ".join(filter(None, (words.doctor_action, day))), since]
        elif facts.not_skin:
            head, label = summary.likely, f"{summary.to_do} {day}"
            sentences = [summary.certainty, self.step, since, self.reading.reason]
        else:
            head, label = summary.to_do, day
            sentences = [self.step, since, summary.likely, self.reading.reason]
        return FirstContent(facts.band, head, label, tuple(filter(None, sentences)), "")

    @property
    def replaced(self) -> list[Row]:
        summary, decision, rows = self.reading.summary, self.report.decision, list[Row]()
        language = self.report.language
        if decision and not decision.instructs:
            rows.append((decision.heading(language), say_signed(decision, language)))
        if not self.report.own:
            # A doctor reads this below in medical terms.
            likely = " ".join(filter(None, (summary.likely, summary.certainty)))
            model = "" if self.for_doctor else likely
            sentence = self.labels.says_nothing if self.report.unjudged else model
            rows.append((self._model_said, sentence))
        return rows

    @property
    def _model_said(self) -> str:
        made = self.report.judged_at or self.report.made_at
        labels, day = self.labels, say_day(made, self.report.language) if made else ""
        return (labels.model_unjudged if self.report.unjudged else labels.model_said).format(day)

    @cached_property
    def letters(self) -> list[LetterContent]:
        return [
            LetterContent.from_letter(shown, self.report.language) for shown in self.report.letters
        ]

    @property
    def printed_letters(self) -> list[LetterContent]:
        """Leave out an opening that repeats the top of the page in the same language."""
        decision = self.report.decision
        first = decision and decision.instructs and not self.for_doctor
        return [
            replace(letter, decision=())
            if first and shown.letter.reader == "patient" and not (letter.struck or letter.above)
            else letter
            for letter, shown in zip(self.letters, self.report.letters, strict=True)
        ]


def filled(rows: list[Row]) -> list[Row]:
    return [(label, text) for label, text in rows if text]
