"""How a day is written in English."""

DAYS = {
    "months": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    "day": "{day} {month} {year}",
    "by": "By {day}.",
    "first": "1",
    "weekday": "{day} ({weekday})",
    "weekdays": (
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ),
}
