"""Words that only say "I am listening". While the agent speaks they are no turn."""

import re
import unicodedata

_TABLE = """
haan haa han ha ji hmm hm mm mhm uh huh ah achha accha acha theek thik hai ok okay yes yeah yep
right sure avunu aam aama sari seri sare haudu ho hoy bilkul sahi
हाँ हां हा हं जी हम्म हूँ हूं अच्छा ठीक है ओके यस सही बिल्कुल हो होय बरं बरोबर
ஆம் ஆமா ஆமாம் சரி ம்ம் ஓகே
అవును సరే ఆ ఓకే మ్మ్ హా
হ্যাঁ হুম আচ্ছা ঠিক আছে ওকে
હા હં બરાબર સારું ઓકે હમ્મ જી
ಹೌದು ಸರಿ ಹಾಂ ಹೂಂ ಓಕೆ
അതെ ശരി ഉം ആ ഓക്കെ
ਹਾਂ ਜੀ ਅੱਛਾ ਠੀਕ ਹੈ ਓਕੇ ਹੂੰ
ହଁ ଆଜ୍ଞା ଠିକ୍ ଅଛି ଓକେ ହୁଁ
"""
_WORDS = frozenset(unicodedata.normalize("NFC", _TABLE).split())
_MOST = 3  # words; "yes yes yes, but listen" is more than listening
_EDGES = re.compile(r"^[^\w]+|[^\w\u0900-\u0DFF]+$")


def is_backchannel(text: str) -> bool:
    """Whether the text is one to three such words and nothing else."""
    words = [_EDGES.sub("", word) for word in unicodedata.normalize("NFC", text).casefold().split()]
    words = [word for word in words if word]
    return 0 < len(words) <= _MOST and all(_listening(word) for word in words)


def _listening(word: str) -> bool:
    # Punctuation between repeated words: "haan-haan", "ok,ok".
    parts = [part for part in re.split(r"[-,।.!?]+", word) if part]
    return bool(parts) and all(part in _WORDS for part in parts)
