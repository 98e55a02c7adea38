"""Digits as people in India say and write them, as ASCII: native numerals and spoken words."""

import re
import unicodedata

# Digit words 0 to 9, with the spellings that speech recognition and language models produce.
_WORDS: dict[str, tuple[str, ...]] = {
    "en": (
        "zero oh o nought",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
    ),
    "hi": (
        "शून्य ज़ीरो जीरो सिफर",
        "एक वन",
        "दो टू",
        "तीन थ्री",
        "चार फोर",
        "पांच पाँच फाइव",
        "छह छः छे छ सिक्स",
        "सात सेवन",
        "आठ एट",
        "नौ नाइन",
    ),
    "mr": ("शून्य", "एक", "दोन", "तीन", "चार", "पाच", "सहा", "सात", "आठ", "नऊ"),
    "ta": (
        "பூஜ்யம் பூஜ்ஜியம் சைபர் ஜீரோ",
        "ஒன்று ஒண்ணு",
        "இரண்டு ரெண்டு",
        "மூன்று மூணு",
        "நான்கு நாலு",
        "ஐந்து அஞ்சு",
        "ஆறு",
        "ஏழு",
        "எட்டு",
        "ஒன்பது ஒம்பது",
    ),
    "te": (
        "సున్నా సున్న జీరో",
        "ఒకటి",
        "రెండు",
        "మూడు",
        "నాలుగు",
        "ఐదు అయిదు",
        "ఆరు",
        "ఏడు",
        "ఎనిమిది",
        "తొమ్మిది",
    ),
    "bn": ("শূন্য জিরো", "এক", "দুই", "তিন", "চার", "পাঁচ", "ছয়", "সাত", "আট", "নয়"),
    "gu": ("શૂન્ય ઝીરો", "એક", "બે", "ત્રણ", "ચાર", "પાંચ", "છ", "સાત", "આઠ", "નવ"),
    "kn": (
        "ಸೊನ್ನೆ ಶೂನ್ಯ ಜೀರೋ",
        "ಒಂದು",
        "ಎರಡು",
        "ಮೂರು",
        "ನಾಲ್ಕು",
        "ಐದು",
        "ಆರು",
        "ಏಳು",
        "ಎಂಟು",
        "ಒಂಬತ್ತು",
    ),
    "ml": (
        "പൂജ്യം സീറോ",
        "ഒന്ന്",
        "രണ്ട്",
        "മൂന്ന്",
        "നാല്",
        "അഞ്ച്",
        "ആറ്",
        "ഏഴ്",
        "എട്ട്",
        "ഒമ്പത് ഒൻപത്",
    ),
    "pa": ("ਸਿਫ਼ਰ ਸਿਫਰ ਜ਼ੀਰੋ ਜੀਰੋ", "ਇੱਕ ਇਕ", "ਦੋ", "ਤਿੰਨ", "ਚਾਰ", "ਪੰਜ", "ਛੇ", "ਸੱਤ", "ਅੱਠ", "ਨੌਂ ਨੌ"),
    "or": ("ଶୂନ ଶୂନ୍ୟ ଜିରୋ", "ଏକ", "ଦୁଇ", "ତିନି", "ଚାରି", "ପାଞ୍ଚ", "ଛଅ", "ସାତ", "ଆଠ", "ନଅ"),
}
_REPEATS = {"double": 2, "triple": 3, "डबल": 2, "ट्रिपल": 3, "டபுள்": 2, "డబుల్": 2}

_DIGIT_OF = {
    unicodedata.normalize("NFC", word): str(digit)
    for words in _WORDS.values()
    for digit, spellings in enumerate(words)
    for word in spellings.split()
}
_SEPARATORS = re.compile(r"[\s,.\-–—।/()]+")


def ascii_digits(text: str) -> str:
    """The text with every decimal digit of any script as 0 to 9; all else stays."""
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text
    )


def spoken_digits(text: str) -> str:
    """A number said digit by digit, as digits ("nine eight double seven" -> "9877").

    Digits that are written already stay, and so does a leading plus. The answer is "" as soon as
    one word is something else: then the text is not a number that was spelled out.
    """
    text = unicodedata.normalize("NFC", ascii_digits(text)).casefold().strip()
    said: list[str] = ["+"] if text.startswith(("+", "plus ")) else []
    repeat = 1
    for word in _SEPARATORS.split(text.removeprefix("+").removeprefix("plus ")):
        if not word:
            continue
        if word in _REPEATS:
            repeat = _REPEATS[word]
            continue
        digits = word if word.isdecimal() else _DIGIT_OF.get(word, "")
        if not digits:
            return ""
        said.append(digits * repeat)
        repeat = 1
    return "".join(said)
