"""Random examiners at random cases: what must hold whatever they do."""

import tempfile

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tenprint.workflow import cases, examination, schema
from tenprint.workflow.errors import NotEntitledError, StateError
from tenprint.workflow.types import CaseKind, CaseState, LegState, LinkState
from tests.workflow.desk import EXCLUDED, IDENTIFIED, OTHER_UNIT, UNDECIDED, UNIT, Desk, candidate

EXAMINERS = st.sampled_from(["ann", "ben", "cas", "dot", "eve"])
UNITS = st.sampled_from([UNIT, OTHER_UNIT])
SAID = st.sampled_from([*[(IDENTIFIED, "S1")] * 4, (IDENTIFIED, "S2"), (EXCLUDED, ""), (UNDECIDED, "")])


class Examiners(RuleBasedStateMachine):
    @initialize()
    def open(self):
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(f"sqlite:///{self.folder.name}/workflow.db")
        self.submissions = []
        self.book()
        self.holders = {}  # as the rules of leases have it: case to (examiner, until)

    def teardown(self):
        self.desk.close()
        self.folder.cleanup()

    @rule()
    def book(self):
        if len(self.submissions) < 3:
            submission = self.desk.submit()
            self.submissions.append(submission)
            self.desk.answer(submission, [candidate("S1"), candidate("S2", 2, score=0.5)])

    @rule(examiner=EXAMINERS, unit=UNITS)
    def take(self, examiner, unit):
        found = self.desk.next(examiner, unit)
        if found is not None:
            holder, until = self.holders.get(found.case_id, (examiner, self.desk.now))
            assert holder == examiner or until <= self.desk.now, "two leases at once"
            assert [case for case, (name, _) in self._held().items() if name == examiner] in ([], [found.case_id])
            self.holders[found.case_id] = (examiner, found.leased_until)

    @rule(examiner=EXAMINERS, said=SAID, pick=st.integers(0, 20))
    def decide(self, examiner, said, pick):
        known = self.desk.rows(schema.case)
        if not known:
            return
        case_id = known[pick % len(known)].case_id
        mine = self._held().get(case_id, ("", None))[0] == examiner
        spoken = {row.examiner for row in self.desk.rows(schema.opinion) if row.case_id == case_id}
        try:
            self.desk.decide(case_id, examiner, *said)
        except (StateError, NotEntitledError):
            assert not mine or examiner in spoken
        else:
            assert mine or examiner in spoken
            if mine:
                del self.holders[case_id]

    @rule(examiner=EXAMINERS, unit=UNITS, said=SAID)
    def examine(self, examiner, unit, said):
        found = self.desk.next(examiner, unit)
        if found is not None:
            self.desk.decide(found.case_id, examiner, *said, ori=unit)
            self.holders.pop(found.case_id, None)

    @rule(examiner=EXAMINERS)
    def give_back(self, examiner):
        for case_id, (holder, _) in list(self._held().items()):
            if holder == examiner:
                self.desk.do(lambda c, case_id=case_id: examination.release(c, case_id, examiner, UNIT, self.desk.now))
                del self.holders[case_id]

    @rule(seconds=st.sampled_from([60, 1000, 2000]))
    def wait(self, seconds):
        self.desk.later(seconds)

    @rule(pick=st.integers(0, 20))
    def dispute(self, pick):
        confirmed = [row for row in self.desk.rows(schema.link) if row.state == LinkState.CONFIRMED]
        if confirmed:
            self.desk.dispute(confirmed[pick % len(confirmed)].link_id)
            self.holders = self._held()

    def _held(self):
        closed = {row.case_id for row in self.desk.rows(schema.case) if row.state == CaseState.CLOSED}
        return {
            case_id: held for case_id, held in self.holders.items() if held[1] > self.desk.now and case_id not in closed
        }

    @invariant()
    def an_identification_has_two_who_agree(self):
        if not hasattr(self, "desk"):
            return
        with self.desk.database.read() as connection:
            everything = cases.queue(connection, None, 100, self.desk.now)
            for case in everything:
                said = cases.opinions_of(connection, case.case_id)
                names = [opinion.examiner for opinion in said]
                assert len(names) == len(set(names)) <= 3
                assert not set(names) & case.barred
                agree = [opinion for opinion in said if opinion.verdict.subject_id == case.subject_id != ""]
                if case.outcome == IDENTIFIED:
                    assert len({opinion.examiner for opinion in agree}) >= 2
                if case.kind is CaseKind.DISPUTE and case.state is CaseState.CLOSED:
                    assert len(said) >= 2
        for row in self.desk.rows(schema.link):
            state = self.desk.leg(row.submission_id).state
            if row.state in {LinkState.CONFIRMED, LinkState.FROZEN}:
                assert state is LegState.MATCH
        frozen = {row.link_id for row in self.desk.rows(schema.link) if row.state == LinkState.FROZEN}
        about = [row for row in self.desk.messages() if row.kind in {"answer", "notice"} and row.link_id in frozen]
        assert all(row.state != "waiting" for row in about)


Examiners.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestExaminers = Examiners.TestCase
