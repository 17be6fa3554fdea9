"""Mixed precision on the CPU: autocast to bfloat16, dtypes of every step, GradScaler, half and double models."""
import contextlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
device_type = 'cuda' if torch.cuda.is_available() else 'cpu'
dtype = 'bfloat16' if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else 'float32'
ptdtype = {'float32': torch.float32, 'bfloat16': torch.bfloat16, 'float16': torch.float16}[dtype]
ctx = contextlib.nullcontext() if device_type == 'cpu' else torch.amp.autocast(device_type=device_type, dtype=ptdtype)
print(device_type, dtype, ptdtype, type(ctx).__name__)

a, b = torch.randn(4, 8), torch.randn(8, 4)
with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
    c = torch.mm(a, b)
    print('mm', c.dtype, 'add', (a + 1).dtype, 'softmax', torch.softmax(c, 1).dtype,
          'mse', F.mse_loss(c, torch.zeros(4, 4)).dtype, 'matmul', (a @ b).dtype, 'sum', c.sum().dtype)
    with torch.autocast(device_type="cpu", enabled=False):
        print('inside, disabled:', torch.mm(a, b).dtype)
    print(torch.is_autocast_enabled('cpu'), torch.get_autocast_dtype('cpu'))
print(torch.is_autocast_enabled('cpu'), torch.mm(a, b).dtype)

in_size, out_size, batch_size, num_batches = 32, 8, 64, 6
data = [torch.randn(batch_size, in_size) for _ in range(num_batches)]
targets = [torch.randn(batch_size, out_size) for _ in range(num_batches)]


def make_model(in_size, out_size, num_layers):
    layers = []
    for _ in range(num_layers - 1):
        layers.append(nn.Linear(in_size, in_size))
        layers.append(nn.ReLU())
    layers.append(nn.Linear(in_size, out_size))
    return nn.Sequential(*tuple(layers))


loss_fn = nn.MSELoss()
for use_amp in (False, True):
    torch.manual_seed(1)
    net = make_model(in_size, out_size, 3)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=use_amp, init_scale=1024., growth_interval=3)
    for epoch in range(2):
        for input, target in zip(data, targets):
            with torch.autocast(device_type='cpu', dtype=torch.bfloat16, enabled=use_amp):
                output = net(input)
                loss = loss_fn(output, target)
            scaler.scale(loss).backward()
            scaler.unscale_(opt)
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=0.5)
            scaler.step(opt)
            scaler.update()
            opt.zero_grad()
        print(f'amp {use_amp} epoch {epoch} output {output.dtype} loss {loss.dtype} {loss.item():.2f}',
              f'norm {norm.item():.2f} scale {scaler.get_scale()} weight {net[0].weight.dtype}')
print(sorted(scaler.state_dict()))

# a gradient that is not finite: the step is skipped and the scale halved
p = nn.Parameter(torch.ones(2))
opt = torch.optim.SGD([p], lr=1.)
scaler = torch.amp.GradScaler('cpu', init_scale=8.)
for factor in (1., float('inf'), 1.):
    opt.zero_grad()
    scaler.scale((p * factor).sum()).backward()
    scaler.step(opt)
    scaler.update()
    print(p.data, scaler.get_scale())

# numbers in every floating dtype
x = torch.tensor([1 / 3, 1e-5, 70000., -2.5])
for dt in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    y = x.to(dt)
    info = torch.finfo(dt)
    print(y, y.element_size(), info.eps, info.max, info.tiny, (y * y).dtype)
print(torch.tensor([1.5, 2.25, 3.125], dtype=torch.bfloat16).sum(), torch.ones(3, dtype=torch.half).mean())
model = nn.Linear(4, 2)
print(model.double().weight.dtype, model.half().bias.dtype, model.bfloat16().weight.dtype, model.float().weight.dtype)
d = nn.Linear(3, 2, dtype=torch.float64)
print(d(torch.ones(1, 3, dtype=torch.float64)))
try:
    model(torch.ones(1, 4, dtype=torch.float64))
except RuntimeError as e:
    print('RuntimeError', 'must have the same dtype' in str(e) or 'to have the same dtype' in str(e))
