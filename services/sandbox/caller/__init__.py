"""The simulated caller: for the page (CallerEndpoint) and for `make call` (python -m)."""

from services.sandbox.caller.endpoint import CallerEndpoint

__all__ = ["CallerEndpoint"]
