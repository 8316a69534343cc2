"""Times PyTorch compiled (torch.compile, which needs g++) and in bfloat16 (autocast: three decimal digits) on the forward passes and training
steps of the study's networks, on all cores. Prints `torch name seconds`, with _compiled or _bf16 at the name's end.

    python bench_torch_compiled.py [name ...]      # those that begin with one of the names, all by default
"""
import os, sys
import torch, torch.nn.functional as F
from timing import timer
from torch_models import study

torch.set_num_threads(os.cpu_count())
torch.manual_seed(0)
want = sys.argv[1:]
timeit = timer(want)
images, labels = torch.randn(128, 3, 32, 32), torch.randint(0, 2, (128,)).float()

for name, make in study:
    if want and not any(name.startswith(w) or w.startswith(name) for w in want):
        continue
    net, x = make(), images
    if name != "mlp":
        net, x = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

    def forward(f):
        with torch.no_grad():
            f(x)

    def step(f):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(f(x)[:, 0].float(), labels).backward()
        optimizer.step()

    reps = 3 if name == "resnet18" else 15
    compiled = torch.compile(net)
    timeit(f"{name}_forward128_compiled", lambda: forward(compiled), reps=reps)
    timeit(f"{name}_train_step128_compiled", lambda: step(compiled), reps=reps)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        timeit(f"{name}_forward128_bf16", lambda: forward(net), reps=reps)
        timeit(f"{name}_train_step128_bf16", lambda: step(net), reps=reps)
