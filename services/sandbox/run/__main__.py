"""`python -m services.sandbox.run`, which is what `make run` calls."""

import signal

# The imports below take half a second, in which Ctrl-C would print a traceback. Nothing runs yet,
# so the process may simply end; the supervisor takes the signal over.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import asyncio  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from services.sandbox.run import plan  # noqa: E402
from services.sandbox.run.folder import occupied  # noqa: E402
from services.sandbox.run.settings import RunSettings  # noqa: E402
from services.sandbox.run.supervisor import Supervisor  # noqa: E402
from shared.errors import SettingsError  # noqa: E402
from shared.runtime import log  # noqa: E402
from shared.runtime.http_server import bind  # noqa: E402
from shared.runtime.settings import load, refuse  # noqa: E402


def main() -> None:
    settings = load(RunSettings)
    log.setup("run", level=settings.log_level)
    try:
        what = plan.make(settings, redis_port=_free_port())
        for setting, port in what.ports.items():
            bind("127.0.0.1", port, setting).close()
        with occupied(settings.sandbox_data):
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
