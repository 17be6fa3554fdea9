"""Transfer: pretrain, save, load into another model, freeze, replace the head, fine-tune with parameter groups."""
import copy
import os
import tempfile

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
digits = load_digits()
X = torch.tensor(digits.data / 16, dtype=torch.float32)
Y = torch.tensor(digits.target)
small, large = Y < 5, Y >= 5
base = TensorDataset(X[small], Y[small])
target = TensorDataset(X[large][:200], Y[large][:200] - 5)
held_out = TensorDataset(X[large][200:], Y[large][200:] - 5)
print(len(base), len(target), len(held_out))


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.norm = nn.LayerNorm(32)
        self.fc2 = nn.Linear(32, 16)

    def forward(self, x):
        return torch.tanh(self.fc2(torch.tanh(self.norm(self.fc1(x)))))


class Classifier(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.backbone = Backbone()
        self.fc = nn.Linear(16, num_classes)
        self.register_buffer('seen', torch.tensor(0))

    def forward(self, x):
        if self.training:
            self.seen += len(x)
        return self.fc(self.backbone(x))


def train_model(model, criterion, optimizer, scheduler, dataloaders, num_epochs=3):
    best_wts, best_acc = copy.deepcopy(model.state_dict()), 0.0
    for epoch in range(num_epochs):
        print(f'Epoch {epoch}/{num_epochs - 1}')
        print('-' * 10)
        for phase in ['train', 'val']:
            model.train(phase == 'train')
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == 'train'):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == 'train':
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            if phase == 'train':
                scheduler.step()
            n = len(dataloaders[phase].dataset)
            epoch_loss, epoch_acc = running_loss / n, running_corrects.double() / n
            print('{} Loss: {:.4f} Acc: {:.4f}'.format(phase, epoch_loss, epoch_acc))
            if phase == 'val' and epoch_acc > best_acc:
                best_acc, best_wts = epoch_acc, copy.deepcopy(model.state_dict())
    print(f'Best val Acc: {best_acc:4f}\n')
    model.load_state_dict(best_wts)
    return model


loaders = {'train': DataLoader(base, batch_size=50, shuffle=True), 'val': DataLoader(base, batch_size=300)}
model = Classifier(5)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model = train_model(model, nn.CrossEntropyLoss(), optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2), loaders)

with tempfile.TemporaryDirectory() as folder:
    PATH = os.path.join(folder, 'pretrained.pth')
    torch.save(model.state_dict(), PATH)
    state = torch.load(PATH, weights_only=True)
for param_tensor in state:
    print(param_tensor, "\t", state[param_tensor].size())

new = Classifier(10)
state = {k: v for k, v in state.items() if not k.startswith('fc.')}
print(new.load_state_dict(state, strict=False))
try:
    new.load_state_dict(state)
except RuntimeError as e:
    print(e)
new.fc = nn.Linear(new.fc.in_features, 5)
for p in new.backbone.parameters():
    p.requires_grad = False
print([name for name, p in new.named_parameters() if p.requires_grad], new.seen)
frozen = new.backbone.fc1.weight.clone()
params = [p for p in new.parameters() if p.requires_grad]
print(sum(p.numel() for p in params), 'of', sum(p.numel() for p in new.parameters()))

loaders = {'train': DataLoader(target, batch_size=25, shuffle=True), 'val': DataLoader(held_out, batch_size=300)}
optimizer = torch.optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True)
train_model(new, nn.CrossEntropyLoss(), optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9), loaders)
print('backbone untouched:', torch.equal(frozen, new.backbone.fc1.weight))

new.requires_grad_(True)
optimizer = torch.optim.SGD([
    {'params': new.backbone.parameters(), 'lr': 0.01},
    {'params': new.fc.parameters()},
], lr=0.05, momentum=0.9, weight_decay=1e-4)
print(optimizer)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
train_model(new, nn.CrossEntropyLoss(label_smoothing=0.1), optimizer, scheduler, loaders)
print([group['lr'] for group in optimizer.param_groups], scheduler.get_last_lr())
print('moved by', (frozen - new.backbone.fc1.weight).norm().item())
