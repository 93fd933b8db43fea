"""How strongly training changes its pictures."""

from dataclasses import dataclass, field

from skinapi.learning.data.augmentation import Augmentation
from skinapi.learning.data.clinics import OtherClinic
from skinapi.learning.data.degradation import Degradation
from skinapi.learning.data.markings import Marking


@dataclass(frozen=True, slots=True)
class Strengths:
    """How strongly training changes its pictures. Which share of them is changed is the phase's.

    A new kind of change gets its field here: then the card records it, and a training cannot be
    resumed with another value.
    """

    augmentation: Augmentation = field(default_factory=Augmentation)
    spoiling: Degradation = field(default_factory=Degradation)
    marking: Marking = field(default_factory=Marking)
    clinic: OtherClinic = field(default_factory=OtherClinic)
