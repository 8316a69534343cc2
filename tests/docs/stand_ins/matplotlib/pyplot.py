"""Takes every call; lists that are drawn against each other must be of one length."""


def _drawn(*lists, **_):
    arrays = [a for a in lists if not isinstance(a, str)]
    assert len({len(a) for a in arrays}) <= 1, "lists of several lengths are drawn against each other"


plot = loglog = semilogx = semilogy = _drawn


class _Axis:
    def __getattr__(self, _):
        return lambda *arguments, **options: None


def subplots(rows, columns):
    return _Axis(), [_Axis() for _ in range(rows * columns)]


def savefig(name):
    open(name, "w").close()


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return lambda *arguments, **options: None
