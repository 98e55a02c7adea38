"""Every error that Bolchaal raises on purpose.

BolchaalError
├── SettingsError       a wrong or missing setting: one line, exit 2
├── BadRequest          400  the request cannot be read
├── Unauthorized        401  no key, or a wrong one
├── NotFound            404  no such agent, call or lead
├── Conflict            409  what is asked for is taken already
├── TooLarge            413  a body over the limit
├── Invalid             422  readable, but not acceptable
├── TooMany             429  over a limit; says when to come back
├── Unavailable         503  something we depend on is away; says when to come back
├── NotOwner                 another agent holds the call now
└── Permanent                the bus must not try this event again
    └── NewerVersion         nor can it be read before the next release

An error is raised where it is understood and handled once, at an edge: the gateway turns it into
an HTTP answer, the bus into a retry or a dead letter, a service's start into exit code 2.
"""


class BolchaalError(Exception):
    """Base of all: `message` is safe to show to a user, `code` is stable for programs.

    `field` is what is at fault. `retry_after`: seconds until another try makes sense, None: never.
    """

    status = 500
    code = "internal"
    retry_after: int | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code or self.code
        self.retry_after = retry_after or self.retry_after


class SettingsError(BolchaalError):
    """A setting is wrong; the message names the variable, what was found, what is expected."""

    code = "settings"


class BadRequest(BolchaalError):
    status = 400
    code = "bad_request"


class Unauthorized(BolchaalError):
    status = 401
    code = "unauthorized"


class NotFound(BolchaalError):
    status = 404
    code = "not_found"


class Conflict(BolchaalError):
    status = 409
    code = "conflict"


class TooLarge(BolchaalError):
    status = 413
    code = "too_large"


class Invalid(BolchaalError):
    status = 422
    code = "invalid"


class TooMany(BolchaalError):
    status = 429
    code = "too_many_requests"


class Unavailable(BolchaalError):
    status = 503
    code = "unavailable"
    retry_after = 5


class NotOwner(BolchaalError):
    """A write by an agent whose lease on the call has gone to another attempt."""

    status = 409
    code = "not_owner"


class Permanent(BolchaalError):
    """Raised by a bus handler when trying again cannot help: the event becomes a dead letter."""

    code = "permanent"


class NewerVersion(Permanent):
    """The event is of a version that this process does not know: a newer release publishes it."""

    code = "newer_version"
