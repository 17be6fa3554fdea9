"""Every loss: values, reductions, weights, gradients, and the formula beside it where it is short."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)
N, C = 5, 4
logits = torch.randn(N, C, requires_grad=True)
target = torch.tensor([0, 3, 1, 1, 2])
probs = torch.rand(N, C)
soft = torch.softmax(torch.randn(N, C), 1)
other = torch.randn(N, C)
sign = torch.tensor([1., -1., 1., 1., -1.])


def report(name, loss):
    logits.grad = None
    if loss.dim():
        print(f'{name:34s}', loss.detach().flatten()[:5])
        loss = loss.sum()
    loss.backward()
    print(f'{name:34s} {loss.item():9.5f} grad {logits.grad.abs().sum().item():9.5f} {logits.grad.flatten()[0].item():9.5f}')


zoo = {
    'CrossEntropyLoss': (nn.CrossEntropyLoss(), target), 'CrossEntropyLoss weight': (nn.CrossEntropyLoss(weight=torch.tensor([1., 2., 3., 4.])), target),
    'CrossEntropyLoss ignore_index': (nn.CrossEntropyLoss(ignore_index=1), target), 'CrossEntropyLoss smoothing': (nn.CrossEntropyLoss(label_smoothing=0.1), target),
    'CrossEntropyLoss sum': (nn.CrossEntropyLoss(reduction='sum'), target), 'CrossEntropyLoss none': (nn.CrossEntropyLoss(reduction='none'), target), 'CrossEntropyLoss soft': (nn.CrossEntropyLoss(), soft),
    'MSELoss': (nn.MSELoss(), other), 'MSELoss none': (nn.MSELoss(reduction='none'), other), 'L1Loss': (nn.L1Loss(), other), 'SmoothL1Loss': (nn.SmoothL1Loss(beta=0.5), other), 'HuberLoss': (nn.HuberLoss(delta=0.7), other),
    'BCEWithLogitsLoss': (nn.BCEWithLogitsLoss(), probs), 'BCEWithLogitsLoss pos_weight': (nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1., 2., 3., 4.])), probs.round()),
    'PoissonNLLLoss': (nn.PoissonNLLLoss(), probs), 'PoissonNLLLoss full': (nn.PoissonNLLLoss(log_input=True, full=True), probs * 5), 'SoftMarginLoss': (nn.SoftMarginLoss(), probs.round() * 2 - 1),
    'MultiMarginLoss': (nn.MultiMarginLoss(p=1, margin=0.8), target), 'MultiLabelMarginLoss': (nn.MultiLabelMarginLoss(), torch.tensor([[1, 0, -1, 2]] * N)), 'MultiLabelSoftMarginLoss': (nn.MultiLabelSoftMarginLoss(), probs.round()),
    'HingeEmbeddingLoss': (nn.HingeEmbeddingLoss(margin=0.5), probs.round() * 2 - 1),
}
for name, (criterion, y) in zoo.items():
    report(name, criterion(logits, y))
report('NLLLoss', nn.NLLLoss()(F.log_softmax(logits, dim=1), target))
report('NLLLoss 2d', nn.NLLLoss(reduction='mean')(F.log_softmax(logits.view(1, C, 5), 1), target[None] % C))
report('BCELoss', nn.BCELoss()(logits.sigmoid(), probs))
report('BCELoss weight', nn.BCELoss(weight=torch.arange(1., 5.), reduction='sum')(torch.sigmoid(logits), probs))
report('KLDivLoss', nn.KLDivLoss(reduction='batchmean')(F.log_softmax(logits, 1), soft))
report('KLDivLoss log', nn.KLDivLoss(reduction='sum', log_target=True)(F.log_softmax(logits, 1), soft.log()))
report('GaussianNLLLoss', nn.GaussianNLLLoss()(logits, other, probs + 0.1))
report('CosineEmbeddingLoss', nn.CosineEmbeddingLoss(margin=0.1)(logits, other, sign))
report('MarginRankingLoss', nn.MarginRankingLoss(margin=0.3)(logits[:, 0], logits[:, 1], sign))
report('TripletMarginLoss', nn.TripletMarginLoss(margin=1.5)(logits, other, probs))
log_probs = F.log_softmax(torch.cat([logits] * 3).view(15, 1, C), 2)
report('CTCLoss', nn.CTCLoss()(log_probs, torch.tensor([[1, 2, 2, 3]]), torch.tensor([15]), torch.tensor([4])))

print('by hand')
with torch.no_grad():
    print((-F.log_softmax(logits, 1)[torch.arange(N), target]).mean(), F.cross_entropy(logits, target))
    m = logits.max(1, keepdim=True).values
    lse = m.squeeze(1) + (logits - m).exp().sum(1).log()
    print((lse - logits.gather(1, target[:, None]).squeeze(1)).mean(), torch.allclose(lse, torch.logsumexp(logits, 1)))
    p = torch.sigmoid(logits)
    print(-(probs * p.log() + (1 - probs) * (1 - p).log()).mean(), F.binary_cross_entropy_with_logits(logits, probs))
    print(((logits - other) ** 2).mean().sqrt(), F.one_hot(target, C).float().sub(p).pow(2).sum(1))


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0, alpha=None, reduction='mean'):
        super().__init__()
        self.gamma, self.reduction = gamma, reduction
        self.register_buffer('alpha', alpha)

    def forward(self, inputs, targets):
        ce = F.cross_entropy(inputs, targets, weight=self.alpha, reduction='none')
        pt = torch.exp(-ce)
        loss = (1 - pt) ** self.gamma * ce
        return loss.mean() if self.reduction == 'mean' else loss


class DiceLoss(nn.Module):
    def forward(self, logits, targets, smooth=1.):
        p = logits.sigmoid().view(-1)
        t = targets.view(-1)
        return 1 - (2. * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)


def nt_xent(z1, z2, temperature=0.5):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.T / temperature
    sim.fill_diagonal_(float('-inf'))
    n = len(z1)
    return F.cross_entropy(sim, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


report('focal', FocalLoss(alpha=torch.tensor([1., 1., 2., 2.]))(logits, target))
report('dice', DiceLoss()(logits, probs.round()))
report('nt_xent', nt_xent(logits, other))
report('log_cosh', torch.log(torch.cosh(logits - other)).mean())
report('quantile', torch.max(0.9 * (other - logits), -0.1 * (other - logits)).mean())
report('l2 + l1', F.mse_loss(logits, other) + 1e-2 * logits.abs().sum() + 1e-3 * torch.norm(logits))
for wrong in (lambda: F.cross_entropy(logits, torch.tensor([0, 1])), lambda: F.mse_loss(logits, other, reduction='median'), lambda: F.binary_cross_entropy(logits, probs),
              lambda: F.cross_entropy(logits, torch.tensor([0, 1, 2, 3, 9])), lambda: nn.CTCLoss(reduction='x')(log_probs, target[None], [1], [1])):
    try:
        wrong()
    except Exception as e:
        print(type(e).__name__)
