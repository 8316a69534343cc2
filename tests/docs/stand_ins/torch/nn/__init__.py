import numpy as np

from torch import _random, _tensor


def _normal(*shape, deviation):
    return _tensor((_random.standard_normal(shape) * deviation).astype(np.float32))


class Module:
    def __call__(self, x):
        return self.forward(x)

    def eval(self):
        return self

    def _named(self):
        return vars(self).items()

    def state_dict(self):
        flat = {}
        for name, value in self._named():
            if isinstance(value, Module):
                flat.update({f"{name}.{below}": v for below, v in value.state_dict().items()})
            elif isinstance(value, np.ndarray):
                flat[name] = value
        return flat


class ModuleList(Module):
    def __init__(self, modules=()):
        self.modules = list(modules)

    def _named(self):
        return ((str(i), m) for i, m in enumerate(self.modules))

    def __iter__(self):
        return iter(self.modules)

    def __len__(self):
        return len(self.modules)

    def append(self, module):
        self.modules.append(module)


class Sequential(ModuleList):
    def __init__(self, *modules):
        super().__init__(modules)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x


class Flatten(Module):
    def forward(self, x):
        return x.reshape(len(x), -1)


class ReLU(Module):
    def forward(self, x):
        return np.maximum(x, 0)


class Linear(Module):
    def __init__(self, inputs, outputs):
        self.weight, self.bias = _normal(outputs, inputs, deviation=inputs**-0.5), _normal(outputs, deviation=0.1)

    def forward(self, x):
        return x @ self.weight.T + self.bias


class Conv2d(Module):
    def __init__(self, inputs, outputs, size, stride=1, padding=0, bias=True):
        self.kernel_size, self.stride, self.padding = (size, size), (stride, stride), padding
        self.weight = _normal(outputs, inputs, size, size, deviation=(inputs * size * size) ** -0.5)
        if bias:
            self.bias = _normal(outputs, deviation=0.1)

    def forward(self, x):
        x = np.pad(x, ((0, 0), (0, 0), (self.padding,) * 2, (self.padding,) * 2))
        (k, _), (s, _) = self.kernel_size, self.stride
        height, width = ((n - k) // s + 1 for n in x.shape[2:])
        y = 0
        for i in range(k):
            for j in range(k):
                seen = x[:, :, i : i + s * (height - 1) + 1 : s, j : j + s * (width - 1) + 1 : s]
                y = y + np.tensordot(self.weight[:, :, i, j], seen, (1, 1))
        y = y.transpose(1, 0, 2, 3)
        return _tensor(y + self.bias[:, None, None] if hasattr(self, "bias") else y)


class AvgPool2d(Module):
    def __init__(self, size):
        self.size = size

    def forward(self, x):
        k, (n, c, h, w) = self.size, x.shape
        h, w = h // k, w // k
        return x[:, :, : h * k, : w * k].reshape(n, c, h, k, w, k).mean((3, 5))


class BatchNorm2d(Module):
    def __init__(self, channels):
        self.weight, self.bias = 1 + _normal(channels, deviation=0.2), _normal(channels, deviation=0.1)
        self.running_mean, self.running_var = _normal(channels, deviation=0.1), 1 + abs(_normal(channels, deviation=0.2))
        self.num_batches_tracked = _tensor(np.array(7))

    def forward(self, x):
        def wide(v):
            return v[:, None, None]

        return (x - wide(self.running_mean)) / np.sqrt(wide(self.running_var) + np.float32(1e-5)) * wide(self.weight) + wide(self.bias)
