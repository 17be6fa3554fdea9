"""Denoising diffusion on a spiral: linear and cosine schedules, sinusoidal time embedding, EMA of weights, DDPM and DDIM."""
import copy
import math

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
np.random.seed(0)


def swiss_roll(n):
    t = 1.5 * np.pi * (1 + 2 * np.random.rand(n))
    data = np.stack([t * np.cos(t), t * np.sin(t)], 1) + 0.2 * np.random.randn(n, 2)
    return torch.tensor(data / 8, dtype=torch.float)


def linear_beta_schedule(timesteps):
    scale = 1000 / timesteps
    return torch.linspace(scale * 0.0001, scale * 0.02, timesteps, dtype=torch.float64)


def cosine_beta_schedule(timesteps, s=0.008):
    steps = timesteps + 1
    x = torch.linspace(0, timesteps, steps, dtype=torch.float64)
    alphas_cumprod = torch.cos(((x / timesteps) + s) / (1 + s) * math.pi * 0.5) ** 2
    alphas_cumprod = alphas_cumprod / alphas_cumprod[0]
    betas = 1 - (alphas_cumprod[1:] / alphas_cumprod[:-1])
    return torch.clip(betas, 0, 0.999)


def extract(a, t, x_shape):
    b, *_ = t.shape
    out = a.gather(-1, t)
    return out.reshape(b, *((1,) * (len(x_shape) - 1)))


class SinusoidalPosEmb(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        half_dim = self.dim // 2
        emb = math.log(10000) / (half_dim - 1)
        emb = torch.exp(torch.arange(half_dim, device=x.device) * -emb)
        emb = x[:, None] * emb[None, :]
        emb = torch.cat((emb.sin(), emb.cos()), dim=-1)
        return emb


class Denoiser(nn.Module):
    def __init__(self, hidden=48, emb=16):
        super().__init__()
        self.time_mlp = nn.Sequential(SinusoidalPosEmb(emb), nn.Linear(emb, hidden), nn.Mish(), nn.Linear(hidden, 2 * hidden))
        self.inp = nn.Linear(2, hidden)
        self.blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(hidden), nn.SiLU(), nn.Linear(hidden, hidden)) for _ in range(2)])
        self.out = nn.Linear(hidden, 2)
        nn.init.zeros_(self.out.weight)

    def forward(self, x, t):
        scale, shift = self.time_mlp(t).chunk(2, dim=-1)
        h = self.inp(x) * (scale + 1) + shift
        for block in self.blocks:
            h = h + block(h)
        return self.out(F.hardswish(h))


class GaussianDiffusion(nn.Module):
    def __init__(self, model, betas):
        super().__init__()
        self.model = model
        alphas = 1.0 - betas
        alphas_cumprod = torch.cumprod(alphas, dim=0)
        alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
        self.num_timesteps = int(betas.shape[0])
        register_buffer = lambda name, val: self.register_buffer(name, val.to(torch.float32))
        register_buffer('betas', betas)
        register_buffer('alphas_cumprod', alphas_cumprod)
        register_buffer('sqrt_alphas_cumprod', torch.sqrt(alphas_cumprod))
        register_buffer('sqrt_one_minus_alphas_cumprod', torch.sqrt(1.0 - alphas_cumprod))
        register_buffer('sqrt_recip_alphas', torch.rsqrt(alphas))
        register_buffer('posterior_variance', betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod))

    def q_sample(self, x_start, t, noise=None):
        noise = torch.randn_like(x_start) if noise is None else noise
        return (extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start
                + extract(self.sqrt_one_minus_alphas_cumprod, t, x_start.shape) * noise)

    def forward(self, x):
        t = torch.randint(0, self.num_timesteps, (x.shape[0],), device=x.device).long()
        noise = torch.randn_like(x)
        predicted = self.model(self.q_sample(x, t, noise), t)
        return F.smooth_l1_loss(noise, predicted)

    @torch.no_grad()
    def p_sample(self, x, t_index):
        t = torch.full((x.size(0),), t_index, dtype=torch.long)
        model_mean = extract(self.sqrt_recip_alphas, t, x.shape) * (
            x - extract(self.betas, t, x.shape) * self.model(x, t)
            / extract(self.sqrt_one_minus_alphas_cumprod, t, x.shape))
        if t_index == 0:
            return model_mean
        return model_mean + torch.sqrt(extract(self.posterior_variance, t, x.shape)) * torch.randn_like(x)

    @torch.no_grad()
    def sample(self, n):
        x = torch.randn(n, 2)
        for i in reversed(range(0, self.num_timesteps)):
            x = self.p_sample(x, i)
        return x

    @torch.inference_mode()
    def ddim_sample(self, n, steps=10, eta=0.0):
        times = torch.linspace(-1, self.num_timesteps - 1, steps=steps + 1)
        times = list(reversed(times.int().tolist()))
        x = torch.randn((n, 2))
        for time, time_next in zip(times[:-1], times[1:]):
            noise = self.model(x, torch.full((n,), time))
            alpha = self.alphas_cumprod[time]
            x0 = (x - (1 - alpha).sqrt() * noise) / alpha.sqrt()
            if time_next < 0:
                return x0
            alpha_next = self.alphas_cumprod[time_next]
            x = x0 * alpha_next.sqrt() + (1 - alpha_next).sqrt() * noise
        return x


class EMA:
    def __init__(self, model, decay):
        self.decay = decay
        self.shadow = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)
        for s, b in zip(self.shadow.buffers(), model.buffers()):
            s.copy_(b)


for name, betas in (('linear', linear_beta_schedule(40)), ('cosine', cosine_beta_schedule(40))):
    print(name, betas.dtype, betas[:3], torch.cumprod(1 - betas, 0)[-1])
    diffusion = GaussianDiffusion(Denoiser(), betas)
    ema = EMA(diffusion, 0.95)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=2e-3, betas=(0.9, 0.99))
    losses = []
    for step in range(100):
        loss = diffusion(swiss_roll(128))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(diffusion)
        losses.append(loss.item())
        if (step + 1) % 25 == 0:
            print(f'step {step + 1} loss {np.mean(losses[-25:]):.4f}')
    print(sorted(diffusion.state_dict())[:3], sum(p.numel() for p in diffusion.parameters()))
    samples = ema.shadow.sample(64)
    print('ddpm', samples.mean(0), samples.std(0))
    fast = diffusion.ddim_sample(5)
    print("ddim", fast)

# denoising score matching and Langevin steps
score = nn.Sequential(nn.Linear(2, 32), nn.Softplus(), nn.Linear(32, 2))
opt = torch.optim.Adam(score.parameters(), lr=5e-3)
for step in range(40):
    x = swiss_roll(64)
    noise = torch.randn_like(x)
    loss = ((score(x + 0.3 * noise) + noise / 0.3) ** 2).sum(1).mean()
    opt.zero_grad(); loss.backward(); opt.step()
print(f'score {loss.item():.4f}')
x = torch.zeros(4, 2)
for k in range(10):
    with torch.no_grad():
        x = torch.addcmul(x, torch.tensor(0.02), score(x)) + math.sqrt(2 * 0.02) * torch.randn(4, 2)
print(x)
