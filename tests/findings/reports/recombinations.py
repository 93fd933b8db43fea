"""Sentences that say something else in the passages' words: what an LLM could make of them.

Each kind is a fault that a reader would not see: a negation moved, a condition left out, a number
or a name exchanged, the end of one sentence behind the beginning of another.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from skinapi.base.languages import Language, in_each_language


class Quoted(NamedTuple):
    """A sentence of a passage."""

    passage: str
    text: str


class Recombination(NamedTuple):
    kind: str
    text: str
    cited: tuple[str, ...]


Rules = tuple[tuple[str, str], ...]  # patterns, and what stands in their place


class Grammar(NamedTuple):
    """As much of a language as the faults need: patterns, without their case."""

    negated: Rules
    negatable: Rules
    hedges: Rules
    opposites: Rules
    clause: str
    condition: str
    verb: str
    joins: tuple[str, ...]
    numbers: str
    figures: tuple[str, ...]
    names: str


Fault = Callable[[str, str, Grammar, random.Random], str | None]

GRAMMARS: Mapping[Language, Grammar] = in_each_language(
    {
        "en": Grammar(
            negated=(
                (r"\bdo(?:es)? not ", ""),
                (r"\bcannot\b", "can"),
                (r"\b(?:not|never|no|without|yet) ", ""),
                (r"\bnothing\b", "all"),
                (r"\brarely\b", "often"),
            ),
            negatable=(
                (r"\b(is|are|was|were|may|has|have|had|should|could)\b", r"\1 not"),
                (r"\b(is|are|can|may|has|have)\b", r"\1 never"),
                (r"\bcan\b", "cannot"),
                (r"\b(grow|spread|turn|help|change|show|need)s?\b", r"does not \1"),
                (r"\bby\b", "without"),
                (r"\bwith\b", "without"),
                (r"\b(a|an|any|the)\b", "no"),
            ),
            hedges=(
                (r"\b(?:can|may) be\b", "is"),
                (r"\b(?:can|may|should|could|tends? to) ", ""),
                (r"\b(?:usually|often|mostly|sometimes|very|about|almost|still|main|some) ", ""),
                (r"\b(?:most|many|a few|some|the great majority) of these\b", "these"),
                (r"\b(?:most|many|a few|some|the great majority of) ", ""),
            ),
            opposites=(
                (r"\bmore\b", "less"),
                (r"\bless\b", "more"),
                (r"\bmost\b", "few"),
                (r"\ba few\b", "most"),
                (r"\bhigher\b", "lower"),
                (r"\bbefore\b", "after"),
                (r"\bearly\b", "late"),
                (r"\busually\b", "always"),
                (r"\bmay|can\b", "will"),
                (r"\bsome\b", "all"),
                (r"\bharder\b", "simpler"),
                (r"\bharmless\b", "dangerous"),
                (r"\bor\b", "and"),
                (r"\bif\b", "even if"),
            ),
            clause=(
                r"[,;:]? (?:but|and|or|which|that|so|yet|because|as|than|to|from|with|by|in|of) "
                r"|[,;:] "
            ),
            condition=r"\b(?:if|while|when|until|where|above all|depending|found|left)\b",
            verb=(
                r"\b(?:is|are|can|may|has|have|does|do|usually|often|tends?|grows?|needs?|looks?"
                r"|keeps?|remove)\b"
            ),
            joins=("and", "but", "because", "so", "if", "or", "which", "while"),
            numbers=(
                r"\b(?:\d+(?: ?%| in \d+| to \d+)*"
                r"|(?:two|three|five|seven|eight|half)(?: in (?:ten|five))?\b)"
            ),
            figures=("1 in 100", "two in ten", "half", "99%"),
            names=(
                r"\b(?:(?:a |an )?(?:melanomas?|basal cell carcinoma|squamous cell carcinoma|"
                r"actinic keratosis|bowen's disease|keratoacanthoma|seborrhoeic keratosis|"
                r"solar lentigo|melanocytic nevus|ordinary mole|moles?|dermatofibroma|"
                r"cherry angiomas?|pyogenic granulomas?|cancer|these patches|these spots|it))\b"
            ),
        ),
        "fr": Grammar(
            negated=(
                (r"\b(?:ne |n')((?:\w+[ '])?\w+) (?:pas|jamais|plus|aucun)\b", r"\1"),
                (r"\baucune? ", "un "),
                (r"\bsans\b", "avec"),
                (r"\brien\b", "tout"),
                (r"\brarement\b", "souvent"),
            ),
            negatable=(
                (r"(?<!n')\b(est|a|augmente|exclut)\b", r"n'\1 pas"),
                (r"(?<!ne )\b(peut|peuvent|sont|devient|fait|doit|va|vont|guérit)\b", r"ne \1 pas"),
                (r"(?<!ne )\b(peut|peuvent|sont|devient|doit|touche)\b", r"ne \1 jamais"),
                (r"\b(?:par|avec)\b", "sans"),
                (r"\b(?:un|une|le|la)\b", "aucun"),
            ),
            hedges=(
                (r"\bpeut être\b", "est"),
                (r"\bpeuvent être\b", "sont"),
                (r"\b(?:peut|peuvent|doit) ", ""),
                (r"\b(?:le plus souvent|souvent|en général|surtout|parfois|environ|presque) ", ""),
                (r"\b(?:la plupart de ces|la plupart des|certaines|quelques) ", "les "),
            ),
            opposites=(
                (r"\bplus\b", "moins"),
                (r"\bmoins\b", "plus"),
                (r"\bla plupart\b", "quelques-uns"),
                (r"\bavant\b", "après"),
                (r"\btôt\b", "tard"),
                (r"\bsouvent\b", "toujours"),
                (r"\bpeut\b", "va"),
                (r"\bcertaines\b", "toutes"),
                (r"\bdifficile\b", "simple"),
                (r"\bbénin\b", "dangereux"),
                (r"\bou\b", "et"),
                (r"\bsi\b", "même si"),
            ),
            clause=(
                r"[,;:]? (?:mais|et|ou|qui|que|donc|car|comme|pour|par|avec|dans|de|des|du|à) "
                r"| ?[,;:] "
            ),
            condition=(r"\b(?:s'il|si|quand|lorsque|selon|surtout|découvert|négligé|petit|chez)\b"),
            verb=(
                r"\b(?:est|sont|peut|peuvent|a|ont|devient|fait|doit|ne|n'|grandit|touche|enlève"
                r"|guérit|demande)\b"
            ),
            joins=("et", "mais", "car", "donc", "si", "ou", "qui", "quand"),
            numbers=(
                r"\b(?:\d+(?: ?%| sur \d+| à \d+)*"
                r"|(?:deux|trois|cinq|sept|huit|moitié)(?: sur dix)?\b)"
            ),
            figures=("1 sur 100", "deux", "neuf", "99 %"),
            names=(
                r"\b(?:(?:le |la |l'|un |une |les )?(?:mélanomes?|carcinome basocellulaire|"
                r"carcinome épidermoïde|kératose actinique|maladie de bowen|kératoacanthome|"
                r"kératose séborrhéique|lentigo solaire|naevus mélanocytaire|grains? de beauté|"
                r"dermatofibrome|angiomes? rubis|granulome pyogénique|cancer|plaques|taches)"
                r"|il|elle)\b"
            ),
        ),
    }
)


SHORTENED = 0.4  # of the sentences, before their fault
TRIES = 30  # with other sentences, until one allows the kind that was drawn


def recombinations(
    offered: Sequence[Quoted], language: Language, draw: random.Random, count: int
) -> Iterator[Recombination]:
    while count:
        kind = draw.choice(list(KINDS))
        tries = (_recombine(offered, kind, GRAMMARS[language], draw) for _ in range(TRIES))
        made = next(filter(None, tries), None)
        if made is not None:
            count -= 1
            yield made


def _recombine(
    offered: Sequence[Quoted], kind: str, grammar: Grammar, draw: random.Random
) -> Recombination | None:
    """None where the sentences that are drawn do not allow this kind."""
    first, second = draw.choice(offered), draw.choice(offered)
    shorter = _clause_dropped(first.text, "", grammar, draw) if draw.random() < SHORTENED else None
    text = KINDS[kind](shorter or first.text, second.text, grammar, draw)
    if text is None or _words(text) in (_words(first.text), _words(second.text), []):
        return None
    alone, pair = [first.passage], dict.fromkeys([first.passage, second.passage])
    every = dict.fromkeys(quoted.passage for quoted in offered)
    return Recombination(kind, _finish(text), tuple(draw.choice([alone, pair, pair, every])))


def chained(offered: Sequence[Quoted], draw: random.Random) -> str:
    """Each next word is one that follows the last somewhere in the passages."""
    following: dict[str, list[str]] = {}
    for quoted in offered:
        words = quoted.text.split()
        for word, after in pairwise(words):
            following.setdefault(word.lower(), []).append(after)
    words = [draw.choice(offered).text.split()[0]]
    while len(words) < 25 and not words[-1].endswith("."):
        possible = following.get(words[-1].lower())
        if possible is None:
            break
        words.append(draw.choice(possible))
    return " ".join(words)


def _substitute(text: str, rules: Rules, draw: random.Random) -> str | None:
    """Apply one rule, drawn of those that match, at one place."""
    places = [
        (match, to) for pattern, to in rules for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    if not places:
        return None
    match, to = draw.choice(places)
    return text[: match.start()] + match.expand(to) + text[match.end() :]


def _substituting(rules: Callable[[Grammar], Rules]) -> Fault:
    return lambda text, _, grammar, draw: _substitute(text, rules(grammar), draw)


def _negation_moved(text: str, _: str, grammar: Grammar, draw: random.Random) -> str | None:
    affirmed = _substitute(text, grammar.negated, draw)
    return affirmed and _substitute(affirmed, grammar.negatable, draw)


def _clauses(text: str, grammar: Grammar) -> list[str]:
    """With what joins each to the one before."""
    starts = [0, *(match.start() for match in re.finditer(grammar.clause, text, re.IGNORECASE))]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def _clause_dropped(text: str, _: str, grammar: Grammar, draw: random.Random) -> str | None:
    clauses = _clauses(text.rstrip("."), grammar)
    if len(clauses) < 2:
        return None
    dropped = draw.randrange(len(clauses))
    rest = "".join(clauses[:dropped] + clauses[dropped + 1 :])
    return re.sub(r"^\W*(?:and|but|so|et|mais|donc)?\s+", "", rest)


def _condition_dropped(text: str, _: str, grammar: Grammar, draw: random.Random) -> str | None:
    starts = list(re.finditer(grammar.condition, text, re.IGNORECASE))
    if not starts:
        return None
    start = draw.choice(starts).start()
    end = re.search(r"[,;:.]", text[start:])
    return text[:start] + text[start + end.end() :] if end else text[:start]


def _exchange(text: str, others: Sequence[str], pattern: str, draw: random.Random) -> str | None:
    places = list(re.finditer(pattern, text, re.IGNORECASE))
    own = {place[0].lower() for place in places}
    others = [other for other in others if other.lower() not in own]
    if not places or not others:
        return None
    place = draw.choice(places)
    return text[: place.start()] + draw.choice(others) + text[place.end() :]


def _number_exchanged(text: str, other: str, grammar: Grammar, draw: random.Random) -> str | None:
    others = [*re.findall(grammar.numbers, other, re.IGNORECASE), *grammar.figures]
    return _exchange(text, others, grammar.numbers, draw)


def _name_exchanged(text: str, other: str, grammar: Grammar, draw: random.Random) -> str | None:
    others = re.findall(grammar.names, other, re.IGNORECASE)
    return _exchange(text, others, grammar.names, draw)


def _predicate_moved(text: str, other: str, grammar: Grammar, draw: random.Random) -> str | None:
    """The beginning of one sentence with the end of another, each from a verb on."""
    verbs = list(re.finditer(grammar.verb, text, re.IGNORECASE))
    ends = list(re.finditer(grammar.verb, other, re.IGNORECASE))
    if text == other or not verbs or not ends:
        return None
    return text[: draw.choice(verbs).start()] + other[draw.choice(ends).start() :]


def _joined(text: str, other: str, grammar: Grammar, draw: random.Random) -> str | None:
    if text == other:
        return None
    beginning, end = _clauses(text.rstrip("."), grammar), _clauses(other.rstrip("."), grammar)
    first = "".join(beginning[: draw.randint(1, len(beginning))])
    last = "".join(end[draw.randrange(len(end)) :])
    last = re.sub(rf"^(?:{grammar.clause})", "", last)
    return f"{first} {draw.choice(grammar.joins)} {last[:1].lower()}{last[1:]}"


def _condition_moved(text: str, other: str, grammar: Grammar, draw: random.Random) -> str | None:
    """The condition of one sentence behind another."""
    starts = list(re.finditer(grammar.condition, other, re.IGNORECASE))
    bare = _condition_dropped(text, other, grammar, draw) or text
    if text == other or not starts:
        return None
    condition = re.split(r"[,;:.]", other[draw.choice(starts).start() :])[0]
    return f"{bare.rstrip('. ')} {condition.lower()}"


def _chained(text: str, other: str, _: Grammar, draw: random.Random) -> str:
    return chained([Quoted("", text), Quoted("", other)], draw)


KINDS: Mapping[str, Fault] = {
    "negation dropped": _substituting(lambda grammar: grammar.negated),
    "negation added": _substituting(lambda grammar: grammar.negatable),
    "negation moved": _negation_moved,
    "hedge dropped": _substituting(lambda grammar: grammar.hedges),
    "opposite": _substituting(lambda grammar: grammar.opposites),
    "clause dropped": _clause_dropped,
    "condition dropped": _condition_dropped,
    "condition moved": _condition_moved,
    "number exchanged": _number_exchanged,
    "name exchanged": _name_exchanged,
    "predicate moved": _predicate_moved,
    "joined": _joined,
    "words chained": _chained,
}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _finish(text: str) -> str:
    """With a capital letter and a full stop, and no space too many."""
    text = re.sub(r"\s+([,.;])", r"\1", " ".join(text.split())).strip(" ,;:.")
    return f"{text[:1].upper()}{text[1:]}."
