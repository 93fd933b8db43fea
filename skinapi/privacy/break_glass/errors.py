"""Errors of break-glass."""

from skinapi.base.errors import Conflict, Forbidden, TooManyRequests


class BreakGlassOff(Forbidden):
    code = "break_glass_off"
    sentence = "The operator of this server allows no emergency access (BREAK_GLASS)"


class BreakGlassOpen(Conflict):
    code = "break_glass_open"
    sentence = "You have an emergency access already; end it first"


class BreakGlassNotNeeded(Conflict):
    code = "break_glass_not_needed"
    sentence = "This finding is your own: open it as you open the others"


class BreakGlassChosen(Conflict):
    code = "break_glass_chosen"
    sentence = "A finding was chosen already; another one takes another emergency access"


class BreakGlassEnded(Conflict):
    code = "break_glass_ended"
    sentence = "This emergency access has ended"


class TooManyBreakGlass(TooManyRequests):
    """`most` a day."""

    code = "too_many_break_glass"
    sentence = "You have asked for an emergency access as often as you may in a day"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{self.sentence} ({most}). The other admins are told. A doctor in charge can open the "
            "finding"
        )
