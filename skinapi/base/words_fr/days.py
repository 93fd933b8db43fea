"""How a day is written in French."""

DAYS = {
    "months": (
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    "day": "{day} {month} {year}",
    "by": "Au plus tard le {day}.",
    "first": "1er",
    "weekday": "{day} ({weekday})",
    "weekdays": (
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
    ),
}
