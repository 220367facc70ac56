"""A model on disk: an ONNX file, and the card beside it that says what it is and what its checksum must be."""

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import onnxruntime

from tenprint.fingerprint.errors import ModelError


class ModelCard:
    """A card, read: the fields of one JSON object.

    Args:
        folder: where the card and the file it names lie; None: the models in the package.
        name: the card's file name.

    Raises:
        ModelError: if the card is missing or is not a JSON object.
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        root = folder if folder is not None else Path(str(resources.files(__package__) / "models"))
        self.path = root / name
        try:
            fields = json.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(name, f"{self.path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ModelError(name, f"{self.path} is not JSON") from error
        if not isinstance(fields, dict):
            raise ModelError(name, f"{self.path} must hold a JSON object")
        self.fields: dict[str, Any] = fields

    def wrong(self, error: Exception) -> ModelError:
        """The error of a card that lacks a field, or has one that cannot be read."""
        return ModelError(self.path.name, f"{self.path} lacks a field or has a wrong one: {error!r}")

    def model(self) -> tuple[Path, bytes]:
        """The ONNX file the card names, and its content.

        Raises:
            ModelError: if the card does not name one, it cannot be read, or it is not the one the card describes.
        """
        try:
            path, digest = self.path.parent / str(self.fields["file"]), str(self.fields["sha256"])
        except KeyError as error:
            raise self.wrong(error) from error
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError("file", f"{path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise ModelError("sha256", f"{path} is not the file that {self.path.name} describes: its SHA-256 differs")
        return path, content


def one_thread() -> onnxruntime.SessionOptions:
    """Options of a session that runs on the calling thread alone.

    Callers run fingers side by side; a pool of threads inside each would fight over cores.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return options
