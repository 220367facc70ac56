"""Real workflow processes beside real matchers, and what tests put into them."""

import itertools
import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tenprint.client.workflow import WorkflowClient
from tenprint.store import Database
from tenprint.v1 import submissions_pb2
from tenprint.workflow import agencies, policy
from tenprint.workflow.agencies import Agency
from tenprint.workflow.schema import MIGRATIONS
from tenprint.workflow.types import Role
from tests import processes

BUREAU, COUNTY, SECOND, OFFICE, UNIT, OVERSIGHT = (
    "ZZBUREAU0", "ZZCOUNTY1", "ZZCOUNTY2", "ZZOFFICE0", "ZZEXAMIN0", "ZZOVERSE0",
)  # fmt: skip

AGENCIES = (
    Agency(BUREAU, "State bureau", Role.STATE_BUREAU, "Examplia"),
    Agency(COUNTY, "First county", Role.BOOKING, "First", BUREAU, OFFICE, can_receive=False),
    Agency(SECOND, "Second county", Role.BOOKING, "Second", BUREAU, OFFICE),
    Agency(OFFICE, "Field office", Role.FIELD_OFFICE, "Examplia"),
    Agency(UNIT, "Examiners", Role.EXAMINER_UNIT, "Examplia"),
    Agency(OVERSIGHT, "Oversight", Role.OVERSIGHT, "Examplia", reviews_both=True),
)
"""A state: two counties, one of which cannot receive, their bureau, the field office, examiners and oversight."""

_tcns = itertools.count(1)


def tcn(prefix="BOOKING"):
    return f"{prefix}-{next(_tcns):08d}"


@dataclass
class Workflow:
    """A workflow process and the folder it lives in; `start` it again after a `kill`."""

    folder: Path
    settings: dict
    process: processes.Forked | None = None
    client: WorkflowClient | None = field(default=None, repr=False)
    metrics_url: str = ""

    @property
    def url(self):
        return self.settings.get("DATABASE_URL", f"sqlite:///{self.folder / 'workflow.db'}")

    @property
    def log(self):
        return self.folder / "log.jsonl"

    def write(self, work):
        """Run a transaction on its database, beside it."""
        database = Database(self.url, migrations=MIGRATIONS)
        try:
            return database.write(work)
        finally:
            database.close()

    def start(self):
        ports = self.folder / "ports.json"
        ports.unlink(missing_ok=True)
        settings = {
            "LISTEN": "127.0.0.1:0",
            "METRICS_LISTEN": "127.0.0.1:0",
            "PORT_FILE": str(ports),
            "DATABASE_URL": self.url,
            "RETRY_SECONDS": "0.2",
            **self.settings,
        }
        environment = {**os.environ, **{f"TENPRINT_WORKFLOW_{name}": value for name, value in settings.items()}}
        self.process = processes.Forked(processes.serve_workflow, environment, self.log)
        deadline = time.monotonic() + 60
        while not ports.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the workflow did not start: {self.log.read_text()}")
            time.sleep(0.02)
        found = json.loads(ports.read_text())
        self.client = WorkflowClient(found["listen"], 30)
        self.metrics_url = f"http://{found['metrics']}/metrics"
        return self

    def kill(self):
        self.client.close()
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def submit(self, ori, file, **more):
        request = submissions_pb2.SubmitRequest(ori=ori, purpose="C", file=file, **more)
        return self.client.call(self.client.submissions.Submit, request).submission

    def status(self, ori, tcn, submitter=""):
        request = submissions_pb2.GetSubmissionRequest(ori=ori, submitter=submitter, tcn=tcn)
        return self.client.call(self.client.submissions.GetSubmission, request).submission

    def legs(self, ori, tcn, submitter=""):
        """By gallery: the leg as this agency is shown it."""
        return {leg.gallery: leg for leg in self.status(ori, tcn, submitter).legs}


def eventually(look, seconds=60):
    """What `look` gives once it is true; it is asked again and again."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)  # each look costs the server something
    return found


def make_workflow(folder, agencies_=AGENCIES, policy_=None, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    made = Workflow(folder, settings)
    made.write(lambda connection: agencies.replace(connection, agencies_))
    if policy_ is not None:
        made.write(lambda connection: policy.replace(connection, policy_, "test"))
    return made
