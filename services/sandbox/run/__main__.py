"""`python -m services.sandbox.run`, which is what `make run` calls."""

import signal

# The import below takes half a second, in which Ctrl-C would print a traceback. Nothing runs yet,
# so the process may simply end; the supervisor takes the signal over.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from services.sandbox.run.main import main  # noqa: E402 - only once Ctrl-C ends quietly

if __name__ == "__main__":
    main()
