"""Configuration: environment variables `TENPRINT_*`, a YAML file, and flags of `tenprint serve`; flags win."""

import os
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import make_url

from tenprint.server.process_settings import Address, ProcessSettings


class GallerySettings(BaseModel):
    """A gallery to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="its name in requests and metrics")]
    title: Annotated[str, Field(max_length=200, description="what it is, for people")] = ""
    accepts_moves_from: Annotated[
        tuple[str, ...], Field(description="galleries from which a person's records may be moved here; none: refused")
    ] = ()


class Settings(ProcessSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="TENPRINT_",
        extra="forbid",
        frozen=True,
        cli_prog_name="tenprint serve",
        cli_kebab_case=True,
        cli_hide_none_type=True,
    )

    listen: Annotated[Address, Field(description="address of the gRPC services")] = "127.0.0.1:50051"
    metrics_listen: Annotated[Address, Field(description="address of /metrics, for Prometheus")] = "127.0.0.1:9464"
    galleries: Annotated[tuple[GallerySettings, ...], Field(min_length=1, description="the galleries to hold")] = (
        GallerySettings(name="criminal", title="Criminal history"),
        GallerySettings(name="immigration", title="Immigration records"),
    )
    database_url: Annotated[
        SecretStr, Field(description="the store of record: sqlite:///FILE, or postgresql+psycopg://USER@HOST/DATABASE")
    ] = SecretStr(f"sqlite:///{user_data_path('tenprint') / 'tenprint.db'}")
    index_folder: Annotated[
        Path | None,
        Field(
            description="folder, on a disk of this machine, for snapshots and the ledger of what was expunged; unset: "
            "beside the SQLite file, or in the user's data folder under the PostgreSQL database's name"
        ),
    ] = None
    snapshot_interval_seconds: Annotated[
        float, Field(gt=0, le=86_400, description="age at which a gallery that changed is written to disk anew")
    ] = 300.0
    snapshot_after_encounters: Annotated[
        int, Field(ge=1, description="encounters that only memory holds at which a gallery is written at once")
    ] = 16_384
    erase_within_seconds: Annotated[
        int, Field(ge=60, le=604_800, description="promised in the receipt of an expunction; watch the metric")
    ] = 3600
    model_path: Annotated[
        Path | None, Field(description="folder of the embedding model; unset: the one in the package")
    ] = None
    calibration: Annotated[
        Path | None,
        Field(description="file of the calibration, of the same model; unset: the one in the model's folder, if any"),
    ] = None
    extractor: Annotated[
        Literal["leader", "mindtct"],
        Field(description="what finds minutiae in images: LEADER, a network; or MINDTCT, quicker and less able"),
    ] = "leader"

    nomination: Annotated[
        Literal["auto", "exact"],
        Field(description="auto: large galleries by scan codes, what they miss is measured; exact: by every vector"),
    ] = "auto"
    recall_sample_share: Annotated[
        float, Field(ge=0, le=1, description="share of probes searched again, exactly, in idle time")
    ] = 0.001
    rerank_pairs: Annotated[
        int,
        Field(
            ge=0,
            le=1000,
            description="pairs of fingers compared minutia by minutia for a probe and gallery, on its first 100 "
            "candidates at most; 0: off",
        ),
    ] = 200
    rerank_workers: Annotated[int, Field(ge=1, le=256, description="threads that compare them")] = os.cpu_count() or 1

    max_image_bytes: Annotated[int, Field(ge=1024, description="largest encoded image or transaction, bytes")] = (
        20_000_000
    )
    max_image_pixels: Annotated[int, Field(ge=10_000, description="largest image, pixels before resampling")] = (
        16_000_000
    )
    max_queued_probes: Annotated[int, Field(ge=1, description="probes that may wait for one gallery")] = 4096
    max_queued_captures: Annotated[int, Field(ge=1, description="captures that may wait for extraction")] = 256
    max_queued_capture_bytes: Annotated[
        int, Field(ge=20_000_000, description="bytes of captures that may wait for extraction, as they were sent")
    ] = 536_870_912
    max_batch_probes: Annotated[int, Field(ge=1, le=1024, description="probes searched together at most")] = 128
    extraction_workers: Annotated[
        int, Field(ge=1, le=256, description="threads that decode images and find minutiae")
    ] = os.cpu_count() or 1
    default_deadline_seconds: Annotated[
        float, Field(gt=0, le=3600, description="time allowed to a call that brings no deadline of its own")
    ] = 60.0

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        names = [gallery.name for gallery in self.galleries]
        for gallery in self.galleries:
            if unknown := set(gallery.accepts_moves_from) - set(names):
                raise ValueError(f"galleries: {gallery.name} accepts moves from {min(unknown)}, which is not held")
        if len(set(names)) != len(names):
            raise ValueError("galleries: two have the same name; names must differ")
        return self

    @property
    def index_path(self) -> Path:
        """The folder of the snapshots."""
        if self.index_folder is not None:
            return self.index_folder
        url = make_url(self.database_url.get_secret_value())
        if url.get_backend_name() == "sqlite":
            return Path(f"{url.database}.index")
        return user_data_path("tenprint") / f"{url.database}.index"
