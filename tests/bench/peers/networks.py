"""Networks in PyTorch that export_networks.py writes to ONNX files and bench_torch_networks.py times: NETWORKS[name]() makes one with
fresh weights. Images are [N, 3, 32, 32]. lenet and resnet18 are the study's, with one logit; the others have 10."""
import torch, torch.nn as nn, torch.nn.functional as F


def lenet():
    return nn.Sequential(nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5, padding=2), nn.ReLU(),
                         nn.AvgPool2d(2), nn.Flatten(), nn.Linear(1024, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 1))


class Halving(nn.Conv2d):
    """A 3 x 3 convolution of stride 2 with the study's SAME padding: for even sizes no zero before, one after."""
    def __init__(self, i, o):
        super().__init__(i, o, 3, 2, bias=False)

    def forward(self, x):
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class ResidualBlock(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        first = Halving(i, o) if stride == 2 else nn.Conv2d(i, o, 3, padding=1, bias=False)
        self.branch = nn.Sequential(first, nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o))
        self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x))


def resnet18():
    layers, width = [nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for stage in range(4):
        for j in range(2):
            layers.append(ResidualBlock(width, 64 << stage, 2 if stage and not j else 1))
            width = 64 << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1))


def vgg11():
    """VGG's configuration A (Simonyan and Zisserman, 2015) with one dense layer: after five poolings one position is left."""
    layers, width = [], 3
    for stage in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for o in stage:
            layers += [nn.Conv2d(width, o, 3, padding=1), nn.ReLU()]
            width = o
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, 10))


class InvertedResidual(nn.Module):
    def __init__(self, i, o, stride, expand):
        super().__init__()
        inner, layers = i * expand, []
        if expand > 1:
            layers += [nn.Conv2d(i, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6()]
        self.branch = nn.Sequential(*layers, nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False), nn.BatchNorm2d(inner),
                                    nn.ReLU6(), nn.Conv2d(inner, o, 1, bias=False), nn.BatchNorm2d(o))
        self.adds = stride == 1 and i == o

    def forward(self, x):
        return x + self.branch(x) if self.adds else self.branch(x)


def mobilenet():
    """MobileNetV2 (Sandler et al., 2018) of width 1; the first two of its five strides of 2 are 1, as images are 32 x 32."""
    layers, width = [nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()], 32
    for expand, o, count, stride in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for j in range(count):
            layers.append(InvertedResidual(width, o, 1 if j else stride, expand))
            width = o
    return nn.Sequential(*layers, nn.Conv2d(width, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(1280, 10))


class Attention(nn.Module):
    fused = False  # PyTorch's own routine for softmax(q k^T / sqrt(d)) v, which has no ONNX operator

    def __init__(self, tokens, width, heads):
        super().__init__()
        self.tokens, self.width, self.heads = tokens, width, heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        tokens, width = self.tokens, self.width  # numbers, which the exporter writes as they are; x.shape would become nodes
        q, k, v = self.qkv(x).reshape(-1, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if Attention.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax(q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5, -1) @ v
        return self.out(y.transpose(1, 2).reshape(-1, tokens, width))


class EncoderBlock(nn.Module):
    def __init__(self, tokens, width, heads, ratio):
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(width), Attention(tokens, width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """A vision transformer (Dosovitskiy et al., 2021) on 64 patches of 4 x 4, with the mean over tokens in place of a class token."""
    def __init__(self, width=192, heads=3, depth=6, ratio=4):
        super().__init__()
        self.patches, self.places = nn.Conv2d(3, width, 4, 4), nn.Parameter(0.02 * torch.randn(1, 64, width))
        self.blocks = nn.Sequential(*(EncoderBlock(64, width, heads, ratio) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.places
        return self.head(self.norm(self.blocks(x)).mean(1))


NETWORKS = {"lenet": lenet, "resnet18": resnet18, "vgg11": vgg11, "mobilenet": mobilenet, "vit": ViT}
