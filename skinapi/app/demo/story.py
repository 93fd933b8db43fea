from datetime import timedelta

from skinapi.app.demo.clinic import Clinic
from skinapi.base.area_parts import list_parts
from skinapi.base.settings.settings import Settings
from skinapi.findings.records.lesions import Place
from skinapi.model.context import AgeBand, Context, Modality, Sex, SkinTone
from skinapi.platform.storage.ids import Clock


def _set_clock_back(days: float) -> None:
    Clock.set_back = timedelta(days=days)


def _person(
    age_band: AgeBand,
    sex: Sex,
    checklist: tuple[str, ...] = (),
    skin_tone: SkinTone = SkinTone.LIGHT,
) -> Context:
    return Context(
        modality=Modality.DERMOSCOPIC,
        age_band=age_band,
        sex=sex,
        skin_tone=skin_tone,
        checklist=checklist,
    )


def tell(settings: Settings) -> Clinic:
    _set_clock_back(200)
    clinic = Clinic.open(settings)
    holt = clinic.add_colleague("Maren Holt", "doctor")
    haddad = clinic.add_colleague("Samir Haddad", "doctor")
    noor = clinic.add_colleague("Noor Lindqvist", "researcher")
    harmless = {"label": "melanocytic_nevus", "certainty": "sure"}
    watched = {**harmless, "urgency": "self_monitoring"}

    # Ada has a melanoma that was found by its growth and confirmed by the laboratory.
    _set_clock_back(172)
    ada = clinic.add_patient("Ada Novak", doctor=holt)
    back = ada.begin_spot("Left shoulder blade", Place(site="back", side="rear", x=42, y=58))
    mole = ada.photograph(back, "mole-before", _person("45-59", "female"))
    _set_clock_back(171)
    holt.review(mole, **watched, note="Photograph it again in three months.")

    # Hugo's mole is growing, and nobody has looked at the last photo.
    _set_clock_back(150)
    hugo = clinic.add_patient("Hugo Petit", doctor=holt)
    arm = hugo.begin_spot("Forearm", Place(site="upper_extremity", side="front", x=19, y=84))
    first = hugo.photograph(arm, "growing-1", _person("30-44", "male"))
    _set_clock_back(149)
    holt.review(first, **watched)
    _set_clock_back(74)
    second = hugo.photograph(arm, "growing-2", _person("30-44", "male"))
    _set_clock_back(73)
    holt.review(second, **watched)

    _set_clock_back(24)
    changes = ("change_in_size", "irregular_colour")
    grown = ada.photograph(back, "melanoma", _person("45-59", "female", changes))
    _set_clock_back(23.9)
    cancer = {"label": "melanoma", "urgency": "urgent_referral"}
    holt.review(
        grown,
        **cancer,
        certainty="sure",
        sample="waiting",
        note="Larger and darker. Excised today.",
    )
    holt.write_letter(grown, "colleague")

    # Chiara should send another photo.
    _set_clock_back(9)
    chiara = clinic.add_patient("Chiara Rossi", doctor=haddad)
    belly = chiara.begin_spot("Belly", Place(site="abdomen", side="front", x=44, y=82))
    small = chiara.photograph(belly, "small-mole", _person("30-44", "female"))
    _set_clock_back(8)
    note = "Please in daylight, from about 15 cm."
    haddad.review(small, urgency="self_monitoring", photo_wanted=True, note=note)
    chiara.write(belly, "I will send one on Sunday. May I swim until then?")

    _set_clock_back(4)
    holt.review(grown, **cancer, certainty="laboratory", note="Thin, and removed whole.")
    holt.write_letter(grown, "patient")
    holt.write(back, "The result is here. Please read my letter, and come on Monday at 8.")
    for area in list_parts("demo"):
        area.work(clinic.services.container, noor.subject)

    _set_clock_back(3)
    ada.write(back, "I will be there. May I eat before?")

    # Two accounts are waiting for an admin.
    clinic.register("Ivo Marek")
    clinic.register("Jana Weiss", wanted_role="doctor")

    # A colleague is asked about Bruno's spot.
    _set_clock_back(2.5)
    bruno = clinic.add_patient("Bruno Keller", doctor=holt)
    nose = bruno.begin_spot("Beside the nose", Place(site="face", side="front", x=47, y=26))
    pearl = bruno.photograph(nose, "carcinoma", _person("60-74", "male", ("oozing",)))
    _set_clock_back(2.2)
    holt.ask_opinion(pearl, haddad, "Excise, or wait for a biopsy?")

    # The model was hardly tested on Djamila's skin tone.
    _set_clock_back(2)
    djamila = clinic.add_patient("Djamila Benali", doctor=haddad, language="fr")
    leg = djamila.begin_spot("Mollet", Place(site="lower_extremity", side="rear", x=57, y=146))
    djamila.photograph(leg, "dark-skin", _person("30-44", "female", skin_tone=SkinTone.DARK))

    _set_clock_back(0.3)
    changes = ("change_in_size", "irregular_shape")
    hugo.photograph(arm, "growing-3", _person("30-44", "male", changes))
    return clinic
