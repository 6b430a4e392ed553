"""How far each reader has come, the rule engine's snapshots, and the heartbeats of the parts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from caretaker.adapters.sql.tables import cursors, parts, snapshots
from caretaker.adapters.sql.upsert import upsert
from caretaker.domain.errors import Fenced
from caretaker.ports import Cursor, Position


class SqlCursors:
    """`ports.Cursors`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, consumer: str, partition: int) -> Cursor:
        """Become the owner."""
        row = self._connection.execute(
            upsert(
                self._connection,
                cursors,
                {"consumer": consumer, "partition": partition, "epoch": 1, "position": 0},
                keys=("consumer", "partition"),
                change={"epoch": cursors.c.epoch + 1},
            ).returning(cursors.c.epoch, cursors.c.position)
        ).one()
        return Cursor(consumer, partition, row.epoch, row.position)

    def advance(self, cursor: Cursor, to: Position) -> Cursor:
        """Move, or find out that somebody else owns it."""
        moved = self._connection.execute(
            update(cursors)
            .where(
                cursors.c.consumer == cursor.consumer,
                cursors.c.partition == cursor.partition,
                cursors.c.epoch == cursor.epoch,
                cursors.c.position == cursor.position,
            )
            .values(position=to)
        ).rowcount
        if moved != 1:
            raise Fenced(
                f"the cursor of {cursor.consumer} was taken by another process; this one stops",
                consumer=cursor.consumer,
                epoch=cursor.epoch,
            )
        return Cursor(cursor.consumer, cursor.partition, cursor.epoch, to)


class SqlSnapshots:
    """`ports.Snapshots`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, consumer: str, partition: int, position: Position, state: bytes) -> None:
        """Replace."""
        row = {"consumer": consumer, "partition": partition, "position": position, "state": state}
        self._connection.execute(upsert(self._connection, snapshots, row, keys=("consumer", "partition")))

    def load(self, consumer: str, partition: int) -> tuple[Position, bytes] | None:
        """The newest or None."""
        row = self._connection.execute(
            select(snapshots.c.position, snapshots.c.state).where(
                snapshots.c.consumer == consumer, snapshots.c.partition == partition
            )
        ).one_or_none()
        return None if row is None else (row.position, row.state)


class SqlParts:
    """`ports.Parts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, part: str, at_ns: int, facts: Mapping[str, object]) -> None:
        """Replace this part's heartbeat."""
        row = {"part": part, "at_ns": at_ns, "facts": dict(facts)}
        self._connection.execute(upsert(self._connection, parts, row, keys=("part",)))

    def all(self) -> Mapping[str, tuple[int, Mapping[str, object]]]:
        """All heartbeats."""
        return {row.part: (row.at_ns, row.facts) for row in self._connection.execute(select(parts))}
