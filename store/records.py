"""Changes to what is enrolled. Each is one transaction, logged encounter by encounter, with a receipt of its own."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, insert, select, update

from tenprint.store import schema
from tenprint.store.database import Database, originator_row, utc
from tenprint.store.errors import NotStoredError, RefusedChangeError, TransactionTakenError
from tenprint.store.types import ChangeReceipt, Kind, Position, Request, Target


@dataclass(frozen=True, slots=True)
class Held:
    """An encounter that a change is about."""

    encounter_id: str
    subject_id: str
    sealed: bool


_Done = tuple[Sequence[Held], Sequence[Position]]
"""The encounters that the request is about, and the positions logged: none where it was so already."""


class Records:
    """Deletes, seals, expunges, merges, splits and moves.

    Every call is safe to repeat: the same (ORI, TCN) with the same content gets the first receipt, marked repeated.

    Raises:
        TransactionTakenError: of every call, if the (ORI, TCN) stands for another change.
        NotStoredError: of every call, if the gallery does not hold what is named.
    """

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    def delete(self, gallery: str, target: Target, request: Request) -> ChangeReceipt:
        """Remove a subject's encounters, or one; a subject goes with its last. Snapshots and backups may hold them."""

        def work(connection: Connection) -> _Done:
            held = _targets(connection, gallery, target)
            remove_encounters(connection, gallery, held)
            return held, self._log(connection, gallery, held, Kind.DELETE, request)

        return self._once(Kind.DELETE, request, work)

    def expunge(self, gallery: str, target: Target, request: Request) -> ChangeReceipt:
        """Remove encounters for good: a tombstone stays, and they are erased wherever this software keeps bytes."""

        def work(connection: Connection) -> _Done:
            held = _targets(connection, gallery, target)
            remove_encounters(connection, gallery, held)
            self._database.insert_if_absent(
                connection,
                schema.expunction,
                [
                    {
                        "encounter_id": item.encounter_id,
                        "gallery": gallery,
                        "at": datetime.now(UTC),
                        "erased_at": None,
                        **originator_row(request.originator),
                    }
                    for item in held
                ],
            )
            ids = [item.encounter_id for item in held]
            receipts = schema.receipt  # the key stays taken; what was told about the prints goes
            connection.execute(update(receipts).where(receipts.c.encounter_id.in_(ids)).values(reports="[]"))
            return held, self._log(connection, gallery, held, Kind.EXPUNGE, request)

        return self._once(Kind.EXPUNGE, request, work)

    def seal(self, gallery: str, target: Target, request: Request, *, sealed: bool) -> ChangeReceipt:
        """Take encounters out of every search and keep them; or, `sealed` False, let them be searched again."""
        kind = Kind.SEAL if sealed else Kind.UNSEAL

        def work(connection: Connection) -> _Done:
            held = _targets(connection, gallery, target)
            due = [item for item in held if item.sealed is not sealed]
            table = schema.encounter
            ids = [item.encounter_id for item in due]
            connection.execute(update(table).where(table.c.encounter_id.in_(ids)).values(sealed=sealed))
            return held, self._log(connection, gallery, due, kind, request)

        return self._once(kind, request, work)

    def merge(self, gallery: str, subject_id: str, into_subject_id: str, request: Request) -> ChangeReceipt:
        """File a subject's encounters under another subject. `split` undoes it.

        Raises:
            RefusedChangeError: if both are the same.
        """

        def work(connection: Connection) -> _Done:
            if subject_id == into_subject_id:
                raise RefusedChangeError("into_subject_id", "is the subject itself; must be another")
            held = _targets(connection, gallery, Target(subject_id=subject_id))
            _targets(connection, gallery, Target(subject_id=into_subject_id))
            return held, self._refile(connection, gallery, held, into_subject_id, Kind.MERGE, request)

        return self._once(Kind.MERGE, request, work)

    def split(
        self, gallery: str, encounter_ids: Sequence[str], into_subject_id: str, request: Request
    ) -> ChangeReceipt:
        """File encounters of one subject under another, which need not be there yet. `merge` or `split` undoes it.

        Raises:
            RefusedChangeError: if they are not all of one subject, or are of `into_subject_id` already.
        """

        def work(connection: Connection) -> _Done:
            held = [
                item
                for encounter_id in dict.fromkeys(encounter_ids)
                for item in _targets(connection, gallery, Target(encounter_id=encounter_id))
            ]
            if len({item.subject_id for item in held}) != 1:
                raise RefusedChangeError("encounter_ids", "are of several subjects; must be of one")
            if held[0].subject_id == into_subject_id:
                raise RefusedChangeError("into_subject_id", "is the subject itself; must be another")
            return held, self._refile(connection, gallery, held, into_subject_id, Kind.SPLIT, request)

        return self._once(Kind.SPLIT, request, work)

    def move(self, gallery: str, subject_id: str, into_gallery: str, request: Request) -> ChangeReceipt:
        """Move a subject with all encounters into another gallery of the same model. The caller has said it may be.

        Raises:
            RefusedChangeError: if the galleries' live epochs are of different models.
        """

        def work(connection: Connection) -> _Done:
            held = _targets(connection, gallery, Target(subject_id=subject_id))
            here, there = (_live_epoch(connection, name) for name in (gallery, into_gallery))
            if here.model_version != there.model_version:
                problem = f"holds vectors of model {there.model_version!r}; must be of {here.model_version!r}"
                raise RefusedChangeError("into_gallery", problem)
            ids = [item.encounter_id for item in held]
            subject = {"gallery": into_gallery, "subject_id": subject_id}
            self._database.insert_if_absent(connection, schema.subject, [subject])
            encounter, template = schema.encounter, schema.template
            connection.execute(update(encounter).where(encounter.c.encounter_id.in_(ids)).values(gallery=into_gallery))
            others = template.c.encounter_id.in_(ids) & (template.c.epoch != here.live_epoch)
            connection.execute(delete(template).where(others))
            connection.execute(update(template).where(template.c.encounter_id.in_(ids)).values(epoch=there.live_epoch))
            _forget_empty_subjects(connection, gallery, {subject_id})
            positions = [
                *self._log(connection, gallery, held, Kind.MOVE, request),
                *self._log(connection, into_gallery, held, Kind.MOVE, request),
            ]
            return held, positions

        return self._once(Kind.MOVE, request, work)

    def _once(self, kind: Kind, request: Request, work: Callable[[Connection], _Done]) -> ChangeReceipt:
        def change(connection: Connection) -> ChangeReceipt:
            if (earlier := _earlier(connection, kind, request)) is not None:
                return earlier
            held, positions = work(connection)
            position = max(positions, default=Position(0, 0))
            ids = tuple(item.encounter_id for item in held)
            at = datetime.now(UTC)
            row = {
                **originator_row(request.originator),
                "kind": kind.value,
                "digest": request.digest,
                "encounter_ids": json.dumps(ids),
                "at": at,
                "transaction": position.transaction,
                "number": position.number,
            }
            connection.execute(insert(schema.change).values(row))
            return ChangeReceipt(kind, ids, at, position, repeated=False)

        return self._database.write(change)

    def _refile(
        self,
        connection: Connection,
        gallery: str,
        held: Sequence[Held],
        into_subject_id: str,
        kind: Kind,
        request: Request,
    ) -> list[Position]:
        subject = {"gallery": gallery, "subject_id": into_subject_id}
        self._database.insert_if_absent(connection, schema.subject, [subject])
        table = schema.encounter
        ids = [item.encounter_id for item in held]
        connection.execute(update(table).where(table.c.encounter_id.in_(ids)).values(subject_id=into_subject_id))
        _forget_empty_subjects(connection, gallery, {item.subject_id for item in held})
        return self._log(connection, gallery, held, kind, request, into_subject_id)

    def _log(
        self,
        connection: Connection,
        gallery: str,
        held: Sequence[Held],
        kind: Kind,
        request: Request,
        into_subject_id: str | None = None,
    ) -> list[Position]:
        rows = [
            {
                "gallery": gallery,
                "encounter_id": item.encounter_id,
                "subject_id": into_subject_id or item.subject_id,
                "previous_subject_id": item.subject_id if into_subject_id else None,
                "reference": request.reference or None,
                **originator_row(request.originator),
            }
            for item in held
        ]
        return self._database.log(connection, rows, kind) if rows else []


def _earlier(connection: Connection, kind: Kind, request: Request) -> ChangeReceipt | None:
    table, by = schema.change, request.originator
    row = connection.execute(select(table).where(table.c.ori == by.ori, table.c.tcn == by.tcn)).one_or_none()
    if row is None:
        return None
    if (row.kind, row.digest) != (kind.value, request.digest):
        raise TransactionTakenError(row.digest)
    position = Position(row.transaction, row.number)
    return ChangeReceipt(kind, tuple(json.loads(row.encounter_ids)), utc(row.at), position, repeated=True)


def _targets(connection: Connection, gallery: str, target: Target) -> list[Held]:
    """The encounters meant, oldest first, locked until the transaction ends."""
    table = schema.encounter
    named = (
        table.c.subject_id == target.subject_id
        if target.subject_id is not None
        else table.c.encounter_id == target.encounter_id
    )
    rows = connection.execute(
        select(table.c.encounter_id, table.c.subject_id, table.c.sealed)
        .where(table.c.gallery == gallery, named)
        .order_by(table.c.number)
        .with_for_update()
    ).all()
    if not rows:
        kind = "subject" if target.subject_id is not None else "encounter"
        raise NotStoredError(kind, target.subject_id or target.encounter_id or "")
    return [Held(row.encounter_id, row.subject_id, row.sealed) for row in rows]


def remove_encounters(connection: Connection, gallery: str, held: Sequence[Held]) -> None:
    """Take encounters out of every table but the log, the receipts and the tombstones."""
    ids = [item.encounter_id for item in held]
    for table in (schema.template, schema.minutiae, schema.encounter):
        connection.execute(delete(table).where(table.c.encounter_id.in_(ids)))
    _forget_empty_subjects(connection, gallery, {item.subject_id for item in held})


def _forget_empty_subjects(connection: Connection, gallery: str, subject_ids: set[str]) -> None:
    subject, encounter = schema.subject, schema.encounter
    filed = exists().where(
        encounter.c.gallery == subject.c.gallery,
        encounter.c.subject_id == subject.c.subject_id,
    )
    connection.execute(
        delete(subject).where(subject.c.gallery == gallery, subject.c.subject_id.in_(subject_ids), ~filed)
    )


def _live_epoch(connection: Connection, gallery: str) -> Any:
    table, epoch = schema.gallery, schema.epoch
    return connection.execute(
        select(table.c.live_epoch, epoch.c.model_version)
        .join(epoch, (epoch.c.gallery == table.c.name) & (epoch.c.epoch == table.c.live_epoch))
        .where(table.c.name == gallery)
    ).one()
