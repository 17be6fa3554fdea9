"""Adversarial examples: FGSM at several epsilons and iterated PGD, on a trained digits classifier."""
from __future__ import print_function
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits

epsilons = [0, .05, .1, .15, .2, .25, .3]
torch.manual_seed(42)
device = torch.device("cpu")

digits = load_digits()
X = torch.from_numpy(digits.images).float().div_(16).unsqueeze_(1)
y = torch.from_numpy(digits.target).long()


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(8 * 3 * 3, 24)
        self.fc2 = nn.Linear(24, 10)

    def forward(self, x):
        x = torch.tanh(self.conv1(x))
        x = F.avg_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = torch.tanh(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


model = Net().to(device)
optimizer = optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
model.train()
for epoch in range(3):
    for idx in torch.randperm(1400).split(70):
        optimizer.zero_grad()
        loss = F.nll_loss(model(X[idx]), y[idx])
        loss.backward()
        optimizer.step()
    print(epoch, '%.4f' % loss)
model.eval()
for p in model.parameters():
    p.requires_grad_(False)


def fgsm_attack(image, epsilon, data_grad):
    sign_data_grad = data_grad.sign()
    perturbed_image = image + epsilon * sign_data_grad
    return torch.clamp(perturbed_image, 0, 1)


def test(model, epsilon, n=120):
    correct = 0
    adv_examples = []
    for data, target in zip(X[1400:1400 + n].split(1), y[1400:1400 + n].split(1)):
        data, target = data.clone().to(device), target.to(device)
        data.requires_grad = True
        output = model(data)
        init_pred = output.max(1, keepdim=True)[1]
        if init_pred.item() != target.item():
            continue
        loss = F.nll_loss(output, target)
        model.zero_grad()
        loss.backward()
        data_grad = data.grad.data
        perturbed_data = fgsm_attack(data, epsilon, data_grad)
        output = model(perturbed_data)
        final_pred = output.max(1, keepdim=True)[1]
        if final_pred.item() == target.item():
            correct += 1
        elif len(adv_examples) < 5:
            adv_ex = perturbed_data.squeeze().detach().cpu().numpy()
            adv_examples.append((init_pred.item(), final_pred.item(), adv_ex))
    final_acc = correct / float(n)
    print(f"Epsilon: {epsilon}\tTest Accuracy = {correct} / {n} = {final_acc}")
    return final_acc, adv_examples


for eps in epsilons:
    acc, examples = test(model, eps)
    if examples:
        print('   ', ' '.join(f'{orig}->{adv}' for orig, adv, _ in examples), f'mean {examples[0][2].mean():.4f}')


def pgd(x, y, eps=0.15, alpha=0.04, steps=6):
    delta = torch.empty_like(x).uniform_(-eps, eps)
    delta.data = (x + delta).clamp(0, 1) - x
    delta.requires_grad_()
    for _ in range(steps):
        loss = F.cross_entropy(model(x + delta), y)
        loss.backward()
        with torch.no_grad():
            delta.add_(alpha * delta.grad.sign()).clamp_(-eps, eps)
            delta.copy_((x + delta).clamp(0, 1) - x)
        delta.grad.zero_()
    return delta.detach(), loss.item()


x, t = X[1400:1520], y[1400:1520]
delta, loss = pgd(x, t)
clean, attacked = (model(z).argmax(1).eq(t).sum().item() for z in (x, x + delta))
print(f'PGD: clean {clean} attacked {attacked} largest change {delta.abs().amax().item():.4f} loss {loss:.3f}')
saliency = torch.autograd.functional.vjp(lambda z: model(z).gather(1, t[:2, None]).sum(), x[:2])[1].abs()
print(saliency.amax(dim=(1, 2, 3)), saliency[0, 0].argmax(), torch.unravel_index(saliency[0, 0].argmax(), (8, 8)))
