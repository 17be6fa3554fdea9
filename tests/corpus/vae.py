"""A variational autoencoder on digits: reparameterization, ELBO, sampling and interpolation in latent space."""
import argparse

import torch
import torch.utils.data
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.nn import functional as F

parser = argparse.ArgumentParser(description='VAE digits example')
parser.add_argument('--batch-size', type=int, default=128, metavar='N', help='input batch size for training (default: 128)')
parser.add_argument('--epochs', type=int, default=5, metavar='N')
parser.add_argument('--seed', type=int, default=1, metavar='S', help='random seed (default: 1)')
parser.add_argument('--log-interval', type=int, default=4, metavar='N')
args = parser.parse_args()
torch.manual_seed(args.seed)
device = torch.device("cpu")

digits = load_digits()
images = torch.from_numpy((digits.images / 16).astype('float32'))
train_loader = torch.utils.data.DataLoader(
    list(zip(images[:1400], digits.target[:1400])), batch_size=args.batch_size, shuffle=True)
test_loader = torch.utils.data.DataLoader(
    list(zip(images[1400:], digits.target[1400:])), batch_size=args.batch_size, shuffle=False)


class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(64, 40)
        self.fc21 = nn.Linear(40, 3)
        self.fc22 = nn.Linear(40, 3)
        self.fc3 = nn.Linear(3, 40)
        self.fc4 = nn.Linear(40, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5*logvar)
        eps = torch.randn_like(std)
        return mu + eps*std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


model = VAE().to(device)
optimizer = optim.Adam(model.parameters(), lr=1e-3)


# Reconstruction + KL divergence losses summed over all elements and batch
def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction='sum')
    # see Appendix B from VAE paper: 0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2)
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


def train(epoch):
    model.train()
    train_loss = 0
    for batch_idx, (data, _) in enumerate(train_loader):
        data = data.to(device)
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print('Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.4f}'.format(
                epoch, batch_idx * len(data), len(train_loader.dataset),
                100. * batch_idx / len(train_loader), loss.item() / len(data)))
    print('====> Epoch: {} Average loss: {:.4f}'.format(epoch, train_loss / len(train_loader.dataset)))


def test(epoch):
    model.eval()
    test_loss = 0
    with torch.no_grad():
        for i, (data, _) in enumerate(test_loader):
            data = data.to(device)
            recon_batch, mu, logvar = model(data)
            test_loss += loss_function(recon_batch, data, mu, logvar).item()
            if i == 0:
                n = min(data.size(0), 2)
                comparison = torch.cat([data[:n], recon_batch.view(-1, 8, 8)[:n]])
                print(comparison.shape, comparison.mean(dim=(1, 2)))
    test_loss /= len(test_loader.dataset)
    print('====> Test set loss: {:.4f}'.format(test_loss))


if __name__ == "__main__":
    for epoch in range(1, args.epochs + 1):
        train(epoch)
        test(epoch)
        with torch.no_grad():
            sample = torch.randn(4, 3).to(device)
            sample = model.decode(sample).cpu()
            print(sample.view(4, 1, 8, 8).amax(dim=(1, 2, 3)))
    with torch.no_grad():
        mu, logvar = model.encode(images[1400:].flatten(1))
        target = torch.as_tensor(digits.target[1400:])
        for digit in range(10):
            chosen = mu[target == digit]
            print(digit, len(chosen), chosen.mean(0).numpy().round(3), logvar[target == digit].exp().mean(0))
        a, b = mu[0], mu[1]
        for t in torch.linspace(0, 1, 5):
            print(f'{t:.2f}', torch.lerp(a, b, t), model.decode(torch.lerp(a, b, t)[None]).sum().item())
