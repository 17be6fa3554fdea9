"""Autoencoders on digits: dense, then denoising with strided and transposed convolutions."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(0)
torch.manual_seed(0)

data = torch.FloatTensor(load_digits().images[:800] / 16.0).unsqueeze(1)
loader = DataLoader(TensorDataset(data), batch_size=80, shuffle=True)
print(data.size(), data.min(), data.max())


class Autoencoder(nn.Module):
    def __init__(self, latent_dim):
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, latent_dim))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(z), z


class DenoisingCAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(12, 16, 2))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 12, 2), nn.GELU(),
            nn.ConvTranspose2d(12, 8, 3, stride=2, padding=1, output_padding=1), nn.GELU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1), nn.Tanh())

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = Autoencoder(latent_dim=4)
print(model)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
for epoch in range(5):
    for (img,) in loader:
        recon, _ = model(img)
        loss = criterion(recon, img)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f'Epoch:{epoch + 1}, Loss:{loss.item():.4f}')
with torch.no_grad():
    recon, codes = model(data)
print('codes mean', codes.mean(0), 'cov\n', torch.cov(codes.T))
errors = ((recon - data) ** 2).mean(dim=(1, 2, 3))
print('worst', errors.topk(4).indices.tolist(), 'best', errors.argsort()[:4].tolist())
print('median error', errors.median(), 'quantiles', torch.quantile(errors, torch.tensor([0.1, 0.5, 0.9])))


def ascii_art(image):
    shades = " .:*#"
    for row in (image.clamp(0, 1) * (len(shades) - 1)).round().int().tolist():
        print("".join(shades[v] for v in row))


ascii_art(data[0, 0])
ascii_art(recon[0, 0])

net = DenoisingCAE()
x = data[:4]
for layer in list(net.encoder) + list(net.decoder):
    x = layer(x)
    print(layer, '->', list(x.shape))
opt = torch.optim.NAdam(net.parameters(), lr=3e-3)
noise_factor = 0.3
for epoch in range(4):
    total = 0.0
    for batch, in loader:
        noisy = batch + noise_factor * torch.randn_like(batch)
        noisy = torch.clip(noisy, 0., 1.)
        out = net(noisy)
        loss = nn.functional.mse_loss(out, batch)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        total += loss.item() * batch.size(0)
    print('Epoch [{}/4], Loss: {:.4f}'.format(epoch + 1, total / len(loader.dataset)))
with torch.no_grad():
    noisy = (data[:100] + noise_factor * torch.from_numpy(np.random.randn(100, 1, 8, 8)).float()).clamp(0, 1)
    denoised = net(noisy)
    psnr = lambda a, b: -10 * torch.log10(((a - b) ** 2).mean())
    print(f'PSNR noisy {psnr(noisy, data[:100]):.3f} denoised {psnr(denoised, data[:100]):.3f}')
grid = torch.cat([data[:3], noisy[:3], denoised[:3]]).reshape(3, 3, 8, 8).permute(0, 2, 1, 3).reshape(24, 24)
print(grid.shape, grid.is_contiguous(), round(grid.sum().item(), 2))
