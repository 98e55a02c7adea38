"""Text that people type, or have typed for them: what no name and no id may contain."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # Unicode's categories of control and invisible characters
JOINERS = "\u200c\u200d"  # Indian scripts need them


def _printable(text: str) -> str:
    """Refuses control characters and invisible ones, such as those that turn text around.

    A language model reads invisible letters that a person does not see.
    """
    for letter in text:
        if unicodedata.category(letter) in HIDDEN and letter not in JOINERS:
            raise ValueError("must not contain control characters")
    return text


Printable = Annotated[str, AfterValidator(_printable)]
