"""Synthetic fingers that all tests share. Growing one takes two seconds: each is grown once, and kept on disk."""

import fcntl
import functools

import numpy as np
import platformdirs

from tenprint.fingerprint.synthetic import FingerClass, grow_finger
from tenprint.fingerprint.synthetic.cache import GENERATOR_VERSION
from tenprint.fingerprint.synthetic.ridges import master_of


@functools.cache
def grown(seed, finger_class=None):
    """What `grow_finger` gives. Tests that need any fingers take those from 1 on, which others have grown."""
    folder = platformdirs.user_cache_path("tenprint") / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"finger-v{GENERATOR_VERSION}-{seed}-{finger_class}.npz"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other worker may be growing it
        if not file.exists():
            made = grow_finger(seed, finger_class)
            partial = file.with_suffix(".partial.npz")
            np.savez_compressed(partial, relief=made.relief, kind=made.finger_class.value)
            partial.replace(file)
    with np.load(file) as kept:
        return master_of(seed, FingerClass(kept["kind"].item()), kept["relief"])
