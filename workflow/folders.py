"""The drop folder's way out: a message as a file that appears whole, or not at all."""

import asyncio
import os
from pathlib import Path

from tenprint.workflow.deliveries import Outgoing
from tenprint.workflow.errors import DeliveryError


class FolderCarrier:
    """Writes messages into `<drop_folder>/<ORI>/out/`.

    The name is the message's id: one delivered again takes the place of the first. An answer is its EBTS response
    (`.ebts`); what has none is the JSON form of the message (`.json`).

    Args:
        root: the drop folder; None: this server has none.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    async def carry(self, message: Outgoing, payload: bytes, secret: str) -> None:  # noqa: ARG002 - files are not signed
        """Deliver one message. Its file is on disk when this returns.

        Raises:
            DeliveryError: if it could not be written.
        """
        if self._root is None:
            raise DeliveryError("this server has no drop_folder")
        folder = self._root / message.recipient / "out"
        suffix, content = (".json", payload) if message.file is None else (".ebts", message.file)
        try:
            await asyncio.to_thread(write_durably, folder / f"{message.message_id}{suffix}", content)
        except OSError as error:
            raise DeliveryError(f"not written: {error.strerror or type(error).__name__}") from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that readers see all of it or none, and that it outlives a crash of the machine.

    Raises:
        OSError: if that failed; nothing of that name has appeared then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")  # hidden from whoever lists the folder by its suffixes
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
