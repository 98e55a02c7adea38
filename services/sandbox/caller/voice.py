"""The caller's voice: speech from the running sandbox, which its speech stand-in understands."""

import httpx

from services.sandbox.caller.failures import BadInput, CallFailed


class SandboxVoice:
    """`url` is where the sandbox makes utterances. Speech is PCM16 mono of 48 kHz."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._http = httpx.AsyncClient(timeout=30, transport=transport)

    async def __call__(self, text: str, language: str) -> bytes:
        """Raises BadInput when the sandbox does not run, CallFailed when it cannot speak."""
        body = {"text": text, "language": language, "sample_rate": 48_000, "format": "pcm"}
        try:
            response = await self._http.post(self._url, json=body)
        except httpx.HTTPError:
            raise BadInput(
                f"the caller's voice comes from the sandbox, which does not answer at {self._url}:"
                " start it with `make run`, or set SANDBOX_PORT"
            ) from None
        if response.status_code != 200:
            raise CallFailed(f"the sandbox cannot speak: {response.text[:200]}")
        return response.content

    async def aclose(self) -> None:
        await self._http.aclose()
