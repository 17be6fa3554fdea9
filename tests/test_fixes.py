"""The fix of an error says the numbers, names and shapes at hand, and mends it."""

# ruff: noqa: E501  (programs are a line each)

from __future__ import annotations

from typing import Any

import pytest

import glassgrad as gg
from glassgrad.core.errors import notes
from glassgrad.core.errors.case import FIXES, Case
from glassgrad.core.errors.catalogue import ROWS
from mistakes import run, told

# (code, program, fix, the program mended as it says; "" where it is for somebody to choose)
CASES = [
    # shapes
    ("GG101", "a, b = torch.randn(4, 3), torch.randn(4)\na + b",
     "b.unsqueeze(1) makes it (4, 1), which goes with (4, 3)", "torch.randn(4, 3) + torch.randn(4).unsqueeze(1)"),
    ("GG101", "a, b = torch.randn(2, 5, 3), torch.randn(2, 3)\na * b",
     "b.unsqueeze(1) makes it (2, 1, 3), which goes with (2, 5, 3)", "torch.randn(2, 5, 3) * torch.randn(2, 3).unsqueeze(1)"),
    ("GG101", "a, b = torch.randn(4, 3), torch.randn(3, 4)\na + b", "b.T is (4, 3), as a is",
     "torch.randn(4, 3) + torch.randn(3, 4).T"),
    ("GG101", "F.mse_loss(torch.randn(4, 3), torch.randn(4, 5))",
     "dim 1 has 3 in input and 5 in target: equal sizes go together, or 1 with any", ""),
    ("GG101", "F.mse_loss(torch.randn(4, 3), torch.randn(4))",
     "outputs of the targets' shape: these are (4, 3), the targets (4,); for classes there is cross_entropy",
     "F.mse_loss(torch.randn(4), torch.randn(4))\nF.cross_entropy(torch.randn(4, 3), torch.zeros(4).long())"),
    ("GG102", "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Flatten(), nn.Linear(256, 10))\nnet(torch.randn(2, 1, 8, 8))",
     "nn.Linear(576, 10) for the 576 features of the input, not nn.Linear(256, 10)",
     "net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Flatten(), nn.Linear(576, 10))\nnet(torch.randn(2, 1, 8, 8))"),
    ("GG102", "fc = nn.Linear(784, 10)\nfc(torch.randn(2, 1, 28, 28))",
     "flatten(1), or nn.Flatten(), before it: 1 * 28 * 28 = 784", "nn.Linear(784, 10)(torch.randn(2, 1, 28, 28).flatten(1))"),
    ("GG102", "nn.Linear(80, 10)(torch.randn(2, 3, 5, 5))",
     "flatten(1) before it, and nn.Linear(75, 10) for the 75 features of the input, not nn.Linear(80, 10)",
     "nn.Linear(75, 10)(torch.randn(2, 3, 5, 5).flatten(1))"),
    ("GG102", "x = torch.randn(2, 8, 5)\nnn.Linear(8, 3)(x)",
     "nn.Linear(5, 3) for the 5 features of the input, not nn.Linear(8, 3); or x.transpose(1, -1), if the 8 are the features",
     "nn.Linear(8, 3)(torch.randn(2, 8, 5).transpose(1, -1))"),
    ("GG102", "nn.Linear(64, 3)(torch.randn(64, 5))", "nn.Linear(5, 3) for the 5 features of the input, not nn.Linear(64, 3)",
     "nn.Linear(5, 3)(torch.randn(64, 5))"),
    ("GG102", "net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 2))\nnet(torch.randn(1, 8, 8))",
     "4 * 36 = 144: one sample without its batch, which unsqueeze(0) on the network's input makes",
     "nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 2))(torch.randn(1, 8, 8).unsqueeze(0))"),
    ("GG102", "class Mine(nn.Linear):\n    pass\n\nMine(4, 2)(torch.randn(3, 5))",
     "nn.Linear(5, 2) for the 5 features of the input, not nn.Linear(4, 2)", ""),
    ("GG102", "a, b = torch.randn(3, 4), torch.randn(5, 4)\na @ b", "did you mean b.T? (3, 4) and (4, 5) go together",
     "torch.randn(3, 4) @ torch.randn(5, 4).T"),
    ("GG102", "a, b = torch.randn(4, 3), torch.randn(4, 5)\na @ b", "did you mean a.T? (3, 4) and (4, 5) go together",
     "torch.randn(4, 3).T @ torch.randn(4, 5)"),
    ("GG102", "torch.randn(3, 4) @ torch.randn(5, 3)", "the other way round: (5, 3) and (3, 4) go together",
     "torch.randn(5, 3) @ torch.randn(3, 4)"),
    ("GG102", "a, b = torch.randn(3, 4), torch.randn(5, 6)\na @ b",
     "the last size of a, 4, and the first of b, 5, have to be the same", ""),
    ("GG103", "torch.randn(3, 4) @ torch.randn(3)", "the matrix has rows of 4 numbers, the vector 3: .T turns the matrix round",
     "torch.randn(3, 4).T @ torch.randn(3)"),
    ("GG103", "torch.dot(torch.randn(3), torch.randn(4))", "two vectors of one length: these have 3 and 4", ""),
    ("GG104", "a, b = torch.randn(2, 3, 4), torch.randn(2, 5, 4)\ntorch.bmm(a, b)",
     "did you mean b.mT? Its last two sizes are 4 and 5, then", "torch.bmm(torch.randn(2, 3, 4), torch.randn(2, 5, 4).mT)"),
    ("GG104", "torch.bmm(torch.randn(2, 3, 4), torch.randn(3, 4, 6))", "one batch size for both: these have 2 and 3", ""),
    ("GG104", "x, y = torch.randn(2, 3, 4), torch.randn(2, 5, 6)\nx @ y",
     "the last size of x, 4, and the middle one of y, 5, have to be the same", ""),
    ("GG105", "nn.Conv2d(1, 4, 3)(torch.randn(64, 8, 8))",
     "unsqueeze(1): a batch of 64 without a dim for the channel becomes (64, 1, 8, 8)",
     "nn.Conv2d(1, 4, 3)(torch.randn(64, 8, 8).unsqueeze(1))"),
    ("GG105", "nn.Conv1d(1, 4, 3)(torch.randn(64, 100))",
     "unsqueeze(1): a batch of 64 without a dim for the channel becomes (64, 1, 100)",
     "nn.Conv1d(1, 4, 3)(torch.randn(64, 100).unsqueeze(1))"),
    ("GG105", "net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())\nimages = torch.randn(64, 8, 8)\nF.relu(net(images))",
     "images.unsqueeze(1): a batch of 64 without a dim for the channel becomes (64, 1, 8, 8)", ""),
    ("GG105", "nn.Conv2d(3, 4, 3)(torch.randn(64, 32, 32, 3))",
     "permute(0, 3, 1, 2): the channels come before the pixels, (64, 3, 32, 32)",
     "nn.Conv2d(3, 4, 3)(torch.randn(64, 32, 32, 3).permute(0, 3, 1, 2))"),
    ("GG105", "nn.Conv2d(3, 4, 3)(torch.randn(32, 32, 3))", "permute(2, 0, 1): the channels come before the pixels, (3, 32, 32)",
     "nn.Conv2d(3, 4, 3)(torch.randn(32, 32, 3).permute(2, 0, 1))"),
    ("GG105", "nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(32, 64, 3))(torch.randn(2, 3, 32, 32))",
     "nn.Conv2d(16, 64, ...) for the 16 channels of the input", ""),
    ("GG105", "nn.Conv1d(16, 4, 3)(torch.randn(2, 10, 16))",
     "permute(0, 2, 1): the channels come before the pixels, (2, 16, 10)", ""),
    ("GG105", "nn.Conv2d(1, 4, 3)(torch.randn(2, 3, 8, 8))",
     "nn.Conv2d(3, 4, ...) for images of 3 colours, or mean(1, keepdim=True) to make them grey",
     "nn.Conv2d(1, 4, 3)(torch.randn(2, 3, 8, 8).mean(1, keepdim=True))"),
    ("GG105", "nn.Conv2d(3, 4, 3)(torch.randn(2, 1, 8, 8))",
     "nn.Conv2d(1, 4, ...) for images of 1 channel, or expand(-1, 3, -1, -1) to repeat it",
     "nn.Conv2d(3, 4, 3)(torch.randn(2, 1, 8, 8).expand(-1, 3, -1, -1))"),
    ("GG105", "nn.Conv2d(3, 4, 3)(torch.randn(64, 8, 8))",
     "3 dims are one sample, here of 64 channels; a batch is (N, 3, ...)", ""),
    ("GG105", "nn.ConvTranspose2d(4, 8, 3)(torch.randn(2, 5, 9, 9))",
     "nn.ConvTranspose2d(5, 8, ...) for the 5 channels of the input", "nn.ConvTranspose2d(5, 8, 3)(torch.randn(2, 5, 9, 9))"),
    ("GG105", "F.conv2d(torch.randn(2, 5, 9, 9), torch.randn(8, 4, 3, 3))", "conv2d(5, 8, ...) for the 5 channels of the input", ""),
    ("GG106", "nn.Conv2d(1, 4, 3)(torch.randn(64, 784))", "view(-1, 1, 28, 28) makes images of the rows of 784",
     "nn.Conv2d(1, 4, 3)(torch.randn(64, 784).view(-1, 1, 28, 28))"),
    ("GG106", "nn.Conv2d(3, 4, 3)(torch.randn(2, 3072))", "view(-1, 3, 32, 32) makes images of the rows of 3072",
     "nn.Conv2d(3, 4, 3)(torch.randn(2, 3072).view(-1, 3, 32, 32))"),
    ("GG106", "nn.Conv2d(1, 8, 3)(torch.randn(28, 28))", "unsqueeze(0) for the channel makes one image of it, (1, 28, 28)",
     "nn.Conv2d(1, 8, 3)(torch.randn(28, 28).unsqueeze(0))"),
    ("GG106", "nn.Conv2d(3, 8, 3)(torch.randn(2, 5, 3, 9, 9))", "flatten(0, 1) makes one batch of it, (10, 3, 9, 9)",
     "nn.Conv2d(3, 8, 3)(torch.randn(2, 5, 3, 9, 9).flatten(0, 1))"),
    ("GG106", "nn.Conv2d(3, 8, 3)(torch.randn(2, 1, 3, 9, 9))", "squeeze(1) makes it (2, 3, 9, 9)",
     "nn.Conv2d(3, 8, 3)(torch.randn(2, 1, 3, 9, 9).squeeze(1))"),
    ("GG107", "nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 8, 7))(torch.randn(1, 1, 8, 8))",
     "a kernel of at most 4, padding of 2 more, one pooling less, or larger images",
     "nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 8, 7, padding=2))(torch.randn(1, 1, 8, 8))"),
    ("GG108", "x = torch.randn(64, 4, 6, 6)\nx.view(64, 128)",
     "64 * 128 = 8192, and x has 9216 elements: flatten(1) makes it (64, 144)", ""),
    ("GG108", "x = torch.randn(64, 4, 6, 6)\nx.view(-1, 100)", "9216 is no multiple of 100: flatten(1) makes it (64, 144)", ""),
    ("GG108", "x = torch.randn(36, 1, 28, 28)\nx.view(64, 784)",
     "the batch has 36 rows, not 64: view(-1, 784) takes any number", "torch.randn(36, 1, 28, 28).view(-1, 784)"),
    ("GG108", "torch.randn(2, 3).reshape(2, 2, 2)", "2 * 2 * 2 = 8, and input has 6 elements", ""),
    ("GG109", "x = torch.randn(2, 3)\nx.t().view(6)", "x.reshape(6), which copies where it must", "torch.randn(2, 3).t().reshape(6)"),
    ("GG109", "y = torch.randn(2, 3, 4).transpose(1, 2)\ny.view(-1, 3, 2)", "y.reshape(-1, 3, 2), which copies where it must", ""),
    ("GG110", "torch.cat([torch.randn(2, 3), torch.randn(2, 4)])", "dim=1 joins them: their other sizes are equal",
     "torch.cat([torch.randn(2, 3), torch.randn(2, 4)], dim=1)"),
    ("GG110", "torch.cat([torch.randn(2, 3), torch.randn(3)])", "unsqueeze(0) makes (1, 3) of (3,)",
     "torch.cat([torch.randn(2, 3), torch.randn(3).unsqueeze(0)])"),
    ("GG110", "torch.stack([torch.randn(3), torch.randn(4)])",
     "pad them to one shape, as nn.utils.rnn.pad_sequence does; torch.cat joins without a new dim",
     "nn.utils.rnn.pad_sequence([torch.randn(3), torch.randn(4)])\ntorch.cat([torch.randn(3), torch.randn(4)])"),
    ("GG110", "next(iter(torch.data.DataLoader([torch.randn(2), torch.randn(3)], batch_size=2)))",
     "samples of (2,) and (3,): a collate_fn that pads, as nn.utils.rnn.pad_sequence does, or batch_size=1",
     "next(iter(torch.data.DataLoader([torch.randn(2), torch.randn(3)], batch_size=2, "
     "collate_fn=nn.utils.rnn.pad_sequence)))"),
    ("GG110", "next(iter(torch.data.DataLoader([(torch.randn(3, 8, 8), 0), (torch.randn(3, 9, 9), 1)], batch_size=2)))",
     "images of (3, 8, 8) and (3, 9, 9): make them one size in the data set, as transforms.Resize((h, w)) does", ""),
    ("GG111", "torch.randn(3, 4).sum(dim=2)", "dims go from 0 to 1, and -1 is the last", "torch.randn(3, 4).sum(dim=-1)"),
    ("GG111", "F.softmax(torch.randn(3), dim=1)", "dim=0 is the only one; unsqueeze(0) puts one before",
     "F.softmax(torch.randn(3), dim=0)\nF.softmax(torch.randn(3).unsqueeze(0), dim=1)"),
    ("GG112", "torch.randn(3, 4)[0, 7]", "dim 1 has 4: indices go from 0 to 3, and -1 is the last", "torch.randn(3, 4)[0, 3]"),
    ("GG112", "torch.randn(0)[0]", "dim 0 is empty", ""),
    ("GG113", "x = torch.randn(3)\nx[0, 1]", "x is (3,): at most 1 index", "torch.randn(3)[0]"),
    ("GG113", "x = torch.randn(3, 4)\nx[0, 1, 2]", "x is (3, 4): at most 2 indices", "torch.randn(3, 4)[0, 1]"),
    ("GG114", "nn.Embedding(10, 4)(torch.tensor([0, 12]))",
     "indices go from 0 to 9, and these from 0 to 12: nn.Embedding(13, 4), or a token that is in the vocabulary",
     "nn.Embedding(13, 4)(torch.tensor([0, 12]))"),
    ("GG114", "tokens = torch.tensor([1, 10])\nnn.Embedding(10, 4)(tokens)",
     "indices go from 0 to 9, and these from 1 to 10: tokens - 1, or nn.Embedding(11, 4)",
     "nn.Embedding(10, 4)(torch.tensor([1, 10]) - 1)"),
    ("GG114", "nn.Embedding(10, 4)(torch.tensor([-1, 4]))",
     "indices go from 0 to 9, and these from -1 to 4: another number for padding, or for what is unknown", ""),
    ("GG115", "torch.randn(3, 4)[torch.ones(2).bool()]", "a mask of (3,), or of (3, 4): this one is (2,)",
     "torch.randn(3, 4)[torch.ones(3).bool()]\ntorch.randn(3, 4)[torch.ones(3, 4).bool()]"),
    ("GG116", "torch.randn(3).expand(4)", "(3,) goes to (4,) only where its size is 1, or the same: dim 0 has 3, not 4", ""),
    ("GG116", "torch.zeros(3).add_(torch.randn(2, 3))",
     "the result is (2, 3), and what is written to stays (3,): a new tensor, x = x + y, can have another shape",
     "x = torch.zeros(3)\nx = x + torch.randn(2, 3)"),
    ("GG117", "torch.randn(2, 3, 4).permute(0, 2)", "name all 3 dims, as permute(1, 2, 0); transpose(0, 2) swaps two",
     "torch.randn(2, 3, 4).permute(1, 2, 0)\ntorch.randn(2, 3, 4).transpose(0, 2)"),
    ("GG118", "nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(8))(torch.randn(2, 1, 8, 8))",
     "nn.BatchNorm2d(4) for the 4 channels of the input, which is (2, 4, 6, 6)",
     "nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))(torch.randn(2, 1, 8, 8))"),
    ("GG118", "nn.LayerNorm(8)(torch.randn(2, 6))", "nn.LayerNorm(6), as the input is (2, 6)", "nn.LayerNorm(6)(torch.randn(2, 6))"),
    ("GG118", "x = torch.randn(2, 8, 5)\nnn.LayerNorm(8)(x)",
     "nn.LayerNorm(5), as the input is (2, 8, 5); or x.transpose(1, -1), if the 8 are the features",
     "nn.LayerNorm(8)(torch.randn(2, 8, 5).transpose(1, -1))"),
    ("GG118", "nn.GroupNorm(3, 8)", "num_groups of 1, 2, 4 or 8, which divide num_channels, 8", "nn.GroupNorm(4, 8)"),
    ("GG119", "nn.BatchNorm2d(3)(torch.randn(4, 3))", "nn.BatchNorm1d(3) is for 2 dims, as (4, 3) has",
     "nn.BatchNorm1d(3)(torch.randn(4, 3))"),
    ("GG119", "nn.BatchNorm1d(3)(torch.randn(4, 3, 8, 8))", "nn.BatchNorm2d(3) is for 4 dims, as (4, 3, 8, 8) has",
     "nn.BatchNorm2d(3)(torch.randn(4, 3, 8, 8))"),
    ("GG119", "nn.BatchNorm2d(3)(torch.randn(3, 8, 8))", "unsqueeze(0) makes a batch of one of it, (1, 3, 8, 8)",
     "nn.BatchNorm2d(3)(torch.randn(3, 8, 8).unsqueeze(0))"),
    ("GG119", "x = torch.randn(3)\nnn.BatchNorm1d(3)(x)", "x.unsqueeze(0) makes a batch of one of it, (1, 3)",
     "nn.BatchNorm1d(3).eval()(torch.randn(3).unsqueeze(0))"),
    ("GG121", "nn.LSTM(10, 20)(torch.randn(5, 3, 4))", "nn.LSTM(4, 20) for the 4 features of the input, not 10",
     "nn.LSTM(4, 20)(torch.randn(5, 3, 4))"),
    ("GG121", "nn.GRU(10, 20)(torch.randn(5, 10, 7))", "nn.GRU(7, 20) for the 7 features of the input, not 10; or input.transpose(1, -1), if the 10 are the features",
     "nn.GRU(10, 20)(torch.randn(5, 10, 7).transpose(1, -1))"),
    ("GG121", "nn.LSTMCell(4, 6)(torch.randn(3, 5))", "nn.LSTMCell(5, 6) for the 5 features of the input, not 4",
     "nn.LSTMCell(5, 6)(torch.randn(3, 5))"),
    ("GG121", "nn.GRU(28, 6)(torch.randn(2, 1, 28, 28))", "squeeze(1) makes it (2, 28, 28)",
     "nn.GRU(28, 6)(torch.randn(2, 1, 28, 28).squeeze(1))"),
    ("GG121", "nn.RNN(1, 6)(torch.randn(9))", "unsqueeze(1) makes it (9, 1): one step after the other",
     "nn.RNN(1, 6)(torch.randn(9).unsqueeze(1))"),
    ("GG121", "nn.GRU(4, 6)(torch.randn(5, 3, 4), torch.zeros(1, 2, 6))",
     "a state of (1, 3, 6): (layers * directions, batch, hidden_size)", "nn.GRU(4, 6)(torch.randn(5, 3, 4), torch.zeros(1, 3, 6))"),
    ("GG121", "nn.GRU(4, 6)(torch.randn(5, 3, 4), torch.zeros(1, 5, 6))",
     "batch_first=True if the 5 are the batch; else a state of (1, 3, 6)",
     "nn.GRU(4, 6, batch_first=True)(torch.randn(5, 3, 4), torch.zeros(1, 5, 6))"),
    ("GG122", "nn.MultiheadAttention(10, 3)", "num_heads of 1, 2, 5 or 10, which divide embed_dim, 10", "nn.MultiheadAttention(10, 5)"),
    ("GG122", "nn.MultiheadAttention(8, 2)(*[torch.randn(5, 1, 6)] * 3)",
     "nn.MultiheadAttention(6, 2) for the 6 features of the input", "nn.MultiheadAttention(6, 2)(*[torch.randn(5, 1, 6)] * 3)"),
    ("GG123", "torch.randn(5).split([2, 2])", "they sum to 4, and the dim has 5: [2, 3]", "torch.randn(5).split([2, 3])"),
    ("GG129", "torch.randn(2, 3).repeat(2)", "a number for each of the 2 dims, as repeat(1, 2)", "torch.randn(2, 3).repeat(1, 2)"),
    # kinds
    ("GG201", "x = torch.from_numpy(numpy.ones((4, 3)))\nnn.Linear(3, 2)(x)",
     "x.float(), as the layer's weights are float32; it is float64, as arrays of NumPy are",
     "nn.Linear(3, 2)(torch.from_numpy(numpy.ones((4, 3))).float())"),
    ("GG201", "nn.Linear(3, 2)(torch.ones(4, 3).long())", "input.float(), as the layer's weights are float32; it is int64",
     "nn.Linear(3, 2)(torch.ones(4, 3).long().float())"),
    ("GG201", "nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 5, 5).byte())",
     "input.float(), as the layer's weights are float32; it is uint8, as bytes of images are", ""),
    ("GG201", "nn.Linear(3, 2).double()(torch.ones(4, 3))", "input.double(), as the layer's weights are float64; it is float32", ""),
    ("GG201", "a, b = torch.randn(2, 3), torch.randn(3, 4).double()\na @ b", "a.double(), or b.float(): a is float32, b float64",
     "torch.randn(2, 3).double() @ torch.randn(3, 4).double()"),
    ("GG201", "a, b = torch.ones(2, 3).long(), torch.randn(3, 4)\na @ b", "a.float()", "torch.ones(2, 3).long().float() @ torch.randn(3, 4)"),
    ("GG201", "nn.LSTM(3, 4)(torch.ones(2, 1, 3).double())",
     "input.float(), as the layer's weights are float32; it is float64, as arrays of NumPy are", ""),
    ("GG202", "x = torch.zeros(3)\nnn.Embedding(10, 4)(x)",
     "x.long(), which is float32; or look for the float in the data's pipeline", "nn.Embedding(10, 4)(torch.zeros(3).long())"),
    ("GG207", "loss = torch.randn(3, requires_grad=True)\nloss.numpy()", "loss.detach().numpy(), or compute under torch.no_grad()",
     "torch.randn(3, requires_grad=True).detach().numpy()"),
    ("GG208", "losses = torch.randn(3)\nlosses.item()",
     "losses has 3: losses.tolist() for all of them, losses.mean().item() for one number",
     "torch.randn(3).tolist()\ntorch.randn(3).mean().item()"),
    ("GG210", "torch.tensor([[1, 2], [3]])", "at dim 1 there are 2 and 1: pad to 2, or keep a list of tensors", ""),
    ("GG210", "torch.tensor(['a', 'b'])",
     "it holds words: a number for each, as {word: i for i, word in enumerate(sorted(set(words)))} has", ""),
    ("GG210", "torch.tensor([None])", "there is a None in it", ""),
    ("GG211", "y = nn.LSTM(2, 3)(torch.randn(4, 1, 2))\nnn.Linear(3, 1)(y)",
     "it is a tuple: take a part of it, as y, state = lstm(x) and values, indices = x.max(1) do",
     "y, state = nn.LSTM(2, 3)(torch.randn(4, 1, 2))\nnn.Linear(3, 1)(y)"),
    ("GG211", "class Body(nn.Module):\n    def forward(self, x):\n        x * 2\n\nnn.Sequential(Body(), nn.Linear(2, 2))(torch.ones(2))",
     "it is None: look for a function before it, or a forward, without its return", ""),
    ("GG211", "nn.Linear(2, 2)(numpy.ones((1, 2)))", "torch.from_numpy(...).float()",
     "nn.Linear(2, 2)(torch.from_numpy(numpy.ones((1, 2))).float())"),
    ("GG213", "torch.device('gpu')", "did you mean 'cuda'? device = \"cuda\" if torch.cuda.is_available() else \"cpu\"", ""),
    ("GG213", "torch.randn(3).to('GPU0')", "did you mean 'cuda:0'? device = \"cuda\" if torch.cuda.is_available() else \"cpu\"", ""),
    ("GG213", "torch.device('CPU')", "did you mean 'cpu'? device = \"cuda\" if torch.cuda.is_available() else \"cpu\"", ""),
    ("GG215", "F.one_hot(torch.tensor([3]), 2)", "the largest is 3: num_classes=4 at least, or -1 to count them",
     "F.one_hot(torch.tensor([3]), 4)\nF.one_hot(torch.tensor([3]), -1)"),
    ("GG215", "F.one_hot(torch.tensor([-1]), 2)", "the smallest is -1: classes count from 0", ""),
    # names
    ("GG216", "torch.randn(3).shap", "did you mean shape?", "torch.randn(3).shape"),
    ("GG216", "nn.Relu()", "did you mean ReLU?", "nn.ReLU()"),
    ("GG216", "F.Relu(torch.ones(1))", "did you mean relu?", "F.relu(torch.ones(1))"),
    ("GG216", "nn.Linear(2, 3).wieght", "did you mean weight?", "nn.Linear(2, 3).weight"),
    ("GG216", "nn.Linear(in_feature=3, out_features=2)", "did you mean in_features?", "nn.Linear(in_features=3, out_features=2)"),
    ("GG216", "nn.CrossEntropyLoss(weights=torch.ones(3))", "did you mean weight?", "nn.CrossEntropyLoss(weight=torch.ones(3))"),
    ("GG216", "F.cross_entropy(torch.randn(2, 3), torch.zeros(2).long(), weights=torch.ones(3))", "did you mean weight?", ""),
    ("GG216", "torch.randn(3).sum(keepdimz=True)", "did you mean keepdim?", ""),
    ("GG216", "o = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)\no.zero_grad(set_none=True)", "did you mean set_to_none?", ""),
    ("GG216", "torch.randn(3, require_grad=True)", "did you mean requires_grad?", "torch.randn(3, requires_grad=True)"),
    ("GG216", "torch.zeros(3, dtyp=torch.float64)", "did you mean dtype?", "torch.zeros(3, dtype=torch.float64)"),
    ("GG216", "nn.Dropout(rate=0.5)", "it takes p, inplace", "nn.Dropout(p=0.5)"),
    ("GG902", "nn.Linear(3)", "it takes in_features, out_features, bias, device, dtype", ""),
    ("GG902", "nn.MultiheadAttention(4, 2)(torch.ones(3, 1, 4))",
     "it takes query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, is_causal", ""),
    ("GG902", "class Pair(nn.Module):\n    def forward(self, x, y):\n        return x + y\n\nPair()(torch.ones(2))", "it takes x, y", ""),
    ("GG902", "nn.Flatten(1, 2, 3)", "it takes start_dim, end_dim", ""),
    # gradients
    ("GG301", "y = torch.randn(3, requires_grad=True) * 2\ny.backward()", "y.mean().backward() or y.sum().backward(): y is (3,)",
     "y = torch.randn(3, requires_grad=True) * 2\ny.mean().backward()\ny.sum().backward()"),
    ("GG304", "w = torch.randn(3, requires_grad=True)\nw += 1",
     "with torch.no_grad(): around the change of w, or a new tensor, as w = w + 1",
     "w = torch.randn(3, requires_grad=True)\nwith torch.no_grad():\n    w += 1\nw = w + 1"),
    ("GG304", "b = torch.randn(3, requires_grad=True)\nb[0] = 1.0",
     "with torch.no_grad(): around the change of b, or a new tensor, as b = b + 1", ""),
    ("GG308", "y = torch.randn(2, requires_grad=True) * 2\ny.backward(torch.ones(3))",
     "a gradient of (2,), as torch.ones_like(y), or a loss of one number",
     "y = torch.randn(2, requires_grad=True) * 2\ny.backward(torch.ones_like(y))"),
    ("GG302", "w = torch.randn(3, requires_grad=True)\nw.argmax().backward()",
     "it is int64, and integers have no gradient: look for argmax, a comparison, long() or int()", ""),
    ("GG302", "w = torch.randn(3, requires_grad=True)\nwith torch.no_grad():\n    w.sum().backward()",
     "this line stands under no_grad(), or inference_mode(), which records nothing: outside of it",
     "w = torch.randn(3, requires_grad=True)\nw.sum().backward()"),
    # modules
    ("GG401", "old = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 10))\n"
     "nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3)).load_state_dict(old.state_dict())",
     "build the model with 1.weight of (10, 8), as it was saved; here it is (3, 8)", ""),
    ("GG401", "fc = nn.Linear(2, 3)\nfc.load_state_dict({'module.' + k: w for k, w in fc.state_dict().items()})",
     "the names begin with 'module.': {k.removeprefix('module.'): w for k, w in state.items()}", ""),
    ("GG401", "net = nn.Sequential(nn.Linear(2, 3))\nnet.load_state_dict(net[0].state_dict())",
     "the model's names begin with '0.': model.0.load_state_dict(...)", ""),
    ("GG401", "fc = nn.Linear(2, 3)\nfc.load_state_dict({'model': fc.state_dict(), 'epoch': 3})",
     "the weights are one level down: load_state_dict(checkpoint['model'])",
     "fc = nn.Linear(2, 3)\ncheckpoint = {'model': fc.state_dict(), 'epoch': 3}\nfc.load_state_dict(checkpoint['model'])"),
    ("GG404", "fc = nn.Linear(2, 2)\nfc.weight = torch.zeros(2, 2)",
     "fc.weight = nn.Parameter(...), or with torch.no_grad(): fc.weight.copy_(...)",
     "fc = nn.Linear(2, 2)\nfc.weight = nn.Parameter(torch.zeros(2, 2))\nwith torch.no_grad():\n    fc.weight.copy_(torch.zeros(2, 2))"),
    ("GG405", "class Net(nn.Module):\n    def foward(self, x):\n        return x\n\nNet()(torch.ones(2))",
     "Net has foward(): call it forward", ""),
    ("GG407", "nn.Sequential(nn.ReLU(), nn.ReLU())[2]", "there are 2: from 0 to 1, and -1 is the last", "nn.Sequential(nn.ReLU(), nn.ReLU())[1]"),
    ("GG407", "nn.Sequential(nn.ReLU())[2]", "there is one: 0", "nn.Sequential(nn.ReLU())[0]"),
    ("GG408", "nn.Conv2d(3, 8, 3, groups=2)", "groups of 1 or 3, which divide in_channels, 3", ""),
    # losses
    ("GG501", "F.cross_entropy(torch.randn(4, 7, 10), torch.zeros(4, 7).long())",
     "the classes come second: input.transpose(1, 2) makes it (4, 10, 7)",
     "F.cross_entropy(torch.randn(4, 7, 10).transpose(1, 2), torch.zeros(4, 7).long())"),
    ("GG501", "y = torch.zeros(4, 7).long()\nF.cross_entropy(torch.randn(28, 10), y)", "y.flatten() makes (28,) of (4, 7)",
     "F.cross_entropy(torch.randn(28, 10), torch.zeros(4, 7).long().flatten())"),
    ("GG501", "F.cross_entropy(torch.randn(8, 3), torch.zeros(4).long())",
     "8 rows of scores for 4 targets: look for a view or flatten that changes the batch's size", ""),
    ("GG501", "F.cross_entropy(torch.randn(4, 3), torch.zeros(5).long())", "the scores are (4, 3), so that the targets are (4,), not (5,)", ""),
    ("GG502", "y = torch.tensor([1, 2, 3])\nF.cross_entropy(torch.randn(3, 3), y)",
     "3 scores are classes 0 to 2, and the targets go from 1 to 3: y - 1, or 4 outputs",
     "F.cross_entropy(torch.randn(3, 3), torch.tensor([1, 2, 3]) - 1)"),
    ("GG502", "nn.CrossEntropyLoss()(torch.randn(4, 3), torch.tensor([0, 1, 2, 5]))",
     "3 scores are classes 0 to 2, and the targets go from 0 to 5: 6 outputs, or other labels",
     "nn.CrossEntropyLoss()(torch.randn(4, 6), torch.tensor([0, 1, 2, 5]))"),
    ("GG502", "F.cross_entropy(torch.randn(2, 3), torch.tensor([-1, 0]))",
     "3 scores are classes 0 to 2, and the targets go from -1 to 0: ignore_index=-1 leaves those out",
     "F.cross_entropy(torch.randn(2, 3), torch.tensor([-1, 0]), ignore_index=-1)"),
    ("GG502", "F.cross_entropy(torch.randn(2, 1), torch.tensor([1, 0]))",
     "one score for a row is for binary_cross_entropy_with_logits; here, an output for each class", ""),
    ("GG503", "y = torch.zeros(4)\nF.cross_entropy(torch.randn(4, 3), y)", "y.long(): classes are int64, and these are float32",
     "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).long())"),
    ("GG503", "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).int())", "target.long(): classes are int64, and these are int32",
     "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).int().long())"),
    ("GG503", "F.cross_entropy(torch.randn(4, 3), torch.zeros(4, 1).long())", "target.squeeze(1) makes (4,) of (4, 1)",
     "F.cross_entropy(torch.randn(4, 3), torch.zeros(4, 1).long().squeeze(1))"),
    ("GG503", "F.cross_entropy(torch.randn(4, 3), F.one_hot(torch.tensor([0, 1, 2, 0]), 3))",
     "target.argmax(1) for the classes of one-hot rows, or target.float() for probabilities",
     "F.cross_entropy(torch.randn(4, 3), F.one_hot(torch.tensor([0, 1, 2, 0]), 3).argmax(1))"),
    ("GG504", "F.binary_cross_entropy_with_logits(torch.rand(4, 1), torch.rand(4))", "input.squeeze(1) makes it (4,)",
     "F.binary_cross_entropy_with_logits(torch.rand(4, 1).squeeze(1), torch.rand(4))"),
    ("GG504", "y = torch.rand(4, 1)\nF.binary_cross_entropy(torch.rand(4), y)", "y.squeeze(1) makes it (4,)",
     "F.binary_cross_entropy(torch.rand(4), torch.rand(4, 1).squeeze(1))"),
    ("GG504", "F.binary_cross_entropy_with_logits(torch.rand(4, 2), torch.rand(4))",
     "one output, and squeeze(1), for the (4,) targets; 2 scores for a row are for cross_entropy", ""),
    ("GG505", "F.binary_cross_entropy(torch.tensor([-0.5, 1.5]), torch.rand(2))",
     "they go from -0.5 to 1.5: binary_cross_entropy_with_logits takes scores as they are",
     "F.binary_cross_entropy_with_logits(torch.tensor([-0.5, 1.5]), torch.rand(2))"),
    ("GG505", "F.binary_cross_entropy(torch.rand(2), torch.tensor([-1.0, 1.0]))",
     "they go from -1 to 1: (y + 1) / 2 for targets of -1 and 1; for classes cross_entropy",
     "F.binary_cross_entropy(torch.rand(2), (torch.tensor([-1.0, 1.0]) + 1) / 2)"),
    ("GG505", "F.binary_cross_entropy(torch.ones(2), torch.tensor([0.5, 1.5]))",
     "they go from 0.5 to 1.5: the prediction comes first, then the target", ""),
    ("GG505", "F.binary_cross_entropy(torch.tensor([float('nan'), 0.5]), torch.rand(2))",
     "some of them are NaN: look for the step that made them, as explain() does", ""),
    ("GG506", "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).long(), weight=torch.ones(2))",
     "3 weights, one for each class: these are (2,)", "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).long(), weight=torch.ones(3))"),
    ("GG507", "y = torch.zeros(4).long()\nF.binary_cross_entropy(torch.rand(4), y)", "y.float(): y is int64",
     "F.binary_cross_entropy(torch.rand(4), torch.zeros(4).long().float())"),
    # optimizers, data
    ("GG601", "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = [nn.Linear(2, 2)]\n\n"
     "net = Net()\ntorch.optim.SGD(net.parameters(), lr=0.1)", "self.layers = nn.ModuleList(layers): a plain list hides its layers", ""),
    ("GG601", "net = nn.Sequential(nn.ReLU())\ntorch.optim.SGD(net.parameters(), lr=0.1)",
     "net has no parameters: layers are attributes of it, or in nn.ModuleList", ""),
    ("GG601", "p = nn.Linear(2, 2).parameters()\nlist(p)\ntorch.optim.SGD(p, lr=0.1)",
     "a generator is used up by its first use: model.parameters() anew, or a list of it",
     "p = list(nn.Linear(2, 2).parameters())\nlist(p)\ntorch.optim.SGD(p, lr=0.1)"),
    ("GG602", "torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=-0.1)",
     "lr=0.1: steps go downhill by themselves; maximize=True goes uphill", "torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)"),
    ("GG602", "torch.optim.Adam(nn.Linear(2, 2).parameters(), betas=(1.0, 0.9))",
     "0 <= beta < 1, as betas=(0.9, 0.999): this is 1.0", "torch.optim.Adam(nn.Linear(2, 2).parameters(), betas=(0.9, 0.999))"),
    ("GG703", "next(iter(torch.data.DataLoader([None, None], batch_size=2)))",
     "the data set gives None: look for a __getitem__ without its return", ""),
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong while a fix is looked for is an error here."""

    class Open:
        def __enter__(self) -> None: ...
        def __exit__(self, *problem: Any) -> None: ...

    suppress = notes.suppress
    monkeypatch.setattr(notes, "suppress", lambda *kinds: Open() if Exception in kinds else suppress(*kinds))


def fix_of(problem: BaseException) -> str:
    notes.tell(problem)
    return told(problem).partition("\n  fix   ")[2].partition("\n")[0]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("code", "program", "fix", "mended"), CASES, ids=[f"{row[0]} {row[1]}" for row in CASES])
def test_the_fix_says_what_is_at_hand(code: str, program: str, fix: str, mended: str) -> None:
    problem = run(program, gg)
    assert fix_of(problem) == fix
    assert f"  code  {code}:" in told(problem)
    with pytest.raises(AssertionError, match="raises nothing"):
        run(mended, gg)


def test_each_code_with_such_a_fix_has_a_case() -> None:
    assert FIXES.keys() == {code for code, *_ in CASES}
    assert FIXES.keys() - ROWS.keys() == {"GG902"}


def test_a_fix_that_fails_leaves_the_rows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(case: Case) -> str:
        raise ZeroDivisionError

    monkeypatch.undo()
    monkeypatch.setitem(FIXES, "GG111", fails)
    assert fix_of(run("torch.randn(3).sum(dim=1)", gg)) == ROWS["GG111"].fix


def test_a_call_of_the_users_that_is_refused_is_left_alone() -> None:
    program = "class Net:\n    def __init__(self, width):\n        pass\n\nNet(wdith=3)"
    assert told(run(program, gg)) == "Net.__init__() got an unexpected keyword argument 'wdith'"
    assert fix_of(run("def sum(x):\n    pass\n\nsum(y=torch.ones(1))", gg)) == ""
    assert fix_of(run("sum([1], foo=torch.ones(1))", gg)) == ""


def test_what_is_handed_on_is_shown_beside_what_is_named() -> None:
    problem = run("y = torch.zeros(5).long()\nF.cross_entropy(torch.randn(4, 3), y)", gg)
    notes.tell(problem)
    assert "\n  with  input = float32 (4, 3), y = int64 (5,)\n" in told(problem)


def test_the_inputs_of_a_loss_have_their_names() -> None:
    problem = run("nn.CrossEntropyLoss()(torch.randn(4, 3), torch.zeros(5).long())", gg)
    notes.tell(problem)
    assert "\n  with  input = float32 (4, 3), target = int64 (5,)\n" in told(problem)
