"""Text as the lead keeps it."""

import unicodedata

MAX_LENGTH = 500  # characters; a spoken answer has 20, a rambling one 200


def clean(text: str, limit: int = MAX_LENGTH) -> str:
    """One line of text without control characters, in composed form, at most `limit` long.

    Zero-width joiners stay: Indian scripts need them.
    """
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if letter.isspace() or unicodedata.category(letter) in ("Cc", "Cs") else letter
        for letter in composed
    )
    return " ".join(visible.split())[:limit].rstrip()
