"""Why a call of the simulated caller could not be made, or did not end well: one line each."""


class CallFailed(Exception):
    """One line for people. `exit_code` 2: the input is wrong; 1: the system did not do it."""

    exit_code = 1


class BadInput(CallFailed):
    """Nothing was tried: a language, a scenario, an agent or an address is wrong."""

    exit_code = 2
