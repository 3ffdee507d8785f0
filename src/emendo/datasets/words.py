"""Texts for generated lines: common words of seven languages, made-up names, dates, amounts, codes.

The word lists are written here by hand (words, no sentences from anywhere); names are put together from syllables,
so that no person or firm is meant.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rng = np.random.Generator

_WORDS = {
    "en": (
        "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but"
        " not what all were we when your can said there use an each which she do how their if will up other about out"
        " many then them these so some her would make like him into time has look two more write go see number no way"
        " could people my than first water been call who its now find long down day did get come made may part over"
        " letter garden window evening morning yesterday together because through enough thought quite journey station"
        " weather dear kindly received enclosed paper house road village church bridge river winter summer"
    ),
    "fr": (
        "le la les de des du et à un une en que qui dans pour ce il elle sur avec ne pas se plus par je nous vous mais"
        " où ou est sont était été avoir être fait comme tout bien aussi leur même après avant très jour année maison"
        " rue ville pays monde enfant mère père frère sœur ami lettre voyage matin soir hier demain petit grand beau"
        " vieux nouveau premier dernière chemin forêt rivière église école hôtel théâtre fenêtre tête fête déjà voilà"
        " peut-être quelques beaucoup toujours jamais près loin entre sous chez depuis pendant français garçon leçon"
        " d'abord aujourd'hui c'est l'heure n'est qu'il s'il j'ai août noël naïf œuvre cœur reçu façon goût sûr"
    ),
    "de": (
        "der die das und in zu den mit von für auf ist im nicht ein eine als auch es an werden aus er hat dass sie nach"
        " wird bei einer um am sind noch wie einem über so zum war haben nur oder aber vor zur bis mehr durch man sein"
        " wurde Haus Straße Stadt Jahr Zeit Tag Mann Frau Kind Brief Morgen Abend gestern heute schön groß klein neu"
        " alt früh spät möglich während können müssen größer Tür Fuß Brücke Fluß Wald Kirche Schule Fenster Garten"
        " Mädchen Bücher Grüße herzlich gewiß natürlich vielleicht immer wieder zwischen gegenüber Österreich"
    ),
    "es": (
        "el la los de y en que un una por con para no se su al lo como más pero sus le ya este sí porque esta entre"
        " cuando muy sin sobre también me hasta hay donde quien desde todo nos durante año día casa calle ciudad niño"
        " mañana tarde noche carta camino río iglesia escuela ventana jardín corazón señor señora pequeño grande nuevo"
        " último después aquí allí además país mujer hombre agua mundo vida razón estación canción habitación"
    ),
    "it": (
        "il lo la gli le di e in che un una per con non si da come più ma anche sono era essere alla della dei nel ho"
        " tutto suo così quando dove perché già ancora sempre casa strada città giorno anno lettera mattina sera ieri"
        " domani piccolo grande nuovo vecchio primo ultimo cammino fiume chiesa scuola finestra giardino cuore signore"
        " signora ragazzo mondo vita acqua virtù libertà caffè metà lunedì università"
    ),
    "cs": (
        "a v na se je že to s z do o k i ale jako by za pro po jsem jeho když být byl která který už jen tak má"
        " ještě až před mezi město ulice dům dopis ráno večer včera zítra malý velký nový starý první poslední cesta"
        " řeka kostel škola okno zahrada srdce člověk žena dítě voda svět život večeře příští děkuji prosím"
    ),
    "da": (
        "og i at det en den til er som på de med han af for ikke der var mig sig men et har om vi min havde ham hun nu"
        " over da fra du ud sin dem os op man hans hvor eller hvad skal selv her alle vil blev kunne når være dog noget"
        " by gade hus brev morgen aften år dag lille stor ny gammel første sidste vej å kirke skole vindue have hjerte"
    ),
}
"""Common words, without the sentences they come from."""

LANGUAGES = tuple(_WORDS)
LISTS = {language: tuple(words.split()) for language, words in _WORDS.items()}

_SYLLABLES = {
    "onset": "b br c ch d dr f fl g gr h j k l m n p pr r s st t tr v w z",
    "vowel": "a e i o u ai au ea ie ou",
}
_ONSETS, _VOWELS = (sounds.split() for sounds in _SYLLABLES.values())
_CODAS = ["", "", "", "l", "n", "r", "s", "t", "nd", "rt", "x"]
_MONTHS = {
    language: months.split()
    for language, months in {
        "en": "January February March April May June July August September October November December",
        "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    }.items()
}


def line_text(rng: Rng, language: str | None = None, *, longest: int = 60) -> tuple[str, str]:
    """One line of text and its language: mostly running words, else a date, amount, name, address or code.

    `longest` bounds the length in characters.
    """
    language = language or str(rng.choice(LANGUAGES))
    make = _sentence if rng.random() < 0.72 else _OTHERS[int(rng.integers(len(_OTHERS)))]
    text = make(rng, language, longest)
    return text[:longest].rstrip(), language


def name(rng: Rng) -> str:
    """A made-up name of two or three syllables."""
    syllables = int(rng.integers(2, 4))
    parts = [_pick(rng, _ONSETS) + _pick(rng, _VOWELS) + _pick(rng, _CODAS) for _ in range(syllables)]
    return "".join(parts).capitalize()


def _sentence(rng: Rng, language: str, longest: int) -> str:
    goal = int(rng.integers(8, longest + 1))
    words = LISTS[language]
    text = ""
    capital = rng.random() < 0.5
    while True:
        word = name(rng) if rng.random() < 0.06 else _pick(rng, words)
        if rng.random() < 0.04:
            word = str(rng.integers(1, 2000))
        if capital:
            word = word[:1].upper() + word[1:]
        ending = rng.random()
        capital = ending < 0.06
        mark = (
            "" if ending > 0.2 else "." if ending < 0.06 else "," if ending < 0.15 else _pick(rng, [";", ":", "!", "?"])
        )
        if len(text) + len(word) + len(mark) + 1 > goal:
            return text or word[:goal]
        text += (" " if text else "") + word + mark


def _date(rng: Rng, language: str, _: int) -> str:
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1850, 2030))
    names = _MONTHS.get(language, _MONTHS["en"])
    forms = [
        f"{day}.{month}.{year}",
        f"{day:02}/{month:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day} {names[month - 1]} {year}",
        f"{name(rng)}, {day} {names[month - 1]} {year}",
    ]
    return _pick(rng, forms)


def _amount(rng: Rng, language: str, _: int) -> str:
    cents = int(rng.integers(100, 1_000_000))
    whole, rest = divmod(cents, 100)
    point = f"{whole:,}.{rest:02}"
    comma = point.translate(str.maketrans(",.", ".,"))
    word = {"fr": "Total", "de": "Summe", "es": "Importe", "it": "Totale"}.get(language, "Total")
    return _pick(rng, [f"{word}: {comma} EUR", f"{word} $ {point}", f"{comma} EUR", f"{rng.integers(1, 40)} x {point}"])


def _address(rng: Rng, language: str, _: int) -> str:
    number, code = int(rng.integers(1, 250)), int(rng.integers(10_000, 99_999))
    street = {
        "fr": f"{number}, rue {name(rng)}",
        "de": f"{name(rng)}straße {number}",
        "en": f"{number} {name(rng)} Road",
    }
    return f"{street.get(language, f'Via {name(rng)} {number}')}, {code} {name(rng)}"


def _person(rng: Rng, _: str, __: int) -> str:
    title = _pick(rng, ["", "", "Dr. ", "Mrs. ", "M. ", "Mr. "])
    return f"{title}{_pick(rng, list('ABCDEFGHJKLMNPRSTVW'))}. {name(rng)}-{name(rng)}"


def _code(rng: Rng, _: str, __: int) -> str:
    letters = "".join(_pick(rng, list("ABCDEFGHJKLMNPQRSTUVWXYZ")) for _ in range(int(rng.integers(2, 4))))
    return _pick(
        rng,
        [f"No. {letters}-{rng.integers(1000, 99999)}", f"{letters} {rng.integers(100, 999)} {rng.integers(10, 99)}"],
    )


def _capitals(rng: Rng, language: str, longest: int) -> str:
    return _sentence(rng, language, min(longest, 30)).upper()


_OTHERS: tuple[Callable[[Rng, str, int], str], ...] = (_date, _amount, _address, _person, _code, _capitals)


def _pick(rng: Rng, items: list[str] | tuple[str, ...]) -> str:
    return items[int(rng.integers(len(items)))]
