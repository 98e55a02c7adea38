"""The process in which espeak-ng runs: `python -m services.sandbox.speech.worker`.

Reads one JSON request a line from its standard input. Answers on its standard output with a JSON
line, `{"bytes": n, "rate": hertz}` and n bytes of PCM16, or `{"error": text}`; the first answer, to
nothing, says that it is there. It ends when its input does: it never outlives who started it.
"""

import json
import os
import sys
from typing import BinaryIO

from services.sandbox.speech.library import EspeakError, Library


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the library prints is not an answer
    try:
        library = Library()
    except (EspeakError, ImportError, OSError) as error:
        _answer(answers, {"error": f"espeak-ng cannot be loaded: {error}"})
        return
    _answer(answers, {"rate": library.rate})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            pcm = library.synthesise(request["text"], request["voice"], request["rate"])
        except EspeakError as error:
            _answer(answers, {"error": str(error)})
        else:
            _answer(answers, {"bytes": len(pcm), "rate": library.rate}, pcm)


def _answer(answers: BinaryIO, header: dict[str, object], pcm: bytes = b"") -> None:
    answers.write(json.dumps(header).encode() + b"\n" + pcm)
    answers.flush()


if __name__ == "__main__":
    main()
