"""Configuration of the workflow's process: variables `TENPRINT_WORKFLOW_*`, a YAML file, and flags; flags win."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from sqlalchemy.engine import make_url

from tenprint.server.settings import Address
from tenprint.workflow.types import Gallery

CONFIG: str = "TENPRINT_WORKFLOW_CONFIG"
"""Names the YAML file."""


class WorkflowSettings(BaseSettings):
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
    port_file: Annotated[
        Path | None, Field(description="once serving, write the addresses in use here as JSON (for launchers)")
    ] = None
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
    max_message_bytes: Annotated[
        int, Field(ge=65536, le=268435456, description="largest message taken or sent, bytes")
    ] = 33_554_432
    drain_seconds: Annotated[
        float, Field(ge=0, le=3600, description="on SIGTERM, how long calls in progress may take to finish")
    ] = 20.0
    tls_certificate: Annotated[Path | None, Field(description="PEM file of the server's certificate chain")] = None
    tls_key: Annotated[Path | None, Field(description="PEM file of the server's private key")] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="least severe line logged")
    ] = "info"

    @model_validator(mode="after")
    def _consistent(self) -> "WorkflowSettings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key: set both, or neither for plain text")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - part of the base class's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then the YAML file."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if path := os.environ.get(CONFIG):
            if not Path(path).is_file():
                raise FileNotFoundError(f"{CONFIG} names {path}, which is not a file")
            sources.append(YamlConfigSettingsSource(settings_cls, yaml_file=path))
        return tuple(sources)

    def matcher(self, gallery: Gallery) -> str:
        """Address of the server that holds a gallery."""
        return self.criminal_matcher if gallery is Gallery.CRIMINAL else self.immigration_matcher

    def shown(self) -> dict[str, Any]:
        """The settings as plain data, for the log, without the database's password."""
        url = make_url(self.database_url.get_secret_value())
        return {**self.model_dump(mode="json"), "database_url": url.render_as_string(hide_password=True)}
