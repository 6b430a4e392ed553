"""All the ways this house says no.

CaretakerError
├── ConfigurationError      a file, key or value is wrong: fails at start, never retried
├── Unavailable             something outside is not there now: retried with back-off
│   ├── JournalUnavailable
│   ├── StoreUnavailable
│   ├── DatabaseUnavailable
│   └── DeviceUnavailable
├── JournalFull             a declared limit is reached (soft disk limit, size)
├── RecordTooLarge
├── PositionLost            a reader asks for what is no longer kept
├── Fenced                  another owner took this cursor; stop at once
├── BadReading              the store refuses a point for good (never retried)
├── NotFound                no such thing (or not for you)
├── Conflict                the thing is in a state that forbids this
├── Refused                 the input breaks a rule; carries the field
├── TooMany                 too many wrong tries; `facts['retry_after_s']`
└── NotAllowed              known person, missing right
"""

from __future__ import annotations


class CaretakerError(Exception):
    """Base. `code` is a stable word for catalogues (zh, en) and problem+json; `facts` fill the sentence."""

    code = "error"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class ConfigurationError(CaretakerError):
    """A wrong file, key or value. `message` names file, line (when known), what was found and what is expected."""

    code = "configuration"


class Unavailable(CaretakerError):
    """Something outside is not there now; try again later."""

    code = "unavailable"


class JournalUnavailable(Unavailable):
    """The journal cannot be written or read (I/O error)."""

    code = "journal_unavailable"


class StoreUnavailable(Unavailable):
    """The reading store did not answer, or answered that it may or may not have stored."""

    code = "store_unavailable"


class DatabaseUnavailable(Unavailable):
    """SQLite or PostgreSQL is away, full, locked or read-only."""

    code = "database_unavailable"


class DeviceUnavailable(Unavailable):
    """A field device did not answer, answered late or wrongly."""

    code = "device_unavailable"


class JournalFull(CaretakerError):
    """The journal's declared size or the disk's soft limit is reached; nothing more is acknowledged."""

    code = "journal_full"


class RecordTooLarge(CaretakerError):
    """One record is larger than the journal takes."""

    code = "record_too_large"


class PositionLost(CaretakerError):
    """`read(after)` points to records that were dropped: the reader must say so, never skip silently."""

    code = "position_lost"


class Fenced(CaretakerError):
    """This reader's epoch is no longer the owner's: roll back and stop."""

    code = "fenced"


class BadReading(CaretakerError):
    """The store refuses these readings for good. `facts['rows']` holds their row numbers when known."""

    code = "bad_reading"


class NotFound(CaretakerError):
    """No such thing."""

    code = "not_found"


class Conflict(CaretakerError):
    """The thing's state forbids this."""

    code = "conflict"


class Refused(CaretakerError):
    """The input breaks a rule; `facts['field']` names it."""

    code = "refused"


class NotAllowed(CaretakerError):
    """A known person without the right."""

    code = "not_allowed"


class TooMany(CaretakerError):
    """Too many wrong tries; `facts['retry_after_s']` says when the next one is listened to."""

    code = "too_many"
