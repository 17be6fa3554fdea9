"""Mistakes that people make, as they make them: programs in PyTorch's names, each of which ends in an exception.

Besides these there is the example of each row of the catalogue. Both libraries run them in tests/oracle; a name begins
with the code that the error has here. OTHERWISE: where PyTorch says something else, and why.
"""

# ruff: noqa: E501  (programs are a line each)

from __future__ import annotations

import linecache
from textwrap import dedent
from typing import Any

from glassgrad.core.backend import cuda_available

# name: program
MISTAKES: dict[str, str] = {
    "GG101 add": "torch.randn(3, 4) + torch.randn(3, 5)",
    "GG101 compare": "torch.randn(2, 3) > torch.randn(2)",
    "GG101 mse": "F.mse_loss(torch.randn(4, 3), torch.randn(4, 5))",
    "GG101 where": "torch.where(torch.ones(3).bool(), torch.randn(2), torch.randn(3))",
    "GG101 masked_fill": "torch.randn(2, 3).masked_fill(torch.ones(2, 2).bool(), 0.0)",
    "GG102 matmul": "torch.randn(32, 784) @ torch.randn(128, 10)",
    "GG102 mm": "torch.mm(torch.randn(3, 4), torch.randn(3, 4))",
    "GG102 linear": "nn.Linear(784, 10)(torch.randn(32, 28))",
    "GG102 linear without bias": "F.linear(torch.randn(5, 3), torch.randn(2, 4))",
    "GG102 linear in 3-d": "nn.Linear(8, 2)(torch.randn(2, 5, 6))",
    "GG102 sequence": "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(9, 2))(torch.randn(3, 4))",
    "GG102 addmm": "torch.addmm(torch.zeros(2), torch.randn(3, 4), torch.randn(5, 2))",
    "GG103 vector": "torch.randn(3, 4) @ torch.randn(3)",
    "GG103 mv": "torch.mv(torch.randn(3, 4), torch.randn(3))",
    "GG103 dot": "torch.dot(torch.randn(3), torch.randn(4))",
    "GG103 dot of matrices": "torch.dot(torch.randn(3, 3), torch.randn(3, 3))",
    "GG104 bmm": "torch.bmm(torch.randn(2, 3, 4), torch.randn(2, 5, 6))",
    "GG104 batches": "torch.randn(2, 3, 4) @ torch.randn(2, 5, 6)",
    "GG104 batch": "torch.bmm(torch.randn(2, 3, 4), torch.randn(3, 4, 6))",
    "GG104 dims": "torch.bmm(torch.randn(3, 4), torch.randn(4, 6))",
    "GG104 mm dims": "torch.mm(torch.randn(2, 3, 4), torch.randn(4, 6))",
    "GG105 channels": "nn.Conv2d(3, 8, 3)(torch.randn(2, 1, 28, 28))",
    "GG105 channels of conv1d": "nn.Conv1d(4, 8, 3)(torch.randn(2, 5, 10))",
    "GG105 transposed": "nn.ConvTranspose2d(4, 8, 3)(torch.randn(2, 5, 10, 10))",
    "GG106 dims": "nn.Conv2d(1, 8, 3)(torch.randn(28, 28))",
    "GG106 dims of conv1d": "nn.Conv1d(1, 8, 3)(torch.randn(2, 2, 3, 28))",
    "GG107 kernel": "nn.Conv2d(1, 8, 5)(torch.randn(1, 1, 3, 3))",
    "GG107 pool": "F.max_pool2d(torch.randn(1, 1, 1, 1), 2)",
    "GG106 pool dims": "F.max_pool2d(torch.randn(4, 4), 2)",
    "GG108 view": "torch.randn(2, 3).view(4, 2)",
    "GG108 reshape": "torch.randn(2, 3).reshape(-1, 4)",
    "GG108 two unknown": "torch.randn(2, 3).reshape(-1, -1)",
    "GG109 strides": "torch.randn(2, 3).t().view(6)",
    "GG110 cat": "torch.cat([torch.randn(2, 3), torch.randn(2, 4)])",
    "GG110 cat dims": "torch.cat([torch.randn(2, 3), torch.randn(3)])",
    "GG110 cat of nothing": "torch.cat([])",
    "GG110 stack": "torch.stack([torch.randn(3), torch.randn(4)])",
    "GG110 stack of nothing": "torch.stack([])",
    "GG111 sum": "torch.randn(3).sum(dim=1)",
    "GG111 softmax": "F.softmax(torch.randn(3), dim=1)",
    "GG111 transpose": "torch.randn(3, 4).transpose(1, 2)",
    "GG111 argmax": "torch.randn(3).argmax(1)",
    "GG111 size": "torch.randn(3).size(1)",
    "GG111 flatten": "torch.randn(3).flatten(1)",
    "GG111 unsqueeze": "torch.randn(3).unsqueeze(3)",
    "GG112 integer": "torch.randn(3)[5]",
    "GG112 second": "torch.randn(3, 4)[0, 7]",
    "GG112 tensor": "torch.randn(3)[torch.tensor([0, 9])]",
    "GG112 gather": "torch.gather(torch.randn(2, 3), 1, torch.tensor([[5], [0]]))",
    "GG112 scatter": "torch.zeros(2, 3).scatter_(1, torch.tensor([[5]]), 1.0)",
    "GG112 select": "torch.randn(3).select(0, 4)",
    "GG114 index_select": "torch.randn(3).index_select(0, torch.tensor([4]))",
    "GG112 narrow": "torch.randn(3).narrow(0, 2, 4)",
    "GG112 put": "x = torch.randn(3)\nx[7] = 1.0",
    "GG113 indices": "torch.randn(3)[0, 1]",
    "GG113 of a scalar": "torch.tensor(1.0)[0]",
    "GG114 embedding": "nn.Embedding(10, 4)(torch.tensor([3, 10]))",
    "GG114 negative": "nn.Embedding(10, 4)(torch.tensor([-1]))",
    "GG115 mask": "torch.randn(3, 4)[torch.ones(2).bool()]",
    "GG116 expand": "torch.randn(3).expand(4)",
    "GG116 expand dims": "torch.randn(2, 3).expand(3)",
    "GG116 in place": "torch.zeros(3).add_(torch.randn(2, 3))",
    "GG101 copy": "torch.zeros(3).copy_(torch.zeros(4))",
    "GG116 assigned": "x = torch.zeros(3, 2)\nx[0] = torch.zeros(3)",
    "GG117 permute": "torch.randn(2, 3).permute(0, 1, 2)",
    "GG117 permute twice": "torch.randn(2, 3).permute(0, 0)",
    "GG117 t": "torch.randn(2, 3, 4).t()",
    "GG118 layer norm": "nn.LayerNorm(8)(torch.randn(2, 6))",
    "GG118 batch norm": "nn.BatchNorm1d(8)(torch.randn(4, 6))",
    "GG118 group norm": "nn.GroupNorm(3, 8)",
    "GG119 batch norm": "nn.BatchNorm2d(3)(torch.randn(4, 3))",
    "GG119 batch norm 1d": "nn.BatchNorm1d(3)(torch.randn(4, 3, 2, 2))",
    "GG120 one row": "nn.BatchNorm1d(3)(torch.randn(1, 3))",
    "GG121 lstm": "nn.LSTM(10, 20)(torch.randn(5, 3, 4))",
    "GG121 gru": "nn.GRU(10, 20)(torch.randn(5, 3, 4))",
    "GG121 hidden": "nn.LSTM(4, 6)(torch.randn(5, 3, 4), (torch.zeros(1, 2, 6), torch.zeros(1, 2, 6)))",
    "GG121 dims": "nn.LSTM(4, 6)(torch.randn(4))",
    "GG121 cell": "nn.LSTMCell(4, 6)(torch.randn(3, 5))",
    "GG122 heads": "nn.MultiheadAttention(10, 3)",
    "GG122 width": "nn.MultiheadAttention(8, 2)(*[torch.randn(5, 1, 6)] * 3)",
    "GG123 split": "torch.randn(5).split([2, 2])",
    "GG123 chunk": "torch.randn(5).chunk(0)",
    "GG124 topk": "torch.randn(3).topk(5)",
    "GG125 empty max": "torch.randn(0).max()",
    "GG125 empty argmax": "torch.randn(0).argmax()",
    "GG126 singular": "torch.linalg.inv(torch.zeros(2, 2))",
    "GG126 cholesky": "torch.linalg.cholesky(-torch.eye(2))",
    "GG127 square": "torch.linalg.inv(torch.randn(2, 3))",
    "GG128 einsum": "torch.einsum('ij,jk->ik', torch.randn(2, 3), torch.randn(4, 5))",
    "GG128 einsum dims": "torch.einsum('ijk->i', torch.randn(2, 3))",
    "GG129 repeat": "torch.randn(2, 3).repeat(2)",
    "GG129 negative size": "torch.zeros(-1)",
    "GG111 squeeze": "torch.randn(2, 3).squeeze(5)",
    "GG130 item of an iteration": "list(torch.tensor(1.0))",
    "GG130 len": "len(torch.tensor(1.0))",
    # kinds of numbers
    "GG201 matmul": "torch.randn(2, 3) @ torch.randn(3, 4, dtype=torch.float64)",
    "GG201 linear": "nn.Linear(3, 2)(torch.randn(4, 3, dtype=torch.float64))",
    "GG201 linear of ints": "nn.Linear(3, 2)(torch.ones(4, 3, dtype=torch.long))",
    "GG201 numpy": "nn.Linear(3, 2)(torch.from_numpy(numpy.ones((4, 3))))",
    "GG201 dot": "torch.dot(torch.randn(3), torch.randn(3).double())",
    "GG201 conv": "nn.Conv2d(1, 2, 3)(torch.randn(1, 1, 5, 5).double())",
    "GG201 bmm": "torch.randn(1, 2, 3) @ torch.randn(1, 3, 4).double()",
    "GG201 conv of bytes": "nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 5, 5, dtype=torch.uint8))",
    "GG202 embedding": "nn.Embedding(10, 4)(torch.randn(3))",
    "GG203 cast": "torch.ones(3, dtype=torch.long).add_(1.5)",
    "GG203 divide": "x = torch.ones(3, dtype=torch.long)\nx /= 2",
    "GG204 mean": "torch.arange(4).mean()",
    "GG204 softmax": "F.softmax(torch.arange(3), dim=0)",
    "GG214 dropout p": "nn.Dropout(1.5)",
    "GG205 grad of ints": "torch.tensor([1, 2], requires_grad=True)",
    "GG205 parameter": "nn.Parameter(torch.arange(3))",
    "GG205 switch": "torch.arange(3).requires_grad_()",
    "GG206 index": "torch.randn(3)[torch.tensor([0.0, 1.0])]",
    "GG206 gather": "torch.gather(torch.randn(3), 0, torch.tensor([0.0]))",
    "GG206 float": "torch.randn(3)[1.5]",
    "GG207 numpy": "torch.randn(3, requires_grad=True).numpy()",
    "GG207 array": "numpy.asarray(torch.randn(3, requires_grad=True))",
    "GG208 item": "torch.randn(3).item()",
    "GG208 float": "float(torch.randn(3))",
    "GG208 int": "int(torch.randn(3))",
    "GG208 range": "range(torch.tensor(1.5))",
    "GG209 bool": "if torch.randn(3) > 0:\n    pass",
    "GG209 bool of none": "bool(torch.randn(0))",
    "GG210 ragged": "torch.tensor([[1, 2], [3]])",
    "GG210 words": "torch.tensor(['a', 'b'])",
    "GG210 object": "torch.tensor([None])",
    "GG210 array of objects": "torch.from_numpy(numpy.array([None]))",
    "GG211 list": "F.linear([1.0], torch.randn(1, 1))",
    "GG211 relu": "F.relu([1.0])",
    "GG211 matmul": "torch.matmul(torch.randn(2, 2), 3.0)",
    "GG211 list in a layer": "nn.Linear(2, 2)([1.0, 2.0])",
    "GG211 array": "nn.Linear(2, 2)(numpy.ones((1, 2)))",
    "GG211 cat": "torch.cat([torch.randn(2), 3.0])",
    "GG211 cat of a tensor": "torch.cat(torch.randn(2), torch.randn(2))",
    "GG211 from_numpy": "torch.from_numpy([1, 2])",
    "GG212 minus of bools": "torch.ones(2).bool() - torch.ones(2).bool()",
    "GG212 negated": "-torch.ones(2).bool()",
    "GG213 name": "torch.device('gpu')",
    "GG214 probabilities": "torch.multinomial(torch.tensor([-1.0, 2.0]), 1)",
    "GG214 nan": "torch.multinomial(torch.tensor([float('nan'), 2.0]), 1)",
    "GG214 too many": "torch.multinomial(torch.ones(3), 5)",
    "GG214 std": "torch.normal(0.0, -1.0, (2,))",
    "GG214 uniform": "torch.zeros(2).uniform_(1, 0)",
    "GG214 randint": "torch.randint(0, 0, (2,))",
    "GG214 distribution": "torch.distributions.Normal(0.0, -1.0)",
    "GG215 one_hot": "F.one_hot(torch.tensor([3]), 2)",
    "GG215 one_hot of floats": "F.one_hot(torch.tensor([1.0]), 2)",
    "GG216 argument": "torch.randn(3).sum(dimension=0)",
    "GG216 attribute": "torch.randn(3).foo",
    "GG216 name": "torch.foo",
    # gradients
    "GG301 vector": "(torch.randn(3, requires_grad=True) * 2).backward()",
    "GG301 grad": "x = torch.randn(3, requires_grad=True)\ntorch.autograd.grad(x * 2, x)",
    "GG302 no graph": "torch.randn(3).sum().backward()",
    "GG302 no_grad": "w = torch.randn(3, requires_grad=True)\nwith torch.no_grad():\n    loss = (w * 2).sum()\nloss.backward()",
    "GG302 argmax": "w = torch.randn(3, requires_grad=True)\nw.argmax().backward()",
    "GG302 data": "w = torch.randn(3, requires_grad=True)\n(w.data * 2).sum().backward()",
    "GG303 twice": "w = torch.randn(3, requires_grad=True)\nloss = (w ** 2).sum()\nloss.backward()\nloss.backward()",
    "GG303 hidden state": """\
        w = torch.randn(2, 2, requires_grad=True)
        h = torch.zeros(1, 2)
        for step in range(2):
            h = torch.tanh(h @ w + 1)
            h.sum().backward()
        """,
    "GG304 leaf": "w = torch.randn(3, requires_grad=True)\nw += 1",
    "GG304 item": "w = torch.randn(3, requires_grad=True)\nw[0] = 1.0",
    "GG314 out": "w = torch.randn(3, requires_grad=True)\ntorch.add(w, 1, out=torch.zeros(3))",
    "GG305 exp": "w = torch.randn(3, requires_grad=True)\ny = w.exp()\ny += 1\ny.sum().backward()",
    "GG305 weight": """\
        w = torch.randn(3, 3, requires_grad=True)
        v = torch.randn(3, 3, requires_grad=True)
        loss = ((v @ w) @ w).sum()
        with torch.no_grad():
            w -= 0.1
        loss.backward()
        """,
    "GG305 relu": "x = torch.randn(3, requires_grad=True) * 1\ny = F.relu(x)\ny *= 2\ny.sum().backward()",
    "GG305 step": """\
        model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loss = model(torch.randn(4, 2)).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
        loss.backward()
        """,
    "GG306 unused": "a, b = torch.randn(2, requires_grad=True)\ntorch.autograd.grad(a * 2, torch.randn(1, requires_grad=True))",
    "GG306 wants none": "torch.autograd.grad(torch.randn(2, requires_grad=True).sum(), torch.randn(2))",
    "GG307 copy": "import copy\ncopy.deepcopy(torch.randn(2, requires_grad=True) * 2)",
    "GG307 flag": "y = torch.randn(2, requires_grad=True) * 2\ny.requires_grad = False",
    "GG307 retain": "torch.randn(2).retain_grad()",
    "GG307 hook": "torch.randn(2).register_hook(print)",
    "GG308 shape": "y = torch.randn(2, requires_grad=True) * 2\ny.backward(torch.ones(3))",
    "GG902 gradient": "y = torch.randn(2, requires_grad=True) * 2\ny.backward(1.0)",
    "GG309 shape of grad": "w = torch.randn(2, requires_grad=True)\nw.grad = torch.zeros(3)",
    "GG309 kind of grad": "w = torch.randn(2, requires_grad=True)\nw.grad = 0.0",
    "GG309 dtype of grad": "w = torch.randn(2, requires_grad=True)\nw.grad = torch.zeros(2).double()",
    "GG310 gradients": """\
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, g):
                return g, g
        Twice.apply(torch.randn(2, requires_grad=True)).sum().backward()
        """,
    "GG310 shape": """\
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2
            @staticmethod
            def backward(ctx, g):
                return g.sum(0, keepdim=True).expand(3)
        Twice.apply(torch.randn(2, requires_grad=True)).sum().backward()
        """,
    "GG304 view of a leaf": "w = torch.randn(3, requires_grad=True)\nw[:2].add_(1)",
    "GG311 base": "w = torch.randn(4, 2, requires_grad=True) * 1\na, b = w.split(2)\nw += 1\nb * 2",
    "GG311 unbound": "w = torch.randn(2, 2, requires_grad=True) * 1\na, b = w.unbind()\na += 1",
    "GG313 nan": """\
        w = torch.tensor([0.0], requires_grad=True)
        with torch.autograd.detect_anomaly(check_nan=True):
            (w.sqrt() * 0).backward()
        """,
    # modules
    "GG401 keys": "nn.Linear(2, 3).load_state_dict({'w': torch.zeros(3, 2)})",
    "GG401 shapes": "nn.Sequential(nn.Linear(2, 3)).load_state_dict(nn.Sequential(nn.Linear(2, 4)).state_dict())",
    "GG401 no dict": "nn.Linear(2, 3).load_state_dict([1])",
    "GG216 attribute of a module": "nn.Linear(2, 3).wieght",
    "GG403 init": """\
        class Net(nn.Module):
            def __init__(self):
                self.fc = nn.Linear(2, 2)
        Net()
        """,
    "GG403 init of a parameter": """\
        class Net(nn.Module):
            def __init__(self):
                self.w = nn.Parameter(torch.zeros(2))
        Net()
        """,
    "GG404 parameter": "fc = nn.Linear(2, 2)\nfc.weight = torch.zeros(2, 2)",
    "GG404 module": "net = nn.Sequential(nn.Linear(2, 2))\nsetattr(net, '0', 3)",
    "GG405 forward": "nn.Module()(torch.randn(2))",
    "GG405 list": "nn.ModuleList([nn.Linear(2, 2)])(torch.randn(2))",
    "GG406 sequence": "nn.Sequential(nn.Linear(2, 2), torch.relu)",
    "GG406 list": "nn.ModuleList([3])",
    "GG407 index": "nn.Sequential(nn.Linear(2, 2))[3]",
    "GG408 conv groups": "nn.Conv2d(3, 8, 3, groups=2)",
    "GG129 size": "nn.Linear(-1, 2)",
    "GG409 buffer": "net = nn.Module()\nnet.register_buffer('a.b', torch.zeros(1))",
    "GG404 buffer": "net = nn.Module()\nnet.register_buffer('a', 3)",
    "GG404 registered": "nn.Module().register_parameter('w', torch.zeros(2))",
    # losses
    "GG501 rows": "F.cross_entropy(torch.randn(4, 3), torch.zeros(5).long())",
    "GG501 nll": "F.nll_loss(torch.randn(4, 3), torch.zeros(5).long())",
    "GG501 shape": "F.cross_entropy(torch.randn(4, 3, 7), torch.zeros(4, 5).long())",
    "GG502 class": "F.cross_entropy(torch.randn(4, 3), torch.tensor([0, 1, 2, 3]))",
    "GG502 negative class": "F.cross_entropy(torch.randn(1, 3), torch.tensor([-1]))",
    "GG503 dtype": "F.cross_entropy(torch.randn(4, 3), torch.zeros(4))",
    "GG503 int": "F.cross_entropy(torch.randn(4, 3), torch.zeros(4, dtype=torch.int32))",
    "GG503 one-hot ints": "F.cross_entropy(torch.randn(4, 3), torch.zeros(4, 3).long())",
    "GG503 column": "F.cross_entropy(torch.randn(4, 3), torch.zeros(4, 1).long())",
    "GG504 bce": "F.binary_cross_entropy(torch.rand(4, 1), torch.rand(4))",
    "GG504 with logits": "F.binary_cross_entropy_with_logits(torch.rand(4, 1), torch.rand(4))",
    "GG505 range": "F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0]))",
    "GG506 weight": "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).long(), weight=torch.ones(2))",
    "GG507 bce dtype": "F.binary_cross_entropy(torch.rand(4), torch.zeros(4).long())",
    "GG508 reduction": "F.mse_loss(torch.randn(2), torch.randn(2), reduction='avg')",
    # optimizers
    "GG601 empty": "torch.optim.SGD([], lr=0.1)",
    "GG601 generator": "p = nn.Linear(2, 2).parameters()\nlist(p)\ntorch.optim.Adam(p)",
    "GG602 lr": "torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=-1.0)",
    "GG602 beta": "torch.optim.Adam(nn.Linear(2, 2).parameters(), betas=(1.0, 0.9))",
    "GG602 momentum": "torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1, momentum=-1.0)",
    "GG602 nesterov": "torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1, nesterov=True)",
    "GG603 non-leaf": "w = torch.randn(2, requires_grad=True) * 2\ntorch.optim.SGD([w], lr=0.1)",
    "GG604 tensor": "torch.optim.SGD(torch.randn(2, requires_grad=True), lr=0.1)",
    "GG902 module": "torch.optim.SGD(nn.Linear(2, 2), lr=0.1)",
    "GG604 names": "torch.optim.SGD(['w'], lr=0.1)",
    "GG604 state": "torch.optim.SGD(nn.Linear(2, 2).state_dict(), lr=0.1)",
    "GG605 twice": "p = list(nn.Linear(2, 2).parameters())\ntorch.optim.SGD([{'params': p}, {'params': p}], lr=0.1)",
    "GG606 state": """\
        a = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
        b = torch.optim.SGD(nn.Linear(2, 2, bias=False).parameters(), lr=0.1)
        a.load_state_dict(b.state_dict())
        """,
    "GG607 scheduler": "torch.optim.lr_scheduler.StepLR(0.1, 2)",
    "GG902 closure": "torch.optim.LBFGS(nn.Linear(2, 2).parameters()).step()",
    # data
    "GG701 lengths": "torch.utils.data.TensorDataset(torch.randn(3), torch.randn(4))",
    "GG702 split": "torch.utils.data.random_split(torch.utils.data.TensorDataset(torch.randn(3)), [1, 1])",
    "GG703 collate": "next(iter(torch.utils.data.DataLoader([object(), object()], batch_size=2)))",
    "GG110 collate": "next(iter(torch.utils.data.DataLoader([torch.randn(2), torch.randn(3)], batch_size=2)))",
    "GG704 batch size": "torch.utils.data.DataLoader([1, 2], batch_size=0)",
    "GG704 workers": "torch.utils.data.DataLoader([1, 2], num_workers=-1)",
    "GG704 sampler": "torch.utils.data.DataLoader([1, 2], shuffle=True, sampler=[0, 1])",
    "GG908 file": "torch.load('nowhere.pt')",
    # transformations
    "GG912 item": "torch.func.vmap(lambda x: x.item())(torch.randn(3))",
    "GG801 sizes": "torch.func.vmap(torch.add)(torch.randn(3), torch.randn(4))",
    "GG802 scalar": "torch.func.grad(lambda x: x * 2)(torch.randn(3))",
}
if not cuda_available():
    MISTAKES |= {
        "GG213 cuda": "torch.randn(3).cuda()",
        "GG213 to": "torch.randn(3).to('cuda')",
        "GG213 device": "torch.zeros(3, device='cuda')",
        "GG213 module": "nn.Linear(2, 2).to('cuda')",
    }

OTHERWISE = {
    "GG216 argument": "all overloads are listed there",
    "GG314 out": "the function's name comes first there",
    "GG314 example": "the function's name comes first there",
    "GG305 step": "an optimizer counts another number of changes there",
    "GG406 sequence": "functions have another class there",
    "GG912 item": "it ends with a request to report a bug there",
}


def told(error: Any) -> str:
    """All that an exception, or what pytest.raises caught, says: the sentence and its notes."""
    problem = getattr(error, "value", error)
    return "\n".join([str(problem), *getattr(problem, "__notes__", ())])


def run(program: str, torch: Any, name: str = "<mistake>") -> BaseException:
    """What the program raises with this torch."""
    import numpy

    program = dedent(program)
    linecache.cache[name] = (len(program), None, program.splitlines(keepends=True), name)
    nn = torch.nn
    there = {"__name__": "__main__", "torch": torch, "nn": nn, "F": nn.functional, "numpy": numpy}
    try:
        exec(compile(program, name, "exec", dont_inherit=True), there)
    except Exception as problem:
        return problem
    raise AssertionError(f"{program!r} raises nothing")
