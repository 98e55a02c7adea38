"""`python -m services.sandbox`: the stand-ins for speech, language model, N8N and a caller."""

import asyncio

from services.sandbox.app import create_app
from services.sandbox.serve import serve
from services.sandbox.settings import SandboxSettings
from shared.runtime import log
from shared.runtime.settings import load


def main() -> None:
    settings = load(SandboxSettings)
    log.setup("sandbox", level=settings.log_level, format_=settings.log_format)
    asyncio.run(serve(create_app(settings), settings.sandbox_port))


if __name__ == "__main__":
    main()
