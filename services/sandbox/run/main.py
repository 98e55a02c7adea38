"""From the settings to a running system: the plan, free ports, the data folder, the supervisor."""

import asyncio
import socket
import sys

from services.sandbox.run import plan
from services.sandbox.run.folder import held
from services.sandbox.run.settings import RunSettings
from services.sandbox.run.supervisor import Supervisor
from shared.errors import SettingsError
from shared.runtime import log
from shared.runtime.http_server import bind
from shared.runtime.settings import load, refuse


def main() -> None:
    settings = load(RunSettings)
    log.setup("run", level=settings.log_level)
    try:
        what = plan.make_plan(settings, redis_port=_free_port())
        for setting, port in what.ports.items():
            bind("127.0.0.1", port, setting).close()
        with held(settings.sandbox_data):
            code = asyncio.run(Supervisor(settings, what).run())
    except SettingsError as error:
        refuse(error.message)
    sys.exit(code)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
