"""How the peers' rows are timed and printed: `torch name seconds`, the median of several runs, for the names asked for."""
import time


def timer(want):
    """timeit(name, function): for names that begin with one of `want`, all if there are none. Returns the median or None."""
    def timeit(name, f, reps=7, warm=2):
        if want and not any(name.startswith(w) for w in want):
            return None
        for _ in range(warm): f()
        ts = []
        for _ in range(reps):
            t = time.perf_counter(); f(); ts.append(time.perf_counter() - t)
        print(f"torch {name} {sorted(ts)[len(ts)//2]:.5f}", flush=True)
        return sorted(ts)[len(ts)//2]
    return timeit
