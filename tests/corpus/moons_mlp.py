"""An MLP classifier on two moons: a training loop with accuracy and a decision grid."""
# %%
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

device = "cuda" if torch.cuda.is_available() else "cpu"
RANDOM_SEED = 42
X, y = make_moons(n_samples=500, noise=0.1, random_state=RANDOM_SEED)
print(X[:3], y[:10])

# %%
X = torch.from_numpy(X).type(torch.float)
y = torch.from_numpy(y).type(torch.float)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=RANDOM_SEED)
print(len(X_train), len(X_test), type(X_train), X_train.dtype)


# %%
class MoonModelV0(nn.Module):
    def __init__(self, in_features, out_features, hidden_units):
        super().__init__()
        self.layer1 = nn.Linear(in_features=in_features, out_features=hidden_units)
        self.layer2 = nn.Linear(in_features=hidden_units, out_features=hidden_units)
        self.layer3 = nn.Linear(in_features=hidden_units, out_features=out_features)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.layer3(self.relu(self.layer2(self.relu(self.layer1(x)))))


torch.manual_seed(RANDOM_SEED)
model_0 = MoonModelV0(in_features=2, out_features=1, hidden_units=10).to(device)
print(model_0)
print(model_0.state_dict())

# %%
loss_fn = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(params=model_0.parameters(), lr=0.1)


def accuracy_fn(y_true, y_pred):
    correct = torch.eq(y_true, y_pred).sum().item()
    return (correct / len(y_pred)) * 100


print("Logits:", model_0(X_train.to(device)[:10]).squeeze())
print("Pred probs:", torch.sigmoid(model_0(X_train.to(device)[:10]).squeeze()))
print("Pred labels:", torch.round(torch.sigmoid(model_0(X_train.to(device)[:10]).squeeze())))

# %%
torch.manual_seed(RANDOM_SEED)
epochs = 500
X_train, y_train = X_train.to(device), y_train.to(device)
X_test, y_test = X_test.to(device), y_test.to(device)
for epoch in range(epochs):
    model_0.train()
    y_logits = model_0(X_train).squeeze()
    y_pred = torch.round(torch.sigmoid(y_logits))
    loss = loss_fn(y_logits, y_train)
    acc = accuracy_fn(y_true=y_train.int(), y_pred=y_pred.int())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    model_0.eval()
    with torch.inference_mode():
        test_logits = model_0(X_test).squeeze()
        test_pred = torch.round(torch.sigmoid(test_logits))
        test_loss = loss_fn(test_logits, y_test)
        test_acc = accuracy_fn(y_true=y_test, y_pred=test_pred)
    if epoch % 50 == 0:
        print(f"Epoch: {epoch} | Loss: {loss:.5f}, Accuracy: {acc:.2f}% | Test loss: {test_loss:.5f}, Test acc: {test_acc:.2f}%")

# %%
xx, yy = np.meshgrid(np.linspace(-1.5, 2.5, 9), np.linspace(-1, 1.5, 6))
X_to_pred_on = torch.from_numpy(np.column_stack((xx.ravel(), yy.ravel()))).float()
model_0.eval()
with torch.inference_mode():
    grid = model_0(X_to_pred_on.to(device)).sigmoid().round().reshape(xx.shape).detach().numpy()
for line in grid[::-1]:
    print("".join("o" if v else "." for v in line))
