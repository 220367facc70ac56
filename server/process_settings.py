"""What every server process of the product is configured with, and from where."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, YamlConfigSettingsSource
from sqlalchemy.engine import make_url

Address = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}$")]
"""host:port; port 0 takes a free one."""


class ProcessSettings(BaseSettings):
    """Flags, then environment variables under the process's prefix, then the YAML file that `<prefix>CONFIG` names.

    The one secret, a password in the database's URL, is never shown. Addresses and database are each process's own.
    """

    listen: Annotated[Address, Field(description="address of the gRPC services")]
    metrics_listen: Annotated[Address, Field(description="address of /metrics, for Prometheus")]
    port_file: Annotated[
        Path | None, Field(description="once serving, write the addresses in use here as JSON (for launchers)")
    ] = None
    database_url: Annotated[
        SecretStr, Field(description="where its data are: sqlite:///FILE, or postgresql+psycopg://USER@HOST/DATABASE")
    ]
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
    def _whole_pair(self) -> Self:
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
        variable = f"{settings_cls.model_config['env_prefix']}CONFIG"
        if path := os.environ.get(variable):
            if not Path(path).is_file():
                raise FileNotFoundError(f"{variable} names {path}, which is not a file")
            sources.append(YamlConfigSettingsSource(settings_cls, yaml_file=path))
        return tuple(sources)

    def shown(self) -> dict[str, Any]:
        """The settings as plain data, for the log, without the database's password."""
        url = make_url(self.database_url.get_secret_value())
        return {**self.model_dump(mode="json"), "database_url": url.render_as_string(hide_password=True)}
