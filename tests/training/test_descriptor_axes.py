"""The axes that stored descriptors lie on: what is shipped is what this fits to the shipped model."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra `train`")

from tenprint.fingerprint import features
from tenprint.fingerprint.embedding import Embedder
from training.descriptor_axes import fit


def test_the_shipped_axes_are_those_of_the_shipped_model(tmp_path):
    fitted = fit(Embedder(), fingers=300)
    np.save(tmp_path / "descriptor_axes.npy", fitted)
    features.DescriptorAxes(tmp_path)  # orthonormal, of the right shape
    shipped = features.DescriptorAxes().quantise(np.eye(64, dtype=np.float32))
    assert shipped.shape == (64, features.AXES)
    leading = fitted[:, :8]
    kept = np.load(features.resources.files("tenprint.fingerprint") / "models" / "descriptor_axes.npy")
    shares = np.linalg.norm(kept.T @ leading, axis=0)
    assert shares.min() > 0.99
