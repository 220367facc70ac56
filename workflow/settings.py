"""Configuration of the workflow's process: variables `TENPRINT_WORKFLOW_*`, a YAML file, and flags; flags win."""

from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tenprint.server.process_settings import Address, ProcessSettings
from tenprint.workflow.types import Gallery


class WorkflowSettings(ProcessSettings):
    """Everything an operator can set. What people decide about the flow is policy, and lies in the database."""

    model_config = SettingsConfigDict(
        env_prefix="TENPRINT_WORKFLOW_",
        extra="forbid",
        frozen=True,
        cli_prog_name="tenprint workflow serve",
        cli_kebab_case=True,
        cli_hide_none_type=True,
    )

    listen: Annotated[Address, Field(description="address of the gRPC services")] = "127.0.0.1:50061"
    metrics_listen: Annotated[Address, Field(description="address of /metrics, for Prometheus")] = "127.0.0.1:9465"
    database_url: Annotated[
        SecretStr, Field(description="where the workflow is kept: sqlite:///FILE, or postgresql+psycopg://USER@HOST/DB")
    ] = SecretStr(f"sqlite:///{user_data_path('tenprint') / 'workflow.db'}")
    criminal_matcher: Annotated[Address, Field(description="the server that holds the criminal gallery")] = (
        "127.0.0.1:50051"
    )
    immigration_matcher: Annotated[Address, Field(description="the server that holds the immigration gallery")] = (
        "127.0.0.1:50051"
    )
    matcher_ca: Annotated[Path | None, Field(description="PEM file of the matchers' authority: use TLS")] = None
    matcher_seconds: Annotated[float, Field(gt=0, le=3600, description="time allowed to a search or an enrolment")] = (
        60.0
    )
    retry_seconds: Annotated[
        float, Field(gt=0, le=3600, description="first pause before something is tried again; it doubles, to an hour")
    ] = 5.0
    running_legs: Annotated[int, Field(ge=1, le=256, description="searches under way at once")] = 8
    delivery_seconds: Annotated[
        float, Field(gt=0, le=300, description="time allowed to a webhook's receiver, from connection to status")
    ] = 10.0
    deliveries: Annotated[int, Field(ge=1, le=1024, description="receivers served at once, one message each")] = 32
    webhook_ca: Annotated[
        Path | None, Field(description="PEM file of the authorities of webhooks' receivers; unset: the system's")
    ] = None
    plain_webhooks: Annotated[
        bool, Field(description="webhooks may go without TLS to other machines, inside a protected network say")
    ] = False
    drop_folder: Annotated[
        Path | None, Field(description="folder that agencies without gRPC drop files into; unset: none")
    ] = None
    max_file_bytes: Annotated[int, Field(ge=1024, description="largest file submitted, bytes")] = 20_000_000

    def matcher(self, gallery: Gallery) -> str:
        """Address of the server that holds a gallery."""
        return self.criminal_matcher if gallery is Gallery.CRIMINAL else self.immigration_matcher
