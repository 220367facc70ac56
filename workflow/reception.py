"""Reception: reads what agencies hand in, checks it, keeps it, and wakes the runner. The one way in."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tenprint.fingerprint.sequence import sequence_faults
from tenprint.store import Database
from tenprint.workflow import intake
from tenprint.workflow.ebts.errors import Problem, SubmissionError
from tenprint.workflow.ebts.submission import Submission, read_submission, sender_of
from tenprint.workflow.intake import Offered, Taken
from tenprint.workflow.metrics import WorkflowMetrics
from tenprint.workflow.runner import Runner


class Reception:
    """Takes submissions.

    Args:
        database: where they are kept.
        runner: woken for each.
        metrics: counts them by what became.
        max_file_bytes: largest file.
        workers: threads that read files and compare rolled fingers with slaps.
    """

    def __init__(
        self, database: Database, runner: Runner, metrics: WorkflowMetrics, *, max_file_bytes: int, workers: int
    ) -> None:
        self._database, self._runner, self._metrics = database, runner, metrics
        self._max_file_bytes = max_file_bytes
        self._pool = ThreadPoolExecutor(workers, "reception")

    async def submit(self, offered: Offered) -> Taken:
        """Take a file; durable when it returns.

        Raises:
            SubmissionError: naming every tag that breaks a rule.
            WorkflowError: if the agency may not submit it, or has used its TCN for another.
        """
        outcome = "refused"
        try:
            loop = asyncio.get_running_loop()
            read = await loop.run_in_executor(self._pool, self._read, offered)
            faults = await loop.run_in_executor(self._pool, _faults, read)
            taken = await asyncio.to_thread(intake.take, self._database, offered, faults, read)
            outcome = "repeated" if taken.repeated else "taken"
        finally:
            self._metrics.submissions.labels(outcome).inc()
        self._runner.wake()
        return taken

    def close(self) -> None:
        """Let what is being read finish."""
        self._pool.shutdown()

    def _read(self, offered: Offered) -> Submission:
        if len(offered.file) > self._max_file_bytes:
            message = f"LEN: the file has {len(offered.file)} bytes; at most {self._max_file_bytes} are allowed"
            raise SubmissionError([Problem("1.001", "TOO_LARGE", message)], sender_of(offered.file))
        read = read_submission(offered.file)
        if read.ori != offered.ori:
            message = f"ORI: the file is of {read.ori}, and {offered.ori} submits it; they must be the same"
            raise SubmissionError([Problem("1.008", "WRONG_ORI", message)], sender_of(offered.file))
        return read


def _faults(read: Submission) -> Sequence[str]:
    missing = [finger.position for finger in read.file.missing]
    return [str(fault) for fault in sequence_faults(read.file.impressions, missing).faults]
