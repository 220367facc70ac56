"""Answers as tables for people."""

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from tenprint.client.types import (
    Answer,
    Candidate,
    FingerScore,
    GalleryInfo,
    Identification,
    Operation,
    Outcome,
    Receipt,
    RecordReceipt,
    SampleReport,
)

FOOTER = "A candidate is not an identification and says nothing about anyone's legal status. A person decides."

_FINGERS = {
    1: "R thumb", 2: "R index", 3: "R middle", 4: "R ring", 5: "R little",
    6: "L thumb", 7: "L index", 8: "L middle", 9: "L ring", 10: "L little",
}  # fmt: skip


def answer_line(answer: Answer) -> Text:
    """What a gallery said, in a sentence."""
    coverage = answer.coverage
    counted = f"{coverage.searched} of {coverage.total} records compared"
    if coverage.incomparable:
        counted += f", {coverage.incomparable} have no finger in common with the probe"
    match answer.outcome:
        case Outcome.CANDIDATES:
            said, style = f"{len(answer.candidates)} candidate(s) to examine; {counted}", "bold yellow"
        case Outcome.NO_CANDIDATES:
            said, style = f"no candidates scoring {answer.score_threshold:.2f} or more; {counted}", "bold green"
        case Outcome.PARTIAL:
            said, style = f"PARTIAL, must not be read as no match; {counted}", "bold red"
        case Outcome.ERROR:
            said, style = f"ERROR, must not be read as no match: {answer.error}", "bold red"
    return Text.assemble((f"{answer.gallery}: ", "bold"), (said, style))


def answer(value: Answer) -> RenderableType:
    """One gallery's answer: the sentence, and its candidates."""
    if not value.candidates:
        return answer_line(value)
    subject = Column("subject", overflow="fold")
    table = Table("rank", subject, "encounter", "score", "FPIR", "fingers", "best and worst finger")
    for candidate in value.candidates:
        ordered = sorted(candidate.finger_scores, key=_strength, reverse=True)
        ends = [ordered[0]] if len(ordered) == 1 else [ordered[0], ordered[-1]]
        table.add_row(
            str(candidate.rank),
            candidate.subject_id,
            candidate.encounter_id[:8],
            f"{candidate.score:.3f}",
            _expected(candidate),
            str(len(ordered)),
            ", ".join(f"{_FINGERS[finger.position]} {_strength(finger):.2f}" for finger in ends),
        )
    return Group(answer_line(value), table)


def _expected(candidate: Candidate) -> str:
    """Its expected FPIR; where the calibration ends, what it stays under; a dash where nothing is claimed."""
    if candidate.expected_fpir is not None:
        return f"{candidate.expected_fpir:.2g}"
    return "-" if candidate.fpir_bound is None else f"< {candidate.fpir_bound:.2g}"


def _strength(finger: FingerScore) -> float:
    """How alike a finger is: by its minutiae where they were compared."""
    return finger.score if finger.match_score is None else finger.match_score


def left_out(samples: tuple[SampleReport, ...]) -> RenderableType:
    """Samples that took no part, and why; and those that did, but are poor."""
    told: list[RenderableType] = []
    unused = [sample for sample in samples if sample.status != "used"]
    if unused:
        table = Table("position", "record", "what became of it", "why", title="not used")
        for sample in unused:
            record = f"Type {sample.record_type}" if sample.record_type else ""
            table.add_row(str(sample.position), record, sample.status.replace("_", " "), sample.detail)
        told.append(table)
    else:
        told.append(Text(f"all {len(samples)} samples used"))
    poor = [
        f"{sample.position} ({', '.join(sample.poor)})" for sample in samples if sample not in unused and sample.poor
    ]
    if poor:
        told.append(Text(f"poor prints, by position: {'; '.join(poor).replace('_', ' ')}"))
    return Group(*told)


def identification(value: Identification) -> RenderableType:
    """All answers to a search."""
    answers = [answer(item) for item in value.answers]
    return Group(*answers, left_out(value.samples), Text(FOOTER, style="italic"))


def receipt(value: Receipt) -> RenderableType:
    """An enrolment's receipt."""
    used = sum(sample.status == "used" for sample in value.samples)
    again = " (enrolled before under this TCN; nothing changed)" if value.repeated else ""
    line = f"subject {value.subject_id}, encounter {value.encounter_id}: {used} finger(s) enrolled{again}"
    return Group(Text(line), left_out(value.samples))


def record_receipt(value: RecordReceipt) -> RenderableType:
    """The receipt of a change to records."""
    again = " (done before under this TCN; nothing changed now)" if value.repeated else ""
    line = f"{len(value.encounter_ids)} encounter(s): {', '.join(value.encounter_ids)}{again}"
    if value.erased_by is not None:
        line += f"\nthe last byte is gone by {value.erased_by:%Y-%m-%d %H:%M:%S} UTC"
    return Text(line)


def operations(values: tuple[Operation, ...]) -> RenderableType:
    """What was done to records."""
    table = Table("when (UTC)", "what", "encounter", "subject", "before", "ORI", "TCN", "reference")
    for value in values:
        table.add_row(
            f"{value.at:%Y-%m-%d %H:%M:%S}",
            value.kind,
            value.encounter_id[:8],
            value.subject_id,
            value.previous_subject_id,
            value.ori,
            value.tcn,
            value.reference,
        )
    return table


def galleries(values: tuple[GalleryInfo, ...]) -> RenderableType:
    """The galleries of a server."""
    table = Table("gallery", "title", "subjects", "encounters", "complete", "model", "vectors")
    for value in values:
        table.add_row(
            value.name,
            value.title,
            str(value.subjects),
            str(value.encounters),
            str(value.complete_encounters),
            value.model_version,
            f"{value.memory_bytes / 1e6:.1f} MB",
        )
    return table
