"""Epochs: a gallery's vectors by model. One is live; another may be built beside it and swapped in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from tenprint.store import schema
from tenprint.store.database import Database
from tenprint.store.errors import EpochError, GalleryModelError, NotStoredError
from tenprint.store.types import Epoch, GallerySpec


@dataclass(frozen=True, slots=True)
class Unembedded:
    """An encounter that an epoch has no vector of; `minutiae` empty: none were kept, so no model can make one."""

    encounter_id: str
    minutiae: bytes


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """An encounter's vector for an epoch; as the table holds it."""

    encounter_id: str
    fingers: int
    vector: bytes
    features: bytes


class Epochs:
    """The models of the galleries."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    def of(self, gallery: str) -> list[Epoch]:
        """The epochs of a gallery, oldest first.

        Raises:
            NotStoredError: if there is no such gallery.
        """
        epoch, template, encounter = schema.epoch, schema.template, schema.encounter
        with self._database.read() as connection:
            live = connection.execute(
                select(schema.gallery.c.live_epoch).where(schema.gallery.c.name == gallery)
            ).scalar_one_or_none()
            if live is None:
                raise NotStoredError("gallery", gallery)
            held = connection.execute(
                select(func.count()).select_from(encounter).where(encounter.c.gallery == gallery)
            ).scalar_one()
            counted = connection.execute(
                select(template.c.epoch, func.count().label("encounters"))
                .join(encounter, encounter.c.encounter_id == template.c.encounter_id)
                .where(encounter.c.gallery == gallery)
                .group_by(template.c.epoch)
            )
            counts = {row.epoch: int(row.encounters) for row in counted}
            rows = connection.execute(select(epoch).where(epoch.c.gallery == gallery).order_by(epoch.c.epoch)).all()
        return [
            Epoch(
                gallery,
                row.epoch,
                row.model_version,
                row.dimension,
                row.epoch == live,
                counts.get(row.epoch, 0),
                held - counts.get(row.epoch, 0),
            )
            for row in rows
        ]

    def begin(self, gallery: str, model_version: str, dimension: int) -> int:
        """The number of the epoch of a model; made where there is none."""

        def work(connection: Connection) -> int:
            table = schema.epoch
            numbers = {
                row.model_version: row.epoch
                for row in connection.execute(select(table).where(table.c.gallery == gallery))
            }
            if model_version in numbers:
                return int(numbers[model_version])
            number = max(numbers.values(), default=0) + 1
            row = {"gallery": gallery, "epoch": number, "model_version": model_version, "dimension": dimension}
            connection.execute(insert(table).values(row))
            return number

        return self._database.write(work)

    def unembedded(self, gallery: str, epoch: int, limit: int, after: str = "") -> list[Unembedded]:
        """Encounters without a vector in an epoch, by rising id, beyond one."""
        encounter, template, minutiae = schema.encounter, schema.template, schema.minutiae
        there = exists().where(template.c.encounter_id == encounter.c.encounter_id, template.c.epoch == epoch)
        query = (
            select(encounter.c.encounter_id, minutiae.c.record)
            .join(minutiae, minutiae.c.encounter_id == encounter.c.encounter_id, isouter=True)
            .where(encounter.c.gallery == gallery, encounter.c.encounter_id > after, ~there)
            .order_by(encounter.c.encounter_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [Unembedded(row.encounter_id, row.record or b"") for row in connection.execute(query)]

    def add(self, epoch: int, templates: Sequence[NewTemplate]) -> int:
        """Put vectors into an epoch; how many: an encounter that has gone meanwhile is passed over."""

        def work(connection: Connection) -> int:
            table = schema.encounter
            ids = [template.encounter_id for template in templates]
            held = set(
                connection.execute(
                    select(table.c.encounter_id).where(table.c.encounter_id.in_(ids)).with_for_update(read=True)
                ).scalars()
            )
            rows = [
                {
                    "encounter_id": template.encounter_id,
                    "epoch": epoch,
                    "fingers": template.fingers,
                    "vector": template.vector,
                    "features": template.features,
                }
                for template in templates
                if template.encounter_id in held
            ]
            if rows:
                self._database.insert_if_absent(connection, schema.template, rows)
            return len(rows)

        return self._database.write(work) if templates else 0

    def templates(self, gallery: str, epoch: int) -> Iterator[Sequence[Any]]:
        """Rows (encounter_id, subject_id, fingers, vector) of the searched encounters of an epoch, in batches."""
        encounter, template = schema.encounter, schema.template
        query = (
            select(encounter.c.encounter_id, encounter.c.subject_id, template.c.fingers, template.c.vector)
            .join(template, template.c.encounter_id == encounter.c.encounter_id)
            .where(encounter.c.gallery == gallery, template.c.epoch == epoch, encounter.c.sealed.is_(False))
            .order_by(encounter.c.number)
            .execution_options(yield_per=1000)
        )
        with self._database.read() as connection:
            yield from connection.execute(query).partitions()

    def swap(self, gallery: str, epoch: int) -> None:
        """Make an epoch the live one, at once.

        Raises:
            EpochError: if there is no such epoch, or an encounter has no vector in it: it would be searched no longer.
        """

        def work(connection: Connection) -> None:
            table, encounter, template = schema.epoch, schema.encounter, schema.template
            # First the lock that enrolments share, so that none slips in between the count and the swap.
            connection.execute(update(schema.gallery).where(schema.gallery.c.name == gallery).values(live_epoch=epoch))
            known = connection.execute(
                select(table.c.epoch).where(table.c.gallery == gallery, table.c.epoch == epoch)
            ).one_or_none()
            if known is None:
                raise EpochError(f"gallery {gallery!r} has no epoch {epoch}")
            there = exists().where(template.c.encounter_id == encounter.c.encounter_id, template.c.epoch == epoch)
            without = connection.execute(
                select(func.count()).select_from(encounter).where(encounter.c.gallery == gallery, ~there)
            ).scalar_one()
            if without:
                raise EpochError(
                    f"epoch {epoch} of gallery {gallery!r} has no vector of {without} encounters, which would no "
                    "longer be found: build it to the end first"
                )

        self._database.write(work)

    def forget(self, gallery: str, epoch: int) -> None:
        """Erase an epoch's vectors.

        Raises:
            EpochError: if it is the live one.
        """

        def work(connection: Connection) -> None:
            table, encounter, template = schema.gallery, schema.encounter, schema.template
            live = connection.execute(select(table.c.live_epoch).where(table.c.name == gallery).with_for_update())
            if live.scalar_one() == epoch:
                raise EpochError(f"epoch {epoch} of gallery {gallery!r} is live; another must be swapped in first")
            mine = select(encounter.c.encounter_id).where(encounter.c.gallery == gallery)
            connection.execute(delete(template).where(template.c.epoch == epoch, template.c.encounter_id.in_(mine)))
            epochs = schema.epoch
            connection.execute(delete(epochs).where(epochs.c.gallery == gallery, epochs.c.epoch == epoch))

        self._database.write(work)

    @staticmethod
    def check_live(connection: Connection, expected: Mapping[str, int]) -> None:
        """Hold the live epochs still until the transaction ends, and see that they are those expected.

        Raises:
            EpochError: if another has been swapped in.
        """
        table = schema.gallery
        rows = connection.execute(
            select(table.c.name, table.c.live_epoch)
            .where(table.c.name.in_(expected.keys()))
            .order_by(table.c.name)
            .with_for_update(read=True)
        )
        for row in rows:
            if row.live_epoch != expected[row.name]:
                raise EpochError(
                    f"epoch {row.live_epoch} of gallery {row.name!r} has been swapped in while this server runs epoch "
                    f"{expected[row.name]}: restart it with that model"
                )


def live_galleries(database: Database) -> list[GallerySpec]:
    """The galleries of a store as they are, by name."""
    table, epoch = schema.gallery, schema.epoch
    query = (
        select(table.c.name, epoch.c.model_version, epoch.c.dimension)
        .join(epoch, (epoch.c.gallery == table.c.name) & (epoch.c.epoch == table.c.live_epoch))
        .order_by(table.c.name)
    )
    with database.read() as connection:
        return [GallerySpec(row.name, row.model_version, row.dimension) for row in connection.execute(query)]


def hold_gallery(connection: Connection, name: str, model_version: str, dimension: int) -> int:
    """Make a gallery where there is none, and see that its live epoch is of a model; the epoch's number.

    Raises:
        GalleryModelError: if it is of another model.
    """
    table, epoch = schema.gallery, schema.epoch
    row = connection.execute(
        select(epoch)
        .join(table, (epoch.c.gallery == table.c.name) & (epoch.c.epoch == table.c.live_epoch))
        .where(table.c.name == name)
    ).one_or_none()
    if row is None:
        connection.execute(insert(table).values({"name": name, "live_epoch": 1}))
        first = {"gallery": name, "epoch": 1, "model_version": model_version, "dimension": dimension}
        connection.execute(insert(epoch).values(first))
        return 1
    if (row.model_version, row.dimension) != (model_version, dimension):
        raise GalleryModelError(name, row.model_version, model_version)
    return int(row.epoch)
