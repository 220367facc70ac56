"""What can be wrong with something a caller handed in. Each error names the field, the problem and what is allowed."""


class FingerprintError(Exception):
    """Base of every error this room raises on purpose.

    Attributes:
        field: the part of the input at fault, relative to the sample (``"image.data"``, ``"image.ppi"``,
            ``"template.data"``, ``"transaction.data"``). The server prefixes where that sample stood in the request.
        problem: what is wrong and what is allowed, one sentence, safe to show and to log: never a pixel, a
            template byte or a name.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class ImageError(FingerprintError):
    """An image that cannot be decoded, or that breaks a limit (bytes, pixels, bit depth, resolution)."""


class TemplateError(FingerprintError):
    """A minutiae template that is malformed, of an unknown version, or that breaks a limit."""


class TransactionError(FingerprintError):
    """An ANSI/NIST-ITL transaction that cannot be read, or that breaks a limit."""


class NoPrintError(FingerprintError):
    """A readable sample in which no usable fingerprint was found: too few minutiae to embed."""


class SlapError(FingerprintError):
    """A readable slap whose fingers cannot be told apart, or cannot be named with confidence."""


class FeaturesError(FingerprintError):
    """Stored features of a finger that are malformed, of another version or model, or that break a limit."""


class ModelError(FingerprintError):
    """An embedding model whose files are missing, damaged, or do not fit together; a vector of another model."""


class CalibrationError(ModelError):
    """A calibration that cannot be read, is malformed, or is of another model."""
