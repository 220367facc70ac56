"""The mock: the workflow as it is, with matchers that answer by what the TCN says. For vendors, without prints."""

import asyncio
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import grpc
from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection

from tenprint.client.errors import TenprintError
from tenprint.client.types import (
    Answer,
    Candidate,
    Coverage,
    FingerScore,
    Identification,
    OneEncounter,
    Originator,
    Outcome,
    Receipt,
    RecordTarget,
    SampleReport,
)
from tenprint.fingerprint.itl import Transaction, transaction_of
from tenprint.fingerprint.itl_records import DEFAULT_LIMITS, split_records
from tenprint.fingerprint.positions import FINGERS
from tenprint.server import logging
from tenprint.server.endpoint import AddressError
from tenprint.store import Database, StoreError
from tenprint.workflow import agencies, policy
from tenprint.workflow.agencies import Agency
from tenprint.workflow.app import run
from tenprint.workflow.policy import Bands, Policy
from tenprint.workflow.schema import MIGRATIONS
from tenprint.workflow.settings import WorkflowSettings
from tenprint.workflow.types import Gallery, RecordChange, Role

AGENCIES: Final = (
    Agency("ZZCOUNTY1", "Alpha County Jail", Role.BOOKING, "Alpha", bureau="ZZBUREAU1", field_office="ZZOFFICE1"),
    Agency(
        "ZZCOUNTY2", "Beta County Jail", Role.BOOKING, "Beta", bureau="ZZBUREAU1", field_office="ZZOFFICE1",
        can_receive=False,
    ),
    Agency("ZZBUREAU1", "State Bureau", Role.STATE_BUREAU, "State"),
    Agency("ZZOFFICE1", "Field Office", Role.FIELD_OFFICE, "Region"),
    Agency("ZZEXAMIN1", "Examiners, first unit", Role.EXAMINER_UNIT, "State"),
    Agency("ZZEXAMIN2", "Examiners, second unit", Role.EXAMINER_UNIT, "State"),
    Agency("ZZOVERSE1", "Oversight", Role.OVERSIGHT, "State", reviews_both=True),
)  # fmt: skip
"""Who takes part in the mock."""

POLICY: Final = Policy(
    bands={gallery: Bands(lights_out_fpir=1e-6) for gallery in Gallery},
    examine_lights_out=False,
    leg_attempts=2,
    source="tenprint mock: scripted, not a search",
    complaints="nobody: this is a mock",
)
"""The lights-out bar is on, so that a hit is answered at once; such a hit is marked unconfirmed.

Nobody examines it afterwards: the examiners' queue holds what was scripted as REVIEW."""

LONGEST_DELAY: Final = 3600
"""Seconds; a longer one in a TCN is cut to this."""

_RECORDS: Final = 1000
"""Encounters that a scripted gallery says it holds."""

_OUTCOMES: Final = ("HIT", "NOHIT", "REVIEW", "ERROR", "PARTIAL")
_WORD: Final = re.compile(rf"(?:(CRIMINAL|IMMIGRATION)\.)?(?:({'|'.join(_OUTCOMES)})|DELAY([0-9]+))")


class NotAMockError(Exception):
    """A database that holds other agencies than the mock's: somebody's own."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a gallery is to answer: one of HIT, NOHIT, REVIEW, ERROR and PARTIAL, after some seconds."""

    outcome: str = "NOHIT"
    delay: int = 0


def script_of(tcn: str, gallery: Gallery) -> Script:
    """What a TCN asks of a gallery.

    Args:
        tcn: words between hyphens, capitals or not: HIT, NOHIT, REVIEW, ERROR, PARTIAL, DELAY<seconds>. One after
            "CRIMINAL." or "IMMIGRATION." is for that gallery, and goes before one for both; of several the last counts.
            Other words mean nothing.
        gallery: which.
    """
    outcomes: dict[bool, str] = {}
    delays: dict[bool, int] = {}
    for word in tcn.upper().split("-"):
        found = _WORD.fullmatch(word.strip())
        if found is None:
            continue
        of, outcome, seconds = found.groups()
        if of is not None and of != gallery.name:
            continue
        if outcome is not None:
            outcomes[of is not None] = outcome
        else:
            delays[of is not None] = min(int(seconds), LONGEST_DELAY)
    return Script(
        outcomes.get(True, outcomes.get(False, Script().outcome)), delays.get(True, delays.get(False, Script().delay))
    )


class ScriptedMatcher:
    """A :class:`tenprint.workflow.matcher.Matcher` that compares nothing: it answers as the file's TCN says."""

    async def search(self, gallery: Gallery, by: Originator, file: bytes, *, priority: int) -> Identification:
        """Answer by the script in the file's TCN (1.009).

        Raises:
            TenprintError: UNAVAILABLE, where the script says ERROR.
        """
        records = split_records(file, DEFAULT_LIMITS)
        prints = transaction_of(records, DEFAULT_LIMITS)
        script = script_of(records[0].text(9) or "", gallery)
        await asyncio.sleep(script.delay)
        if script.outcome == "ERROR":
            raise TenprintError(grpc.StatusCode.UNAVAILABLE, "the script says that this gallery does not answer")
        return Identification(
            tcr=by.tcn,
            answers=(_answer(gallery, script, prints),),
            samples=tuple(
                SampleReport(int(item.position), "used", "", None, None, item.record_type)
                for item in prints.impressions
            ),
            model_version="mock",
            decode_seconds=0.0,
            extract_seconds=0.0,
            embed_seconds=0.0,
        )

    async def enrol(self, gallery: Gallery, by: Originator, file: bytes, subject_id: str | None) -> Receipt:
        """Say that the prints were enrolled; nothing is kept."""
        subject = subject_id or f"MOCK-{by.tcn}"
        encounter = str(uuid5(NAMESPACE_URL, f"{gallery}/{by.ori}/{by.tcn}"))
        return Receipt(by.tcn, subject, encounter, (), "mock", repeated=False, position="")

    async def minutiae(self, gallery: Gallery, by: Originator, encounter_id: str) -> bytes:
        """Nothing: there are no prints behind a scripted candidate."""
        return b""

    async def change(
        self, change: RecordChange, gallery: Gallery, by: Originator, target: RecordTarget, reference: str
    ) -> tuple[str, ...]:
        """Say that the record was changed."""
        return (target.encounter_id if isinstance(target, OneEncounter) else _encounter(target.subject_id),)

    async def close(self) -> None:
        """Nothing is held."""


def serve(
    listen: str, metrics_listen: str, port_file: Path | None, database_url: str | None, drop_folder: Path | None
) -> int:
    """Run the mock until it is told to stop.

    Args:
        listen: host:port of the services.
        metrics_listen: host:port of /metrics.
        port_file: where to write the addresses in use; None: nowhere.
        database_url: where it is kept; None: in a folder that goes with the process.
        drop_folder: folder for agencies without gRPC; None: none.

    Returns:
        The process's exit status: 0 after a clean drain, 2 for a setting that is wrong.
    """
    logging.configure("info")
    with tempfile.TemporaryDirectory(prefix="tenprint-mock-") as folder:
        try:
            settings = WorkflowSettings(
                listen=listen,
                metrics_listen=metrics_listen,
                port_file=port_file,
                database_url=SecretStr(database_url or f"sqlite:///{Path(folder) / 'mock.db'}"),
                drop_folder=drop_folder,
                retry_seconds=1.0,
                running_legs=256,  # a script's delay holds a place, and nothing else
            )
            prepare(settings.database_url.get_secret_value())
            asyncio.run(run(settings, lambda _: ScriptedMatcher()))
        except (ValidationError, NotAMockError, StoreError, AddressError, OSError) as error:
            sys.stderr.write(f"tenprint mock: {error}\n")
            return 2
    return 0


def prepare(database_url: str) -> None:
    """Put the mock's agencies and policy into a database.

    Raises:
        NotAMockError: if it holds others.
    """

    def work(connection: Connection) -> None:
        held = {agency.ori for agency in agencies.all_of(connection)}
        if held - {agency.ori for agency in AGENCIES}:
            raise NotAMockError("the database holds agencies of its own: a mock needs one to itself")
        if not held:
            agencies.replace(connection, AGENCIES)
            policy.replace(connection, POLICY, "tenprint mock")

    database = Database(database_url, migrations=MIGRATIONS)
    try:
        database.write(work)
    finally:
        database.close()


def _answer(gallery: Gallery, script: Script, prints: Transaction) -> Answer:
    hit = _candidate(gallery, 1, 0.98, 1e-9, prints)
    doubtful = (_candidate(gallery, 1, 0.61, 1e-2, prints), _candidate(gallery, 2, 0.58, 5e-2, prints))
    outcome, candidates, searched = {
        "HIT": (Outcome.CANDIDATES, (hit,), _RECORDS),
        "NOHIT": (Outcome.NO_CANDIDATES, (), _RECORDS),
        "REVIEW": (Outcome.CANDIDATES, doubtful, _RECORDS),
        "PARTIAL": (Outcome.PARTIAL, (), _RECORDS // 2),
    }[script.outcome]
    coverage = Coverage(_RECORDS, searched, 0)
    return Answer(gallery.value, outcome, candidates, coverage, None, 0.5, 0.0, float(script.delay), 0.0, 0.0, "mock")


def _candidate(gallery: Gallery, rank: int, score: float, expected_fpir: float, prints: Transaction) -> Candidate:
    rolled = [position for position in FINGERS if any(item.position == position for item in prints.impressions)]
    subject = f"MOCK-{gallery.name}-{rank}"
    fingers = tuple(FingerScore(int(position), score, score, 24) for position in rolled)
    return Candidate(rank, subject, _encounter(subject), score, fingers, score, expected_fpir)


def _encounter(subject_id: str) -> str:
    return str(uuid5(NAMESPACE_URL, subject_id))
