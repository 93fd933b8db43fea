"""The page in English that a browser gets where its request was refused."""

REFUSAL = {
    "title": "This page cannot be opened now",
    "too_many": "Too many requests have come from your network.",
    "failed": "The server could not answer.",
    "wait": "Wait {seconds} s, then load the page again.",
    "again": "Load the page again in some minutes.",
}
