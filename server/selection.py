"""Which samples of a capture are used: one a finger, and a report for everything else."""

from tenprint.fingerprint.itl import Impression, Transaction
from tenprint.fingerprint.positions import FingerPosition
from tenprint.server.capture import Fingers, SampleReport, SampleStatus
from tenprint.server.errors import InvalidRequestError, Violation


def check_positions(capture: Fingers, path: str, *, unknown_position_allowed: bool) -> None:
    """See that there is one sample a finger, no finger both sent and missing, and an unknown position only alone.

    Args:
        capture: fingers sent one by one.
        path: its field in the request.
        unknown_position_allowed: whether it may be one finger of unknown position.

    Raises:
        InvalidRequestError: naming every sample at fault.
    """
    violations: list[Violation] = []
    first: dict[FingerPosition, str] = {}
    for i, sample in enumerate(capture.samples):
        field = f"{path}.fingers.samples[{i}].position"
        if sample.position is FingerPosition.UNKNOWN:
            if not unknown_position_allowed:
                violations.append(Violation(field, "unknown (FGP 0); a record needs positions 1 to 12"))
            elif len(capture.samples) > 1:
                violations.append(Violation(field, "unknown (FGP 0); allowed for one sample alone"))
            continue
        key = _key(sample.position)
        if key in first:
            problem = f"finger {int(key)} ({key.label}) is in {first[key]} already; send one sample a finger"
            violations.append(Violation(field, problem))
        first.setdefault(key, f"samples[{i}]")
    for i, finger in enumerate(capture.missing):
        field = f"{path}.fingers.missing[{i}].position"
        if finger.position in first:
            problem = f"finger {int(finger.position)} ({finger.position.label}) is in {first[finger.position]}"
            violations.append(Violation(field, f"{problem}; a finger is sent or missing, not both"))
        first.setdefault(finger.position, f"missing[{i}]")
    if violations:
        raise InvalidRequestError(violations)


def choose(
    transaction: Transaction, positions: frozenset[FingerPosition]
) -> tuple[list[Impression], list[SampleReport]]:
    """The impressions of a file to use, one a finger, rolled before plain; and a report for everything else in it."""
    chosen: dict[FingerPosition, Impression] = {}
    reports: list[SampleReport] = []

    def leave(impression: Impression, status: SampleStatus, detail: str) -> None:
        reports.append(SampleReport(impression.position, status, detail, record_type=impression.record_type))

    for impression in sorted(transaction.impressions, key=lambda item: not item.rolled):
        if positions and impression.position not in positions:
            leave(impression, SampleStatus.NOT_USED_POSITION, "the request names other positions")
        elif impression.position is FingerPosition.UNKNOWN:
            leave(impression, SampleStatus.NOT_USED_TYPE, "its position is unknown; send it alone as one sample")
        elif (finger := _key(impression.position)) in chosen:
            used = chosen[finger]
            kind = "rolled" if used.rolled else "first"
            leave(impression, SampleStatus.NOT_USED_DUPLICATE, f"the {kind} impression of this finger is used")
        else:
            chosen[finger] = impression
    reports += [
        SampleReport(finger.position, SampleStatus.MISSING, finger.reason.name.lower().replace("_", " "))
        for finger in transaction.missing
    ]
    reports += [
        SampleReport(FingerPosition.UNKNOWN, SampleStatus.NOT_USED_TYPE, record.reason, record_type=record.record_type)
        for record in transaction.skipped
    ]
    return list(chosen.values()), reports


def _key(position: FingerPosition) -> FingerPosition:
    """What two samples may not both be of: one finger, rolled or plain, or one slap."""
    return position if position.is_slap else position.finger


def is_finger(position: FingerPosition) -> bool:
    """Whether a position is of one known finger."""
    return position is not FingerPosition.UNKNOWN and not position.is_slap
