"""The drop folder: how agencies that only have files hand them in, and get their answers.

Under the root each agency has a folder named by its ORI, which the operator makes. In it:

* ``in/``: the agency puts files here. One is claimed when two looks in a row find it unchanged; names that begin with a
  dot or end in ``.tmp`` or ``.part`` are left alone, so a file can also be written under such a name and renamed.
* ``taken/``: claimed, not yet acknowledged. A file leaves it only when it is durable elsewhere or refused; what a crash
  leaves here is handed in again, which is safe: a submission is known by its ORI and TCN. So is, after pauses that
  double to a minute, a file that could not be taken: for want of a database for as long as it takes; for another reason
  that is not its own eight times at most, and then it is refused.
* ``refused/``: refused, as ``<claim>.<name>``; the agency clears it.
* ``out/``: answers, and an ERRT as ``errt-<claim>.ebts`` for each refused file; the agency takes them and clears it.
  Names that begin with a dot are unfinished.

A file that was taken is deleted: whether its prints are kept is the submission's affair (RET), not the folder's.
"""

import asyncio
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from tenprint.store import StoreUnavailableError
from tenprint.workflow.ebts.errors import Problem, Sender, SubmissionError
from tenprint.workflow.ebts.responses import ResponseHeader, tenprint_error
from tenprint.workflow.ebts.submission import DEFAULT_PRIORITY, sender_of
from tenprint.workflow.ebts.type2_fields import is_ori
from tenprint.workflow.folders import write_durably
from tenprint.workflow.metrics import WorkflowMetrics

Submit = Callable[[str, str, bytes], Awaitable[None]]
"""Takes (ORI of the folder, name of the file, its bytes); durable when it returns, and a second call with the same file
does nothing more. It raises SubmissionError to refuse the file, StoreUnavailableError where it could be taken later;
anything else is a fault of the server's, or of the disk."""

THIS_SERVER: Final = "TENPRINT0"
"""In the place of the ORI that answers a file whose addressee could not be read."""
UNREADABLE: Final = "UNREADABLE"
"""TCR of an ERRT to a file whose TCN could not be read."""

_LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts at a file at most."""

_UNFINISHED: Final = (".tmp", ".part")
_HEAD_BYTES: Final = 4096
_CLAIM: Final = 16
"""Hexadecimal digits before a claimed file's own name, so that two of one name never meet."""
_KEPT_NAME: Final = 48
"""Characters of its own name that are kept, the last ones: with the claim within 255 bytes."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FolderLimits:
    """What the folder takes.

    Attributes:
        max_bytes: of one file; a larger one is refused unread.
        max_files: of one agency handed in in one turn, of those left from before and of new ones each; the others wait.
        seconds: between two looks, and the first pause after a failure.
        attempts: at a file that fails for a reason which is neither its own nor the database's.
    """

    max_bytes: int = 32_000_000
    max_files: int = 32
    seconds: float = 2.0
    attempts: int = 8


@dataclass(frozen=True, slots=True)
class _Failed:
    """What is remembered of a file that could not be taken: a new process begins anew.

    Attributes:
        times: how often, but for want of a database.
        pause: after the last attempt, in seconds.
        due: when it is handed in again, by the monotonic clock.
    """

    times: int
    pause: float
    due: float


class DropFolder:
    """Watches the folder. Two processes on one root do no harm: both may hand the same file in.

    Args:
        root: holds a folder for each agency.
        submit: takes the files.
        metrics: counts them by what became of each attempt.
        limits: what is taken.
    """

    def __init__(self, root: Path, submit: Submit, metrics: WorkflowMetrics, limits: FolderLimits) -> None:
        self._root, self._submit, self._metrics, self._limits = root, submit, metrics, limits
        self._failed: dict[Path, _Failed] = {}
        self._seen: dict[Path, tuple[int, int, int]] = {}

    async def run(self) -> None:
        """Look, hand in, wait; until it is cancelled. A fault of the root is logged, and the next turn follows."""
        while True:
            try:
                await self.turn()
            except OSError as error:
                _log.warning("drop_folder_unusable", error=type(error).__name__)
            await asyncio.sleep(self._limits.seconds)

    async def turn(self) -> int:
        """One look at every agency's folder: what was left from before first, then what is new and at rest.

        Returns:
            How many files were taken or refused.

        Raises:
            OSError: if the root cannot be read. What is wrong with one agency's folder is logged.
        """
        done = 0
        for ori in await asyncio.to_thread(self._agencies):
            try:
                for path in await asyncio.to_thread(self._claimed, ori):
                    done += await self._handle(ori, path)
            except OSError as error:
                _log.warning("drop_folder_unusable", ori=ori, error=type(error).__name__)
        return done

    async def _handle(self, ori: str, path: Path) -> bool:
        """Hand a claimed file in; whether it is out of the way."""
        name = path.name[_CLAIM + 1 :]
        try:
            data = await asyncio.to_thread(self._read, path)
            await self._submit(ori, name, data)
        except SubmissionError as error:
            await asyncio.to_thread(self._refuse, ori, path, error)
            self._done(path, "refused")
            return True
        except FileNotFoundError:  # another process has taken it
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the other files go on, and this one is not lost
            return await self._postpone(ori, path, error)
        await asyncio.to_thread(path.unlink, missing_ok=True)
        self._done(path, "taken")
        return True

    async def _postpone(self, ori: str, path: Path, error: Exception) -> bool:
        """Let a file wait, or give it up; whether it is out of the way."""
        before = self._failed.get(path, _Failed(0, 0.0, 0.0))
        times = before.times + (not isinstance(error, StoreUnavailableError))
        facts = {"ori": ori, "claim": path.name[:_CLAIM], "error": type(error).__name__, "attempt": times}
        if times >= self._limits.attempts:
            _log.error("drop_folder_given_up", **facts, exc_info=error)
            problem = Problem("1.001", "NOT_TAKEN", f"LEN: the server failed {times} times; ask its operator")
            await asyncio.to_thread(self._refuse, ori, path, SubmissionError([problem], Sender(None, None, None)))
            self._done(path, "given_up")
            return True
        pause = min(max(2 * before.pause, self._limits.seconds), _LONGEST_PAUSE)
        self._failed[path] = _Failed(times, pause, time.monotonic() + pause)
        self._metrics.dropped_files.labels("postponed").inc()
        _log.warning("drop_folder_postponed", **facts, seconds=pause)
        return False

    def _done(self, path: Path, outcome: str) -> None:
        self._failed.pop(path, None)
        self._metrics.dropped_files.labels(outcome).inc()

    def _agencies(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self._root) if entry.is_dir() and is_ori(entry.name))

    def _claimed(self, ori: str) -> list[Path]:
        """The files of an agency to hand in now, claimed under names of their own in taken/."""
        home = self._root / ori
        for folder in ("in", "taken", "refused", "out"):
            (home / folder).mkdir(exist_ok=True)
        now = time.monotonic()
        left = {path for path in (home / "taken").iterdir() if path.is_file()}
        for path in [path for path in self._failed if path.parent == home / "taken" and path not in left]:
            del self._failed[path]
        due = (path for path in left if path not in self._failed or self._failed[path].due <= now)
        claimed = sorted(due)[: self._limits.max_files]
        for path in islice(self._at_rest(home / "in"), self._limits.max_files):
            target = home / "taken" / f"{secrets.token_hex(_CLAIM // 2)}.{path.name[-_KEPT_NAME:]}"
            try:
                path.rename(target)
            except FileNotFoundError:  # the agency has taken it back
                continue
            claimed.append(target)
        return claimed

    def _at_rest(self, folder: Path) -> Iterator[Path]:
        """The regular files that have not changed since the look before, oldest first."""
        now: dict[Path, tuple[int, int, int]] = {}
        for entry in os.scandir(folder):
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(found.st_mode):
                now[Path(entry.path)] = (found.st_mtime_ns, found.st_size, found.st_ino)
        resting = [path for path, state in now.items() if self._seen.get(path) == state]
        self._seen = {path: state for path, state in self._seen.items() if path.parent != folder} | now
        yield from sorted(resting, key=lambda path: (now[path], path))

    def _read(self, path: Path) -> bytes:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            if size > self._limits.max_bytes:
                allowed = f"LEN: the file has {size} bytes; at most {self._limits.max_bytes} are allowed"
                raise SubmissionError([Problem("1.001", "TOO_LARGE", allowed)], Sender(None, None, None))
            return file.read(self._limits.max_bytes)

    def _refuse(self, ori: str, path: Path, error: SubmissionError) -> None:
        """Answer with an ERRT, then put the file aside; after a crash in between the same again under the same name."""
        claim = path.name[:_CLAIM]
        known = Sender(None, None, None)
        with suppress(OSError), path.open("rb") as file:  # one that cannot be read is answered, too
            known = sender_of(file.read(_HEAD_BYTES))
        header = ResponseHeader(
            tcn=_answer_number(ori, path.name),
            tcr=known.tcn or UNREADABLE,
            from_ori=known.destination or THIS_SERVER,
            to_ori=ori,
            priority=DEFAULT_PRIORITY,
            at=datetime.now(UTC),
        )
        answer = tenprint_error(header, [str(problem) for problem in error.problems])
        write_durably(self._root / ori / "out" / f"errt-{claim}.ebts", answer)
        path.rename(self._root / ori / "refused" / path.name)
        rules = [f"{problem.tag} {problem.rule}" for problem in error.problems]
        _log.info("drop_folder_refused", ori=ori, claim=claim, rules=rules)


def _answer_number(ori: str, claim: str) -> str:
    """TCN of the refusal of a claimed file: the same however often it is written."""
    return f"ERRT-{hashlib.sha256(f'{ori}/{claim}'.encode()).hexdigest()[:32]}"
