"""An MLP on handwritten digits: DataLoader, validation, StepLR and early stopping, with command-line options."""
from __future__ import print_function

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, Subset, random_split


class Digits(Dataset):
    def __init__(self, transform=None):
        digits = load_digits()
        self.images = digits.images.astype('float32')
        self.targets = digits.target
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index])
        if self.transform:
            image = self.transform(image)
        return image, int(self.targets[index])


class Net(nn.Module):
    def __init__(self, hidden, p):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(p)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout(F.relu(self.fc2(x)))
        return F.log_softmax(self.out(x), dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print('Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}'.format(
                epoch, batch_idx * len(data), len(train_loader.dataset),
                100. * batch_idx / len(train_loader), loss.item()))


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    confusion = torch.zeros(10, 10, dtype=torch.int64)
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction='sum').item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
            for t, p in zip(target, pred.flatten()):
                confusion[t, p] += 1
    test_loss /= len(test_loader.dataset)
    print('\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.0f}%)\n'.format(
        test_loss, correct, len(test_loader.dataset), 100. * correct / len(test_loader.dataset)))
    return test_loss, confusion


def main():
    parser = argparse.ArgumentParser(description='digits')
    parser.add_argument('--batch-size', type=int, default=64, metavar='N')
    parser.add_argument('--epochs', type=int, default=8)
    parser.add_argument('--lr', type=float, default=0.5)
    parser.add_argument('--gamma', type=float, default=0.7)
    parser.add_argument('--hidden', type=int, default=48)
    parser.add_argument('--no-accel', action='store_true')
    parser.add_argument('--seed', type=int, default=1, metavar='S')
    parser.add_argument('--log-interval', type=int, default=8)
    args = parser.parse_args()

    use_accel = not args.no_accel and torch.accelerator.is_available()
    torch.manual_seed(args.seed)
    device = torch.accelerator.current_accelerator() if use_accel else torch.device("cpu")
    kwargs = {'batch_size': args.batch_size}
    if use_accel:
        kwargs.update({'num_workers': 1, 'pin_memory': True, 'persistent_workers': True})
    print(device, vars(args))

    dataset = Digits(transform=lambda x: (x - 4.8842) / 6.0168)
    train_set, val_set, rest = random_split(dataset, [1000, 300, len(dataset) - 1300])
    test_set = Subset(dataset, rest.indices[:200])
    print(len(train_set), len(val_set), len(test_set), train_set.indices[:5])
    train_loader = DataLoader(train_set, shuffle=True, **kwargs)
    val_loader = DataLoader(val_set, **kwargs)

    model = Net(args.hidden, 0.25).to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    best, patience = float('inf'), 2
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        val_loss, _ = test(model, device, val_loader)
        scheduler.step()
        print('lr', scheduler.get_last_lr())
        if val_loss < best - 1e-3:
            best, patience = val_loss, 2
        else:
            patience -= 1
        if patience == 0:
            print('early stop at', epoch)
            break
    _, confusion = test(model, device, DataLoader(test_set, batch_size=50))
    print(confusion)
    print('per class:', (confusion.diag() / confusion.sum(1)))


if __name__ == '__main__':
    main()
