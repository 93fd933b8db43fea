"""What has happened in the demo's clinic: one story for each patient, told side by side.

A story does what its people do, and yields how long ago the next of it was.
"""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from skinapi.app.demo.clinic import Clinic, Person
from skinapi.app.demo.drawing import (
    CHERRY,
    CRUSTED,
    FIBROMA,
    GROWING_MOLE,
    GROWN_MOLE,
    LONG_MOLE,
    MELANOMA,
    MELANOMA_BEFORE,
    MOLE,
    MOLE_ON_BROWN_SKIN,
    PEARL,
    ROUND_MOLE,
    SCALY,
    SMALL_MOLE,
    WART,
    draw,
)
from skinapi.base.area_parts import list_parts
from skinapi.base.errors import Refused
from skinapi.care.lesion_records import Place
from skinapi.model.context import AgeBand, Context, Modality, Sex, SkinTone
from skinapi.platform.storage.ids import Clock

Story = Iterator[timedelta]
BEGINNING = timedelta(days=200)


def days(many: float) -> timedelta:
    return timedelta(days=many)


def hours(many: float) -> timedelta:
    return timedelta(hours=many)


@dataclass(frozen=True, slots=True)
class Staff:
    clinic: Clinic
    holt: Person
    haddad: Person
    noor: Person


def tell(stories: Iterable[Story]) -> None:
    """Let all stories happen in the order of time, with the clock of then."""
    coming = [(-next(story), number, story) for number, story in enumerate(stories)]
    heapq.heapify(coming)
    while coming:
        when, number, story = heapq.heappop(coming)
        Clock.set_back = -when
        with suppress(StopIteration):
            heapq.heappush(coming, (-next(story), number, story))


def _told(
    age_band: AgeBand,
    sex: Sex,
    *,
    skin_tone: SkinTone | None = SkinTone.LIGHT,
    checklist: tuple[str, ...] | None = None,
) -> Context:
    return Context(
        modality=Modality.DERMOSCOPIC,
        age_band=age_band,
        sex=sex,
        skin_tone=skin_tone,
        checklist=checklist,
    )


def _by_phone(told: Context) -> Context:
    return told.model_copy(update={"modality": Modality.CLINICAL})


def stories(staff: Staff) -> list[Story]:
    patients = (_ada, _bruno, _chiara, _djamila, _emil, _finn, _greta, _hugo)
    return [*(story(staff) for story in patients), _newcomers(staff), _noor(staff)]


def _ada(staff: Staff) -> Story:
    """A melanoma, found by its growth and proven by the laboratory."""
    clinic, holt = staff.clinic, staff.holt
    yield days(172)
    ada = clinic.add_patient("Ada Novak", doctor=holt, teaches=True)
    back = ada.begin_spot("Left shoulder blade", Place(site="back", side="rear", x=42, y=58))
    context = _told("45-59", "female")
    first = ada.photograph(back, draw(MELANOMA_BEFORE), checklist=(), told=context)
    yield days(171)
    holt.reassure(first, "Photograph it again in three months.")
    yield days(24)
    grown = ada.photograph(
        back, draw(MELANOMA, view=1), checklist=("change_in_size", "irregular_colour"), told=context
    )
    yield days(23.9)
    holt.take(grown)
    holt.review(
        grown,
        certainty="sure",
        label="melanoma",
        urgency="urgent_referral",
        note="Larger and darker than on the first photo. Excision on Thursday.",
    )
    holt.write(back, "Please come on Thursday at 9. I want to remove the spot.")
    yield days(23.5)
    ada.read(back)
    ada.write(back, "I will be there. May I eat before?")
    yield days(23.4)
    holt.read(back)
    holt.write(back, "Yes, please eat as usual.")
    yield days(23)
    ada.read(back)
    yield days(21)
    holt.review(
        grown,
        certainty="sure",
        label="melanoma",
        urgency="urgent_referral",
        histology="awaited",
        note="Excised today.",
    )
    holt.write_letter(grown, "colleague")
    yield days(4)
    holt.review(grown, histology_result="melanoma", note="Thin, and removed whole.")
    holt.write_letter(grown, "patient")
    holt.write(back, "The result is here. Please read my letter, and come on Monday at 8.")


def _bruno(staff: Staff) -> Story:
    """A second opinion that has come, and one that is asked for."""
    clinic, holt, haddad = staff.clinic, staff.holt, staff.haddad
    yield days(33)
    bruno = clinic.add_patient("Bruno Keller", doctor=holt, teaches=True)
    context = _told("60-74", "male")
    nose = bruno.begin_spot("Beside the nose", Place(site="face", side="front", x=47, y=26))
    pearl = bruno.photograph(nose, draw(PEARL), checklist=("oozing",), told=context)
    yield days(32)
    holt.ask_opinion(pearl, haddad, "Excise, or wait for a biopsy?")
    yield days(31)
    haddad.review(
        pearl, certainty="sure", agrees_with_label=True, note="Branching vessels: I would excise."
    )
    yield days(30)
    holt.review(
        pearl,
        certainty="sure",
        label="basal_cell_carcinoma",
        agrees_with_urgency=True,
        histology="awaited",
    )
    holt.write_letter(pearl, "patient")
    yield days(2)
    neck = bruno.begin_spot("By the collar", Place(site="neck", side="rear", x=53, y=38))
    scaly = bruno.photograph(neck, draw(SCALY), told=_by_phone(context))
    yield days(1)
    holt.ask_opinion(scaly, haddad, "Would you freeze it, or take a biopsy first?")


def _chiara(staff: Staff) -> Story:
    """Three moles under watch."""
    clinic, holt = staff.clinic, staff.holt
    yield days(128)
    chiara = clinic.add_patient("Chiara Rossi", doctor=holt, teaches=True)
    context = _told("30-44", "female", checklist=())
    belly = chiara.begin_spot("Belly", Place(site="abdomen", side="front", x=44, y=82))
    first = chiara.photograph(belly, draw(SMALL_MOLE), told=context)
    shin = chiara.begin_spot("Shin", Place(site="lower_extremity", side="front", x=43, y=140))
    second = chiara.photograph(shin, draw(ROUND_MOLE), told=context)
    yield days(127)
    holt.reassure(first)
    holt.reassure(second)
    yield days(20)
    again = chiara.photograph(belly, draw(SMALL_MOLE, view=1), told=context)
    yield days(19)
    holt.reassure(again)
    yield hours(30)
    arm = chiara.begin_spot("Upper arm", Place(site="upper_extremity", side="front", x=24, y=66))
    chiara.photograph(arm, draw(MOLE), told=context)
    yield hours(20)
    chiara.write(arm, "This one is new. Is it all right if I swim?")


def _djamila(staff: Staff) -> Story:
    """A skin tone on which the model is little tested."""
    clinic, haddad = staff.clinic, staff.haddad
    yield days(44)
    djamila = clinic.add_patient("Djamila Benali", doctor=haddad, language="fr")
    context = _told("30-44", "female", skin_tone=SkinTone.DARK, checklist=())
    leg = djamila.begin_spot("Mollet", Place(site="lower_extremity", side="rear", x=57, y=146))
    first = djamila.photograph(leg, draw(MOLE_ON_BROWN_SKIN), told=context)
    yield days(43)
    haddad.reassure(first)
    haddad.write_letter(first, "patient")
    yield hours(26)
    djamila.photograph(leg, draw(MOLE_ON_BROWN_SKIN, view=1), told=context)


def _emil(staff: Staff) -> Story:
    """Another photo is wanted."""
    clinic, holt = staff.clinic, staff.holt
    yield days(9)
    emil = clinic.add_patient("Emil Sorensen", doctor=holt)
    context = _told("45-59", "male", skin_tone=None)
    thigh = emil.begin_spot("Thigh", Place(site="lower_extremity", side="front", x=57, y=120))
    with suppress(Refused):  # nobody can judge it
        emil.photograph(thigh, draw(LONG_MOLE, blur=9), told=context)
    finding = emil.photograph(thigh, draw(LONG_MOLE, blur=1.6), told=_by_phone(context))
    yield days(8)
    holt.review(
        finding,
        certainty="unsure",
        new_picture_wanted=True,
        note="Not quite sharp. In daylight, from about 15 cm.",
    )
    holt.write(thigh, "Could you send another photo, in daylight and a little closer?")


def _finn(staff: Staff) -> Story:
    """Harmless spots, and a conversation."""
    clinic, haddad = staff.clinic, staff.haddad
    yield days(95)
    finn = clinic.add_patient("Finn Byrne", doctor=haddad, teaches=True)
    context = _told("60-74", "male", checklist=())
    chest = finn.begin_spot("Chest", Place(site="chest", side="front", x=56, y=58))
    cherry = finn.photograph(chest, draw(CHERRY), told=context)
    yield days(94)
    haddad.agree(cherry)
    yield days(61)
    calf = finn.begin_spot("Calf", Place(site="lower_extremity", side="rear", x=43, y=150))
    fibroma = finn.photograph(calf, draw(FIBROMA), told=context)
    yield days(60)
    haddad.reassure(fibroma)
    finn.write(calf, "It itches sometimes. Should I worry?")
    yield days(59)
    haddad.read(calf)
    haddad.write(calf, "Itching alone is common here. Tell me if it grows.")
    yield days(58)
    finn.read(calf)
    yield hours(5)
    finn.write(calf, "It has not changed since then. Thank you.")


def _greta(staff: Staff) -> Story:
    """Two findings that wait, one of which a doctor has taken."""
    clinic, haddad = staff.clinic, staff.haddad
    yield days(7)
    greta = clinic.add_patient("Greta Lindholm", doctor=haddad)
    context = _told("75+", "female")
    back = greta.begin_spot("Lower back", Place(site="back", side="rear", x=52, y=84))
    greta.photograph(back, draw(WART), told=_by_phone(context))
    yield hours(28)
    scalp = greta.begin_spot("Hairline", Place(site="scalp", side="front", x=50, y=13))
    crusted = greta.photograph(
        scalp, draw(CRUSTED), checklist=("oozing", "change_in_sensation"), told=context
    )
    yield hours(2)
    haddad.take(crusted)


def _hugo(staff: Staff) -> Story:
    """A mole that has grown, and a finding of this week."""
    clinic, holt = staff.clinic, staff.holt
    yield days(150)
    hugo = clinic.add_patient("Hugo Petit", doctor=holt)
    context = _told("30-44", "male")
    arm = hugo.begin_spot("Forearm", Place(site="upper_extremity", side="front", x=19, y=84))
    first = hugo.photograph(arm, draw(GROWING_MOLE), checklist=(), told=context)
    yield days(149)
    holt.reassure(first)
    yield days(74)
    second = hugo.photograph(arm, draw(GROWING_MOLE, view=1), checklist=(), told=context)
    yield days(73)
    holt.reassure(second)
    yield hours(7)
    hugo.photograph(
        arm, draw(GROWN_MOLE, view=2), checklist=("change_in_size", "irregular_shape"), told=context
    )
    yield hours(6)
    somewhere = context.model_copy(update={"body_site": "upper_extremity"})
    hugo.photograph(None, draw(MOLE, view=3), told=somewhere)


def _newcomers(staff: Staff) -> Story:
    """Two accounts that wait for an admin."""
    yield days(3)
    staff.clinic.register("Ivo Marek")
    yield hours(9)
    staff.clinic.register("Jana Weiss", wanted_role="doctor")


def _noor(staff: Staff) -> Story:
    """What areas have for a researcher."""
    yield days(3.5)
    for area in list_parts("demo"):
        area.work(staff.clinic.services.container, staff.noor.subject)
