"""The study's three networks in PyTorch, for bench_torch.py and bench_torch_compiled.py; this resnet18 pads as PyTorch does, where that of
networks.py pads as the study."""
import torch.nn as nn, torch.nn.functional as F
from networks import lenet


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 1))

class Block(nn.Module):
    def __init__(s, i, o, st):
        super().__init__()
        s.c1 = nn.Conv2d(i, o, 3, st, 1, bias=False); s.b1 = nn.BatchNorm2d(o)
        s.c2 = nn.Conv2d(o, o, 3, 1, 1, bias=False); s.b2 = nn.BatchNorm2d(o)
        s.p = nn.Sequential(nn.Conv2d(i, o, 1, st, bias=False), nn.BatchNorm2d(o)) if st > 1 or i != o else nn.Identity()
    def forward(s, x):
        return F.relu(s.b2(s.c2(F.relu(s.b1(s.c1(x))))) + s.p(x))

def resnet18():
    ls = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    c = 64
    for i in range(4):
        for j in range(2):
            o = 64 * 2**i
            ls.append(Block(c, o, 2 if i and not j else 1)); c = o
    return nn.Sequential(*ls, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1))


study = (("mlp", mlp), ("lenet", lenet), ("resnet18", resnet18))
