"""A CNN on digits: convolution, batch norm, pooling, dropout, OneCycleLR, and a look at filters and activations."""
import torch
from sklearn import datasets
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
digits = datasets.load_digits()
X = torch.tensor(digits.data, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
y = torch.tensor(digits.target, dtype=torch.long)
train_ds = TensorDataset(X[:1200], y[:1200])
test_ds = TensorDataset(X[1200:], y[1200:])
train_dl = DataLoader(train_ds, batch_size=40, shuffle=True, drop_last=True)
test_dl = DataLoader(test_ds, batch_size=256)


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(c_out)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class CNN(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            Block(1, 8),
            Block(8, 16),
            nn.MaxPool2d(2),
            Block(16, 16),
            nn.Dropout2d(0.1),
            nn.AvgPool2d(2, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 2 * 2, 32, bias=False),
            nn.BatchNorm1d(32),
            nn.SiLU(),
            nn.Dropout(p=0.3),
            nn.Linear(32, n_classes),
        )
        self.apply(self._init)

    @staticmethod
    def _init(m):
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode='fan_out', nonlinearity='relu')
        elif isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.constant_(m.weight, 1)
            nn.init.constant_(m.bias, 0)

    def forward(self, x):
        return self.classifier(self.features(x))


model = CNN()
print(model)
print(sum(p.numel() for p in model.parameters() if p.requires_grad), 'parameters')
x = X[:2]
for name, layer in model.features.named_children():
    x = layer(x)
    print(name, layer.__class__.__name__, tuple(x.shape), f'{x.mean().item():.4f} {x.std().item():.4f}')

epochs = 2
optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.005, steps_per_epoch=len(train_dl), epochs=epochs)
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
for epoch in range(epochs):
    model.train()
    running_loss = 0.0
    for i, data in enumerate(train_dl, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        running_loss += loss.item()
        if i % 10 == 9:
            print(f'[{epoch + 1}, {i + 1:5d}] loss: {running_loss / 10:.3f} lr: {scheduler.get_last_lr()[0]:.6f}')
            running_loss = 0.0
    model.eval()
    correct, total, test_loss = 0, 0, 0.
    with torch.no_grad():
        for images, labels in test_dl:
            outputs = model(images)
            test_loss += F.cross_entropy(outputs, labels, reduction='sum').item()
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    print(f'epoch {epoch}: test loss {test_loss / total:.4f}, accuracy {100 * correct / total:.2f} %')

classes = [str(i) for i in range(10)]
correct_pred = {classname: 0 for classname in classes}
total_pred = {classname: 0 for classname in classes}
with torch.no_grad():
    for images, labels in test_dl:
        _, predictions = torch.max(model(images), 1)
        for label, prediction in zip(labels, predictions):
            if label == prediction:
                correct_pred[classes[label]] += 1
            total_pred[classes[label]] += 1
for classname, correct_count in correct_pred.items():
    print(f'Accuracy for class: {classname:5s} is {100 * float(correct_count) / total_pred[classname]:.1f} %')

bn = model.features[0].bn
print('running mean', bn.running_mean)
print('running var', bn.running_var, bn.num_batches_tracked)
print('first filter', model.features[0].conv.weight[0, 0])
fmap = model.features[0](X[:1])
print(fmap.shape, F.adaptive_avg_pool2d(fmap, 1).flatten())
print(F.max_pool2d(X[:1], 2, return_indices=True)[1].flatten())
