"""As much of PyTorch as the pages use, in numpy: tensors in its layouts, modules in evaluation mode."""
import contextlib

import numpy as np

_random = np.random.default_rng(0)


class Tensor(np.ndarray):
    def detach(self):
        return self

    cpu = contiguous = detach

    def numpy(self):
        return np.asarray(self)

    def permute(self, *axes):
        return self.transpose(axes)


def _tensor(values):
    return np.asarray(values).view(Tensor)


def from_numpy(values):
    return _tensor(values)


def rand(*shape):
    return _tensor(_random.random(shape, dtype=np.float32))


def arange(count):
    return _tensor(np.arange(count))


@contextlib.contextmanager
def no_grad():
    yield
