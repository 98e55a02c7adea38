"""espeak-ng by ctypes. Only the worker process imports this: the library is under GPL-3.0."""

import ctypes
import os
from pathlib import Path
from typing import Final

_RETRIEVAL: Final = 1  # AUDIO_OUTPUT_RETRIEVAL: sound goes to the callback, not to a device
_DO_NOT_EXIT: Final = 0x8000  # espeakINITIALIZE_DONT_EXIT
_UTF8: Final = 1  # espeakCHARS_UTF8
_RATE: Final = 1  # espeakRATE
_CHARACTER: Final = 1  # POS_CHARACTER
_BUFFER_MS: Final = 200
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class EspeakError(Exception):
    """The library refuses; the message says what."""


class Library:
    """The engine, of which a process can have one. It is not for several threads."""

    def __init__(self) -> None:
        import espeakng_loader

        # The engine keeps the path of its data in a buffer of 160 characters: a short one fits.
        os.chdir(Path(espeakng_loader.get_data_path()).parent)
        self._engine = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        self.rate = self._engine.espeak_Initialize(_RETRIEVAL, _BUFFER_MS, b".", _DO_NOT_EXIT)
        if self.rate <= 0:
            raise EspeakError("espeak-ng finds no data")
        self._pcm = bytearray()
        self._callback = _CALLBACK(self._receive)  # kept: the engine holds only a pointer
        self._engine.espeak_SetSynthCallback(self._callback)

    def synthesise(self, text: str, voice: str, words_a_minute: int) -> bytes:
        """PCM16 mono at `rate`. Raises EspeakError for a voice that does not exist."""
        if self._engine.espeak_SetVoiceByName(voice.encode()):
            raise EspeakError(f"no voice {voice!r}")
        self._engine.espeak_SetParameter(_RATE, words_a_minute, 0)
        self._pcm.clear()
        data = text.encode() + b"\0"
        status = self._engine.espeak_Synth(
            data, ctypes.c_size_t(len(data)), 0, _CHARACTER, 0, _UTF8, None, None
        )
        if status:
            raise EspeakError(f"status {status}")
        self._engine.espeak_Synchronize()
        return bytes(self._pcm)

    def _receive(self, audio: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if audio and count:
            self._pcm += ctypes.string_at(audio, 2 * count)
        return 0
