"""The base install is the client: it needs none of the libraries of the extras."""

import subprocess
import sys

FORBIDDEN = ("faiss", "onnxruntime", "nbis", "wsq", "nistitl", "PIL", "scipy", "pydantic_settings", "structlog")
PROGRAM = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {forbidden!r}:
            raise ModuleNotFoundError(f"blocked: {{name}}", name=name)

sys.meta_path.insert(0, Blocked())
import tenprint.client, tenprint.client.cli
from typer.testing import CliRunner
told = CliRunner().invoke(tenprint.client.cli.app, ["serve"])
assert told.exit_code == 2 and "pip install" in told.output, told.output
"""


def test_the_client_and_its_command_import_without_the_extras():
    program = PROGRAM.format(forbidden=set(FORBIDDEN))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
