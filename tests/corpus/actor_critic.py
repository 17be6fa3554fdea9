"""Actor-critic with shared layers on a grid world, and PPO with a Normal policy on a point that has to be steered home."""
from collections import namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical, Normal

SavedAction = namedtuple('SavedAction', ['log_prob', 'value'])
torch.manual_seed(1)


class Grid:
    """4 x 4 cells; walk from a corner to the opposite one."""
    moves = [(0, 1), (1, 0), (0, -1), (-1, 0)]

    def reset(self):
        self.cell, self.t = (0, 0), 0
        return self.observe()

    def observe(self):
        onehot = torch.zeros(4, 4)
        onehot[self.cell] = 1
        return onehot.flatten()

    def step(self, a):
        self.t += 1
        self.cell = tuple(int(np.clip(c + d, 0, 3)) for c, d in zip(self.cell, self.moves[a]))
        done = self.cell == (3, 3)
        return self.observe(), 1.0 if done else -0.05, done or self.t >= 40


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(16, 32)
        self.action_head = nn.Linear(32, 4)
        self.value_head = nn.Linear(32, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        action_prob = F.softmax(self.action_head(x), dim=-1)
        state_values = self.value_head(x)
        return action_prob, state_values


env, model = Grid(), ActorCritic()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
eps = np.finfo(np.float32).eps.item()
running = 0
for episode in range(40):
    state, total = env.reset(), 0
    while True:
        probs, value = model(state)
        m = Categorical(probs)
        action = m.sample()
        model.saved_actions.append(SavedAction(m.log_prob(action), value))
        state, reward, done = env.step(action.item())
        model.rewards.append(reward)
        total += reward
        if done:
            break
    running = 0.1 * total + 0.9 * running
    R, returns, policy_losses, value_losses = 0, [], [], []
    for r in model.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    for (log_prob, value), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    steps = len(model.rewards)
    del model.rewards[:]
    del model.saved_actions[:]
    if episode % 8 == 7:
        print(f'episode {episode} steps {steps} reward {total:.2f} running {running:.3f} loss {loss.item():.3f}')


class GaussianActor(nn.Module):
    def __init__(self, obs_dim, act_dim, hidden=(24, 24)):
        super().__init__()
        sizes = [obs_dim, *hidden]
        layers = []
        for i, o in zip(sizes[:-1], sizes[1:]):
            layers += [nn.Linear(i, o), nn.Tanh()]
        self.body = nn.Sequential(*layers)
        self.mu = nn.Linear(sizes[-1], act_dim)
        self.log_std = nn.Parameter(-0.5 * torch.ones(act_dim))
        self.v = nn.Linear(sizes[-1], 1)
        nn.init.orthogonal_(self.mu.weight, gain=0.01)
        nn.init.orthogonal_(self.v.weight, gain=1.0)

    def dist(self, obs):
        return Normal(self.mu(self.body(obs)), self.log_std.exp())

    def value(self, obs):
        return torch.squeeze(self.v(self.body(obs)), -1)


def rollout(actor, n_envs=16, horizon=12):
    obs = torch.rand(n_envs, 2) * 4 - 2
    buf = dict(obs=[], act=[], logp=[], rew=[], val=[])
    with torch.no_grad():
        for _ in range(horizon):
            pi = actor.dist(obs)
            act = pi.sample()
            buf['obs'].append(obs)
            buf['act'].append(act)
            buf['logp'].append(pi.log_prob(act).sum(axis=-1))
            buf['val'].append(actor.value(obs))
            obs = (obs + 0.5 * act.clamp(-1, 1)).clip(-4, 4)
            buf['rew'].append(-obs.pow(2).sum(-1))
        last = actor.value(obs)
    buf = {k: torch.stack(v) for k, v in buf.items()}
    adv, gae = torch.zeros_like(buf['rew']), torch.zeros(n_envs)
    values = torch.cat([buf['val'], last[None]])
    for t in reversed(range(horizon)):
        delta = buf['rew'][t] + 0.95 * values[t + 1] - values[t]
        gae = delta + 0.95 * 0.9 * gae
        adv[t] = gae
    buf['ret'] = adv + buf['val']
    buf['adv'] = (adv - adv.mean()) / (adv.std() + 1e-8)
    return {k: v.flatten(0, 1) for k, v in buf.items()}


actor = GaussianActor(2, 2)
optimizer = torch.optim.Adam(actor.parameters(), lr=5e-3, eps=1e-5)
for iteration in range(6):
    data = rollout(actor)
    for epoch in range(3):
        for idx in torch.randperm(len(data['rew'])).split(64):
            pi = actor.dist(data['obs'][idx])
            logp = pi.log_prob(data['act'][idx]).sum(-1)
            ratio = torch.exp(logp - data['logp'][idx])
            clipped = torch.clamp(ratio, 1 - 0.2, 1 + 0.2) * data['adv'][idx]
            policy_loss = -torch.min(ratio * data['adv'][idx], clipped).mean()
            value_loss = F.mse_loss(actor.value(data['obs'][idx]), data['ret'][idx])
            entropy = pi.entropy().sum(-1).mean()
            loss = policy_loss + 0.5 * value_loss - 0.01 * entropy
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(actor.parameters(), max_norm=0.5)
            optimizer.step()
    with torch.no_grad():
        approx_kl = (data['logp'] - actor.dist(data['obs']).log_prob(data['act']).sum(-1)).mean().item()
    print(f"iter {iteration} reward {data['rew'].mean():.4f} pi {policy_loss.item():.4f} v {value_loss.item():.3f} "
          f"H {entropy.item():.4f} kl {approx_kl:.5f} norm {norm:.3f} clipped {(ratio.sub(1).abs() > 0.2).float().mean():.3f}")
print(actor.log_std.data, actor.dist(torch.ones(2)))
