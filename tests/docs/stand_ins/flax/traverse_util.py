def flatten_dict(nested, sep):
    flat = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat.update({key + sep + below: v for below, v in flatten_dict(value, sep).items()})
        else:
            flat[key] = value
    return flat


def unflatten_dict(flat, sep):
    nested = {}
    for path, value in flat.items():
        *folders, name = path.split(sep)
        at = nested
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = value
    return nested
