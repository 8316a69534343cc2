"""Writes the networks of networks.py as ONNX files FOLDER/NAME.onnx, for `bench --onnx FOLDER`: opset 17, any batch, BatchNorm and its
statistics kept as initialisers.

    pip install 'torch==2.15.0' onnx
    python export_networks.py FOLDER [--check N] [NAME ...]     # all by default

--check N: beside each file N random images (NAME_images.npy, [N, 32, 32, 3]), the logits that PyTorch computes of them (NAME_logits.npy)
and their kernel, traced over the outputs (NAME_kernel.npy), for comparisons with `compute_ntk`.
"""
import argparse, pathlib
import numpy as np
import torch
from torch import nn
from networks import NETWORKS


def prepared(name):
    """A network in evaluation mode whose BatchNorm statistics are those of a batch, and whose scales and biases differ from 1 and 0."""
    torch.manual_seed(0)
    net = NETWORKS[name]().train()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.momentum = 1.0
        nn.init.normal_(m.weight, 1, 0.1); nn.init.normal_(m.bias, 0, 0.1)
    if norms:
        with torch.no_grad(): net(torch.randn(128, 3, 32, 32))
    for m in norms:
        m.momentum = 0.1
    return net.eval()


def kernel(net, images):
    """The mean over the outputs of J_o J_o^T, by one backward pass for each image and output, in float64."""
    net = net.double()
    weights = list(net.parameters())
    rows = []
    for x in images.double():
        z = net(x[None])[0]
        rows.append([torch.cat([g.flatten() for g in torch.autograd.grad(z[o], weights, retain_graph=True)]) for o in range(len(z))])
    return sum(j @ j.T for j in map(torch.stack, zip(*rows))) / len(rows[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--check", type=int, default=0, metavar="N")
    parser.add_argument("names", nargs="*", metavar="NAME")
    o = parser.parse_args()
    unknown = [n for n in o.names if n not in NETWORKS]
    if unknown:
        parser.error(f"no network is called {' or '.join(unknown)}; there are {', '.join(NETWORKS)}")
    o.folder.mkdir(parents=True, exist_ok=True)
    for name in o.names or NETWORKS:
        net = prepared(name)
        # The older exporter keeps equal initial tensors apart; PRESERVE and no folding keep BatchNorm.
        torch.onnx.export(net, (torch.randn(2, 3, 32, 32),), str(o.folder / f"{name}.onnx"), dynamo=False, opset_version=17,
                          input_names=["images"], output_names=["logits"], dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
                          training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
        print(f"{o.folder / name}.onnx: {sum(p.numel() for p in net.parameters())} parameters", flush=True)
        if o.check:
            images = torch.randn(o.check, 3, 32, 32)
            np.save(o.folder / f"{name}_images.npy", images.permute(0, 2, 3, 1).contiguous().numpy())
            with torch.no_grad(): np.save(o.folder / f"{name}_logits.npy", net(images).numpy())
            np.save(o.folder / f"{name}_kernel.npy", kernel(net, images).numpy())


if __name__ == "__main__":
    main()
