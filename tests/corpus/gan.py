"""A GAN on a ring of Gaussians: two optimizers, detach, label smoothing, then the non-saturating and hinge losses."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

manualSeed = 999
print("Random Seed: ", manualSeed)
torch.manual_seed(manualSeed)

# Number of modes, latent size, feature sizes
modes, nz, ngf, ndf = 8, 5, 24, 24


def real_batch(n):
    k = torch.randint(modes, (n,))
    angle = 2 * math.pi * k / modes
    centers = torch.stack([angle.cos(), angle.sin()], dim=1)
    return centers + 0.05 * torch.randn(n, 2)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find('Linear') != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.2)
        if m.bias is not None:
            nn.init.constant_(m.bias.data, 0)
    elif classname.find('BatchNorm') != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(nz, ngf, bias=False),
            nn.BatchNorm1d(ngf),
            nn.Softplus(),
            nn.Linear(ngf, ngf),
            nn.Tanh(),
            nn.Linear(ngf, 2),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, ndf),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(ndf, ndf),
            nn.ELU(inplace=True),
            nn.Linear(ndf, 1),
        )

    def forward(self, input):
        return self.main(input).squeeze(-1)


netG, netD = Generator(), Discriminator()
netG.apply(weights_init)
netD.apply(weights_init)
print(netG)
print(netD)

criterion = nn.BCEWithLogitsLoss()
fixed_noise = torch.randn(16, nz)
real_label, fake_label = 0.9, 0.
optimizerD = optim.Adam(netD.parameters(), lr=0.001, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.001, betas=(0.5, 0.999))

G_losses, D_losses = [], []
for i in range(120):
    netD.zero_grad()
    real = real_batch(64)
    label = torch.full((64,), real_label, dtype=torch.float)
    output = netD(real)
    errD_real = criterion(output, label)
    errD_real.backward()
    D_x = output.sigmoid().mean().item()
    noise = torch.randn(64, nz)
    fake = netG(noise)
    label.fill_(fake_label)
    output = netD(fake.detach())
    errD_fake = criterion(output, label)
    errD_fake.backward()
    D_G_z1 = output.sigmoid().mean().item()
    errD = errD_real + errD_fake
    optimizerD.step()

    netG.zero_grad()
    label.fill_(real_label)
    output = netD(fake)
    errG = criterion(output, label)
    errG.backward()
    D_G_z2 = output.sigmoid().mean().item()
    optimizerG.step()
    if i % 20 == 0:
        print('[%d/120]\tLoss_D: %.4f\tLoss_G: %.4f\tD(x): %.4f\tD(G(z)): %.4f / %.4f'
              % (i, errD.item(), errG.item(), D_x, D_G_z1, D_G_z2))
    G_losses.append(errG.item())
    D_losses.append(errD.item())

print(f'mean of last ten: G {sum(G_losses[-10:]) / 10:.4f} D {sum(D_losses[-10:]) / 10:.4f}')
netG.eval()
with torch.no_grad():
    fake = netG(fixed_noise).detach().cpu()
print(fake[:4])
print('radius', fake.norm(dim=1).mean(), 'angle', torch.atan2(fake[:, 1], fake[:, 0]).std())

# A hinge loss with spectral normalization on the discriminator
netG.train()
critic = nn.Sequential(
    nn.utils.spectral_norm(nn.Linear(2, 16)), nn.Tanh(),
    nn.utils.parametrizations.spectral_norm(nn.Linear(16, 1)))
optC = optim.RMSprop(critic.parameters(), lr=5e-3)
optG = optim.RMSprop(netG.parameters(), lr=1e-3)
for step in range(30):
    fake = netG(torch.randn(32, nz))
    loss_c = F.relu(1 - critic(real_batch(32))).mean() + F.relu(1 + critic(fake.detach())).mean()
    optC.zero_grad(); loss_c.backward(); optC.step()
    loss_g = -critic(fake).mean()
    optG.zero_grad(); loss_g.backward(); optG.step()
    if step % 10 == 9:
        print(f'step {step + 1} critic {loss_c.item():.4f} generator {loss_g.item():.4f}')
print('spectral norms', [round(torch.linalg.matrix_norm(l.weight, 2).item(), 3) for l in (critic[0], critic[2])])
