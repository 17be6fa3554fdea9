"""Logistic regression on two blobs, by hand and with BCEWithLogitsLoss; decision threshold and metrics."""
import torch
import torch.nn.functional as F

torch.manual_seed(42)

# Two Gaussian blobs
n = 200
x0 = torch.randn(n, 2) + torch.tensor([-1.0, -1.0])
x1 = torch.randn(n, 2) * 1.2 + torch.tensor([1.0, 1.5])
X = torch.cat((x0, x1), 0)
y = torch.cat((torch.zeros(n), torch.ones(n)))
perm = torch.randperm(X.size(0))
X, y = X[perm], y[perm]
X_train, X_test = X[:300], X[300:]
y_train, y_test = y[:300], y[300:]
print(X_train.shape, X_test.shape, y_train.mean(), y_test.mean())

mu, sigma = X_train.mean(dim=0), X_train.std(dim=0)
X_train = (X_train - mu) / sigma
X_test = (X_test - mu) / sigma
print("mean", mu, "std", sigma)


class LogisticRegression1:
    """Gradients written out."""

    def __init__(self, num_features):
        self.weights = torch.zeros(num_features, 1, dtype=torch.float32)
        self.bias = torch.zeros(1)

    def forward(self, x):
        return torch.sigmoid(torch.mm(x, self.weights) + self.bias)

    def backward(self, x, y, probas):
        errors = y - probas.view(-1)
        return -torch.mm(x.t(), errors.view(-1, 1)), -torch.sum(errors)

    def train(self, x, y, num_epochs, learning_rate):
        for e in range(num_epochs):
            probas = self.forward(x)
            grad_w, grad_b = self.backward(x, y, probas)
            self.weights -= learning_rate * grad_w / y.size(0)
            self.bias -= learning_rate * grad_b / y.size(0)
            if e % 10 == 0:
                cost = F.binary_cross_entropy(self.forward(x).view(-1), y)
                print('Epoch: %03d' % e, end="")
                print(' | Train ACC: %.3f' % self.evaluate(x, y), end="")
                print(' | Cost: %.5f' % cost)

    def evaluate(self, x, y):
        labels = torch.where(self.forward(x) >= 0.5, 1, 0).view(-1)
        return (torch.sum(labels == y.long()).float() / y.size(0)).item()


model1 = LogisticRegression1(2)
model1.train(X_train, y_train, 30, 0.5)
print('weights', model1.weights)
print('bias', model1.bias)
print(f'test accuracy {model1.evaluate(X_test, y_test) * 100:.2f}%')


class LogisticRegression2(torch.nn.Module):
    def __init__(self, num_features):
        super(LogisticRegression2, self).__init__()
        self.linear = torch.nn.Linear(num_features, 1)
        self.linear.weight.detach().zero_()
        self.linear.bias.detach().zero_()

    def forward(self, x):
        return self.linear(x)


model2 = LogisticRegression2(2)
optimizer = torch.optim.SGD(model2.parameters(), lr=0.5, weight_decay=1e-3)
criterion = torch.nn.BCEWithLogitsLoss()
for epoch in range(30):
    logits = model2(X_train).squeeze(1)
    loss = criterion(logits, y_train)
    optimizer.zero_grad()
    loss.backward()
    if epoch == 0:
        print('first gradient', model2.linear.weight.grad, model2.linear.bias.grad)
    optimizer.step()
    if (epoch + 1) % 10 == 0:
        print(f'[{epoch + 1:2d}] loss={loss.item():.6f}')

with torch.no_grad():
    probs = torch.sigmoid(model2(X_test)).flatten()
for threshold in (0.3, 0.5, 0.7):
    pred = (probs > threshold).float()
    tp = ((pred == 1) & (y_test == 1)).sum().item()
    fp = ((pred == 1) & (y_test == 0)).sum().item()
    fn = ((pred == 0) & (y_test == 1)).sum().item()
    tn = ((pred == 0) & (y_test == 0)).sum().item()
    print(f'threshold {threshold}: tp {tp} fp {fp} fn {fn} tn {tn} '
          f'precision {tp / (tp + fp):.3f} recall {tp / (tp + fn):.3f}')
values, order = torch.sort(probs, descending=True)
print('most certain:', values[:5], order[:5])
print('least certain:', torch.topk((probs - 0.5).abs(), 3, largest=False))

# Softmax regression on the same, with two classes
W = torch.zeros(2, 2, requires_grad=True)
b = torch.zeros(2, requires_grad=True)
for step in range(20):
    loss = F.cross_entropy(X_train @ W + b, y_train.long())
    gW, gb = torch.autograd.grad(loss, (W, b))
    with torch.no_grad():
        W -= gW
        b -= gb
print(loss.item(), W, b, sep='\n')
