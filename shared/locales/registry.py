"""The languages of a call: eleven, and `unknown` for "hear which one it is".

Codes are those of the predecessor's API (BCP 47 with region; Odia is `or-IN`). Sarvam spells two of
them differently from socket to socket, so each has its spellings here.
"""

from dataclasses import dataclass

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `name` is English, `native` the language's own name. `fallback` is said to the caller when the
    language model cannot answer. `block` bounds its script in Unicode (None: Latin).
    """

    code: str
    name: str
    native: str
    fallback: str
    block: tuple[int, int] | None = None

    @property
    def html(self) -> str:
        """The `lang` attribute for text in this language."""
        return self.code.partition("-")[0] if self.code != UNKNOWN else "und"


_ALL = (
    Language(
        "hi-IN",
        "Hindi",
        "हिन्दी",
        "माफ़ कीजिए, अभी एक तकनीकी दिक्कत है। कृपया थोड़ी देर में फिर बोलिए।",
        (0x0900, 0x097F),
    ),
    Language(
        "en-IN",
        "English",
        "English",
        "Sorry, I have a technical problem just now. Please say that again in a moment.",
    ),
    Language(
        "ta-IN",
        "Tamil",
        "தமிழ்",
        "மன்னிக்கவும், ஒரு சிறிய தொழில்நுட்பக் கோளாறு. சிறிது நேரம் கழித்து மீண்டும் சொல்லுங்கள்.",
        (0x0B80, 0x0BFF),
    ),
    Language(
        "te-IN",
        "Telugu",
        "తెలుగు",
        "క్షమించండి, ఇప్పుడు ఒక సాంకేతిక సమస్య ఉంది. దయచేసి కాసేపటి తర్వాత మళ్ళీ చెప్పండి.",
        (0x0C00, 0x0C7F),
    ),
    Language(
        "bn-IN",
        "Bengali",
        "বাংলা",
        "দুঃখিত, এখন একটা কারিগরি সমস্যা হচ্ছে। দয়া করে একটু পরে আবার বলুন।",
        (0x0980, 0x09FF),
    ),
    Language(
        "mr-IN",
        "Marathi",
        "मराठी",
        "माफ करा, आत्ता एक तांत्रिक अडचण आहे. कृपया थोड्या वेळाने पुन्हा सांगा.",
        (0x0900, 0x097F),
    ),
    Language(
        "gu-IN",
        "Gujarati",
        "ગુજરાતી",
        "માફ કરશો, અત્યારે એક તકનીકી મુશ્કેલી છે. કૃપા કરીને થોડી વારમાં ફરી કહો.",
        (0x0A80, 0x0AFF),
    ),
    Language(
        "kn-IN",
        "Kannada",
        "ಕನ್ನಡ",
        "ಕ್ಷಮಿಸಿ, ಈಗ ಒಂದು ತಾಂತ್ರಿಕ ತೊಂದರೆ ಇದೆ. ದಯವಿಟ್ಟು ಸ್ವಲ್ಪ ಸಮಯದ ನಂತರ ಮತ್ತೆ ಹೇಳಿ.",
        (0x0C80, 0x0CFF),
    ),
    Language(
        "ml-IN",
        "Malayalam",
        "മലയാളം",
        "ക്ഷമിക്കണം, ഇപ്പോൾ ഒരു സാങ്കേതിക തകരാറുണ്ട്. ദയവായി അല്പം കഴിഞ്ഞ് വീണ്ടും പറയൂ.",
        (0x0D00, 0x0D7F),
    ),
    Language(
        "pa-IN",
        "Punjabi",
        "ਪੰਜਾਬੀ",
        "ਮਾਫ਼ ਕਰਨਾ, ਹੁਣੇ ਇੱਕ ਤਕਨੀਕੀ ਮੁਸ਼ਕਲ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਥੋੜ੍ਹੀ ਦੇਰ ਬਾਅਦ ਫਿਰ ਬੋਲੋ।",
        (0x0A00, 0x0A7F),
    ),
    Language(
        "or-IN",
        "Odia",
        "ଓଡ଼ିଆ",
        "କ୍ଷମା କରିବେ, ଏବେ ଏକ ବୈଷୟିକ ଅସୁବିଧା ହେଉଛି। ଦୟାକରି ଟିକେ ପରେ ଆଉଥରେ କୁହନ୍ତୁ।",
        (0x0B00, 0x0B7F),
    ),
    Language(
        UNKNOWN,
        "Auto-detect",
        "Auto-detect",
        "Sorry, I have a technical problem just now. Please say that again in a moment.",
    ),
)

LANGUAGES: dict[str, Language] = {language.code: language for language in _ALL}


def is_language(code: str) -> bool:
    """Whether `code` is one of the eleven or `unknown`."""
    return code in LANGUAGES


def by_script(text: str) -> str | None:
    """The language whose script most letters of `text` are in; None when that says nothing.

    Hindi and Marathi share a script: it answers hi-IN for both. Latin letters answer en-IN.
    """
    counts: dict[str, int] = {}
    for letter in text:
        point = ord(letter)
        if letter.isascii():
            if letter.isalpha():
                counts["en-IN"] = counts.get("en-IN", 0) + 1
            continue
        for language in _ALL:
            if language.block and language.block[0] <= point <= language.block[1]:
                counts[language.code] = counts.get(language.code, 0) + 1
                break
    return max(counts, key=lambda code: counts[code]) if counts else None
