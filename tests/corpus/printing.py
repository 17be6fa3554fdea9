"""Printing: tensors of every dtype, size and scale, print options, gradients' names, models, optimizers, state dicts."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
values = [0, 1, -2, 100, 7]
for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64, torch.complex128):
    if dtype is torch.uint8:
        values = [abs(v) for v in values]
    print(torch.tensor(values).to(dtype), torch.zeros((), dtype=dtype), torch.zeros(0, dtype=dtype), dtype)

for t in (
    torch.tensor([1e-8, 1.0]), torch.tensor([1e8, 1.0]), torch.tensor([123456.789, 0.001]), torch.tensor([0.1, 0.25, 1e-4]),
    torch.tensor([1., 2., 3.]), torch.tensor([1e10]), torch.tensor([1.5e-5, 2.5e-5]), torch.tensor(3.14159265), torch.tensor(1e-7), torch.tensor(-0.0),
    torch.tensor([float('nan'), float('inf'), -float('inf'), 1.5]), torch.tensor([float('inf'), 2.]), torch.tensor([[float('nan')]]), torch.tensor([12345678., 0.5]),
    torch.tensor([99999.5, 1.]), torch.tensor([1000000., 2.]), torch.tensor([-1., 10., -100.]), torch.tensor([1 / 3], dtype=torch.float64), torch.tensor(2**40), torch.tensor([10**9, -1]),
    torch.tensor([1 + 1e-3j, -2.5 - 100j]), torch.arange(1001), torch.arange(1001.) / 7, torch.zeros(40, 60), torch.arange(24).view(2, 3, 4), torch.randn(2, 2, 2, 2),
    torch.zeros(2, 0, 3), torch.randn(30), torch.randint(0, 2, (4, 30)), torch.randn(3, 300), torch.ones(1, 1, 1), torch.rand(12, 12)[:, :11], torch.arange(1200).view(10, 120)):
    print(t)

print('--- print options')
x = torch.tensor([[1.23456789, 1234.5], [0.00012, -3.]])
torch.set_printoptions(precision=2)
print(x)
torch.set_printoptions(sci_mode=True)
print(x)
torch.set_printoptions(sci_mode=False, precision=6, linewidth=40)
print(x, torch.arange(20))
torch.set_printoptions(profile='short')
print(torch.arange(2000), x)
torch.set_printoptions(profile='full')
print(torch.arange(1005)[-5:].shape, len(str(torch.arange(1005))))
torch.set_printoptions(profile='default')
torch.set_printoptions(threshold=5, edgeitems=1)
print(torch.arange(10), torch.rand(3, 3))
torch.set_printoptions(profile='default')
print(x)

print('--- gradients')
w = torch.rand(3, 4, requires_grad=True)
v = torch.rand(4, requires_grad=True)
p = nn.Parameter(torch.ones(2))
print(w, p, p.data, p.requires_grad, nn.Parameter(torch.tensor([1, 2]), requires_grad=False), w.detach(), w.grad)
for y in (w + 1, 1 - w, w * 2, w / 2, 2 / w, w ** 2, 2 ** w, -w, w @ v, w.mm(w.T), w.sum(), w.sum(0), w.mean(), w.mean(1), w.max(), w.max(1)[0], w.std(),
          w.exp(), w.log(), w.sqrt(), w.relu(), w.tanh(), w.sigmoid(), w.softmax(1), w.view(-1), w.reshape(2, 6), w.t(), w.T, w[0], w[:, 1:], w[[0, 2]], w.clone(),
          w.unsqueeze(0), w.clamp(0, 1), w.abs(), w.norm(), w.prod(), w.var(0), w.flatten(), w.transpose(0, 1), w.expand(2, 3, 4), torch.cat([w, w]),
          torch.stack([w, w]), torch.where(w > 0.5, w, 0), w.double(), w.to(torch.float16), F.linear(w, torch.ones(2, 4), torch.ones(2)), nn.Linear(4, 2)(w),
          nn.Linear(4, 2, bias=False)(w), F.mse_loss(w, torch.ones(3, 4)), F.cross_entropy(w, torch.tensor([0, 1, 2])), F.nll_loss(w, torch.tensor([0, 1, 2])),
          F.binary_cross_entropy(w, torch.ones(3, 4)), F.binary_cross_entropy_with_logits(w, torch.ones(3, 4)), F.l1_loss(w, torch.zeros(3, 4)), F.log_softmax(w, 1),
          F.gelu(w), F.layer_norm(w, (4,)), nn.Embedding(3, 2)(torch.tensor([0])), nn.Conv1d(3, 2, 2)(w[None]), F.max_pool1d(w[None], 2), w.cumsum(0), w.gather(1, torch.zeros(3, 1).long()),
          w.masked_fill(w > 0.5, 0), w.topk(1)[0], w.sort()[0], w.squeeze(), w.permute(1, 0), w.unbind()[0], w.split(2, 1)[1], w.repeat(2, 1), torch.matmul(w, v), torch.dot(v, v), torch.outer(v, v)):
    print(f'{y.grad_fn.name():32}', str(y).replace('\n', ' ')[-60:])
loss = (w @ v).pow(2).sum()
print(loss, loss.item(), f'{loss}', f'{loss:.4f}', '{:.3e}'.format(loss.item()), loss.grad_fn.next_functions[0][0].name(), w.grad_fn, w.is_leaf)
loss.backward()
print(w.grad)

print('--- models')


class Block(nn.Module):
    def __init__(self, n, act=nn.GELU):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(n, n) for _ in range(2)] + [act()])
        self.heads = nn.ModuleDict({'a': nn.Linear(n, 1), 'b': nn.Identity()})
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer('mask', torch.tril(torch.ones(2, 2)))
        self.params = nn.ParameterList([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2, 3))])
        self.empty = nn.Sequential()
        self.none = None

    def extra_repr(self):
        return 'custom=1, other=two'


print(Block(3))
print(nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.ConvTranspose2d(8, 4, 2, stride=2, output_padding=1),
    nn.Dropout(0.25), nn.Dropout2d(), nn.Flatten(), nn.Unflatten(1, (2, 2)), nn.LSTM(4, 5, num_layers=2, batch_first=True, dropout=0.1, bidirectional=True), nn.GRU(3, 3), nn.RNN(2, 2, nonlinearity='relu'), nn.LSTMCell(2, 3),
    nn.Embedding(10, 3, padding_idx=0), nn.LayerNorm((3, 4)), nn.GroupNorm(2, 4), nn.InstanceNorm2d(3), nn.BatchNorm1d(3, momentum=None, affine=False), nn.LeakyReLU(0.2), nn.ELU(), nn.PReLU(), nn.Softmax(dim=1), nn.LogSoftmax(-1), nn.Sigmoid(), nn.Tanh(), nn.GELU(approximate='tanh'),
    nn.AdaptiveAvgPool2d((1, None)), nn.AvgPool2d(3, 2, 1), nn.Upsample(scale_factor=2, mode='bilinear'), nn.ZeroPad2d(1), nn.ReflectionPad2d((1, 2, 3, 4)), nn.PixelShuffle(2), nn.Bilinear(2, 3, 4), nn.Hardtanh(-2, 2), nn.Threshold(0.1, 20), nn.CosineSimilarity(), nn.Softplus(), nn.Conv1d(1, 1, 3, dilation=2, groups=1, padding='same', padding_mode='circular')))
print(nn.MultiheadAttention(4, 2), nn.CrossEntropyLoss(), nn.MSELoss(), nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), nn.Linear(2, 3), nn.Identity(), nn.NLLLoss(), nn.Sequential())
model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 1)))
print(model.state_dict())
print(list(model.named_parameters()))
print([name for name, _ in Block(3).named_parameters()], [name for name, _ in Block(3).named_buffers()], [n for n, _ in model.named_modules()], list(model.children())[0])
print(model[0].weight, model[0].bias, model[1], sep='\n')
print(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), torch.optim.Adam([{'params': model[0].parameters()}, {'params': model[1].parameters(), 'lr': 1e-4}], lr=1e-3), sep='\n')
print(torch.optim.AdamW(model.parameters()).state_dict())
print(torch.Size([2, 3]), torch.device('cpu'), torch.device('cuda:1'), torch.float32, torch.strided, torch.contiguous_format, torch.finfo(torch.float32).eps, torch.iinfo(torch.int8))
print(torch.max(torch.tensor([[1., 2.]]), 1), torch.sort(torch.tensor([2, 1])), torch.topk(torch.tensor([1., 3., 2.]), 2), torch.linalg.svd(torch.eye(2)), torch.linalg.eigh(torch.eye(2)))
print(torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])]), type(model[0]), type(model[0].weight), torch.nn.Linear, nn.ReLU().__class__.__name__)
print([torch.tensor(1.), torch.tensor([2])], {'a': torch.tensor(3.5), 'b': [torch.zeros(1)]}, (torch.tensor(True),))
