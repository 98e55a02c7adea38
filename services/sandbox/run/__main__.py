"""`python -m services.sandbox.run`, which is what `make run` calls."""

import asyncio
import socket
import sys

from services.sandbox.run import plan
from services.sandbox.run.settings import RunSettings
from services.sandbox.run.supervisor import Supervisor
from shared import log
from shared.errors import SettingsError
from shared.health_server import bind
from shared.settings import load, refuse


def main() -> None:
    settings = load(RunSettings)
    log.setup("run", level=settings.log_level)
    try:
        what = plan.make(settings, redis_port=_free_port())
        for setting, port in what.ports.items():
            bind("127.0.0.1", port, setting).close()
        code = asyncio.run(Supervisor(settings, what).run())
    except SettingsError as error:
        refuse(error.message)
    sys.exit(code)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
