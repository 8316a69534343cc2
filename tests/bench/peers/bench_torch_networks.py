"""Times PyTorch on the networks of `bench --onnx FOLDER`, on all cores, under the names of its rows. Prints `torch name seconds`.

    pip install 'torch==2.15.0'
    python bench_torch_networks.py FOLDER [name ...]      # rows that begin with one of the names, all by default

FOLDER says which: those whose NAME.onnx is there. The networks themselves are networks.py's, with fresh weights. Forward and training run
with channels first and last (rows ..._first, ..._last); the kernel by Jacobians, all outputs at once where they fit in memory
(..._jacobian) and one output after the other (..._outputs); the faster of each is meant. NTK-vector products, torch.func's other way,
take a forward and a backward pass for each pair of images: many times more here.
"""
import os, pathlib, sys
import torch, torch.nn.functional as F
from torch.func import functional_call, grad, jacrev, vmap
from networks import NETWORKS, Attention
from timing import timer

if len(sys.argv) < 2 or not pathlib.Path(sys.argv[1]).is_dir():
    sys.exit("bench_torch_networks.py: give the folder of ONNX files that export_networks.py wrote")
torch.set_num_threads(os.cpu_count())
want = sys.argv[2:]
timeit = timer(want)
B, N = 128, 64
held = 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")  # bytes of Jacobians held at once


def wanted(row):
    return not want or any((row + s).startswith(w) for w in want for s in ("", "_first", "_last", "_jacobian", "_outputs"))


def training_rows(name, net):
    images = torch.randn(B, 3, 32, 32)
    reps = 15 if name == "lenet" else 3
    Attention.fused = True
    for order, layout in (("first", torch.contiguous_format), ("last", torch.channels_last)):
        net, x = net.to(memory_format=layout), images.to(memory_format=layout)
        optimizer = torch.optim.SGD(net.parameters(), 1e-4, momentum=0.9)
        y = torch.arange(B) % (2 if outputs == 1 else outputs)
        def forward():
            with torch.no_grad(): net(x)
        def step():
            optimizer.zero_grad()
            z = net(x)
            loss = F.binary_cross_entropy_with_logits(z[:, 0], y.float()) if outputs == 1 else F.cross_entropy(z, y)
            loss.backward()
            optimizer.step()
        net.eval()
        timeit(f"{name}_onnx_forward128_{order}", forward, reps=reps, warm=1)
        net.train()
        timeit(f"{name}_onnx_train_step128_{order}", step, reps=reps, warm=1)
    Attention.fused = False


def kernel_rows(name, net):
    net = net.to(memory_format=torch.contiguous_format).eval()
    images = torch.randn(N, 3, 32, 32)
    weights, fixed = {k: v.detach() for k, v in net.named_parameters()}, dict(net.named_buffers())
    size = 4 * sum(v.numel() for v in weights.values())  # bytes of a row of the Jacobian
    chunk = max(1, min(N, int(2e9 / (size * outputs))))
    f = lambda p, x: functional_call(net, {**p, **fixed}, (x[None],))[0]
    def all_outputs():
        J = vmap(jacrev(f), (None, 0), chunk_size=chunk)(weights, images)  # [N, O, ...] of each weight
        total = torch.zeros(N, N)
        for j in J.values():
            j = j.reshape(N, -1)
            total += j @ j.T
        return total / outputs
    def by_outputs():
        total = torch.zeros(N, N)
        for o in range(outputs):
            J = vmap(grad(lambda p, x: f(p, x)[o]), (None, 0), chunk_size=min(N, chunk * outputs))(weights, images)
            for j in J.values():
                j = j.reshape(N, -1)
                total += j @ j.T
        return total / outputs
    # Chunks are joined by copying, so twice the size stands there for a moment.
    if 2 * N * outputs * size < held:
        timeit(f"{name}_onnx_ntk64_jacobian", all_outputs, reps=3, warm=1)
    if outputs > 1:
        timeit(f"{name}_onnx_ntk64_outputs", by_outputs, reps=3, warm=1)


for name, make in NETWORKS.items():
    if not (pathlib.Path(sys.argv[1]) / f"{name}.onnx").exists():
        continue
    torch.manual_seed(0)
    outputs = 1 if name in ("lenet", "resnet18") else 10
    if wanted(f"{name}_onnx_forward128") or wanted(f"{name}_onnx_train_step128"):
        training_rows(name, make())
    if wanted(f"{name}_onnx_ntk64"):
        kernel_rows(name, make())
