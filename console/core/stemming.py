"""What a word has in common with its other forms: Serbian and English stems, and the two spellings of đ.

Snowball's rules, applied to folded words, in the index and in the question alike, so that both databases answer
the same. Which language a word is of is not known: it gets the stem of each. What the rules give depends on their
version: where it changes, ``RULES`` in :mod:`console.core.search` is raised and the indexes are made again.
"""

from __future__ import annotations

import re
from functools import lru_cache

from console.core.text import fold

LANGUAGES = ("serbian", "english")
SHORTEST_STEM = 3  # shorter ones are words of their own: "daje" is not "da"
LONGEST_WORD = 30  # longer ones are keys and addresses
SHORTEST_WITH_DJ = 5  # "đo" would be "do"
REMEMBERED = (
    50_000  # words whose forms are remembered: a stem costs a tenth of a millisecond, remembered a ten-thousandth
)

# Three letters that are in every other text: a stem that is one of them tells nothing ("Anđa" is not "and").
_EVERYWHERE = frozenset({
    "ako", "ali", "bez", "bio", "cim", "dok", "ili", "jer", "jos", "kad", "kao", "kod", "koj", "moj", "nad", "nam",
    "nas", "ono", "ona", "oni", "ove", "ovo", "pod", "pre", "sam", "smo", "ste", "sta", "sto", "svi", "sve", "taj",
    "tek", "vam", "vas", "vec", "zar", "all", "and", "any", "are", "but", "can", "did", "for", "get", "had", "has",
    "her", "him", "his", "how", "its", "may", "not", "now", "off", "one", "our", "out", "she", "the", "too", "was",
    "who", "why", "yes", "yet", "you",
})  # fmt: skip
_INDECLINABLE = frozenset({"danas"})  # today; "dana" is a day's
# Sibilarization, which Snowball's rules do not know: poruka, poruci; razlog, razlozi.
_SIBILANTS = (("ci", "k", 5), ("zi", "g", 6))
# The plural of short masculine nouns, which they do not take off either: sajt, sajtovi; broj, brojevi.
_PLURALS = ("ov", "ev")
SHORTEST_PLURAL = 5  # of a stem with it: "nov" is no plural
_STEMMED = re.compile(rf"[a-z]{{{SHORTEST_STEM + 1},{LONGEST_WORD}}}")


@lru_cache(maxsize=REMEMBERED)
def forms(word: str) -> tuple[str, ...]:
    """Return the words that a folded word is found by, besides itself.

    Args:
        word: as :func:`console.core.text.words` gives it.

    Returns:
        Its stems; and where it has a ``dj``, the same word as those write it who leave the stroke of the đ out:
        ``dorde`` for ``djordje``, with its stems.
    """
    if not _STEMMED.fullmatch(word) or word in _INDECLINABLE:
        return ()
    spelled = [word]
    if "dj" in word and len(word) >= SHORTEST_WITH_DJ:
        spelled.append(word.replace("dj", "d"))
    found = dict.fromkeys(spelled[1:])
    for one in spelled:
        found.update(dict.fromkeys(_stems(one)))
    found.pop(word, None)
    return tuple(found)


def begins_or_inflects(typed: str, word: str) -> bool:
    """Return whether a folded word begins with what was typed, or is another form of it; as an index would find it."""
    tokens = {word, *forms(word)}
    return any(token.startswith(typed) for token in tokens) or not tokens.isdisjoint(forms(typed))


def _stems(word: str) -> list[str]:
    import snowballstemmer  # late: it loads the rules of every language it has

    # A stemmer keeps the word it works on: one for each call is right in any thread.
    made = [fold(snowballstemmer.stemmer(language).stemWord(word)) for language in LANGUAGES]
    made += [
        word.removesuffix(end) + root for end, root, least in _SIBILANTS if word.endswith(end) and len(word) >= least
    ]
    made += [stem[:-2] for stem in made if stem.endswith(_PLURALS) and len(stem) >= SHORTEST_PLURAL]
    return [stem for stem in made if len(stem) >= SHORTEST_STEM and stem not in _EVERYWHERE]
