"""Deep Q-learning: replay memory of named tuples, epsilon-greedy, double DQN, soft target updates, smooth L1."""
import math
import random
from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

random.seed(3)
np.random.seed(3)
torch.manual_seed(3)
Transition = namedtuple('Transition', ('state', 'action', 'next_state', 'reward'))
device = torch.device(
    "cuda" if torch.cuda.is_available() else
    "mps" if torch.backends.mps.is_available() else
    "cpu"
)


class Chain:
    """A noisy walk on a line of 7 cells: the goal is on the right, a small lure on the left."""

    def reset(self):
        self.s, self.t = 3, 0
        return self.obs()

    def obs(self):
        return np.array([self.s / 3 - 1, math.sin(self.s), math.cos(self.s)], dtype=np.float32)

    def step(self, a):
        if random.random() < 0.1:
            a = random.randrange(2)
        self.s += 1 if a else -1
        self.t += 1
        reward = {0: 0.2, 6: 1.0}.get(self.s, -0.01)
        terminated = self.s in (0, 6)
        return self.obs(), reward, terminated, self.t >= 30


class ReplayMemory(object):
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        """Save a transition"""
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)

    def __len__(self):
        return len(self.memory)


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 32)
        self.layer2 = nn.Linear(32, 32)
        self.advantage = nn.Linear(32, n_actions)
        self.value = nn.Linear(32, 1)

    def forward(self, x):
        x = F.relu(self.layer1(x))
        x = F.leaky_relu(self.layer2(x), 0.1)
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


BATCH_SIZE, GAMMA, EPS_START, EPS_END, EPS_DECAY, TAU, LR = 32, 0.97, 0.9, 0.05, 150, 0.05, 3e-3
env = Chain()
policy_net = DQN(3, 2).to(device)
target_net = DQN(3, 2).to(device)
target_net.load_state_dict(policy_net.state_dict())
for p in target_net.parameters():
    p.requires_grad = False
optimizer = optim.AdamW(policy_net.parameters(), lr=LR, amsgrad=True)
memory = ReplayMemory(500)
steps_done = 0


def select_action(state):
    global steps_done
    sample = random.random()
    eps_threshold = EPS_END + (EPS_START - EPS_END) * math.exp(-1. * steps_done / EPS_DECAY)
    steps_done += 1
    if sample > eps_threshold:
        with torch.no_grad():
            return policy_net(state).max(1).indices.view(1, 1)
    else:
        return torch.tensor([[random.randrange(2)]], device=device, dtype=torch.long)


def optimize_model(double):
    if len(memory) < BATCH_SIZE:
        return None
    transitions = memory.sample(BATCH_SIZE)
    batch = Transition(*zip(*transitions))
    non_final_mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), device=device, dtype=torch.bool)
    non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
    state_batch = torch.cat(batch.state)
    action_batch = torch.cat(batch.action)
    reward_batch = torch.cat(batch.reward)
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    next_state_values = torch.zeros(BATCH_SIZE, device=device)
    with torch.no_grad():
        if double:
            best = policy_net(non_final_next_states).argmax(dim=1, keepdim=True)
            next_state_values[non_final_mask] = target_net(non_final_next_states).gather(1, best).squeeze(1)
        else:
            next_state_values[non_final_mask] = target_net(non_final_next_states).max(1)[0]
    expected_state_action_values = (next_state_values * GAMMA) + reward_batch
    criterion = nn.SmoothL1Loss()
    loss = criterion(state_action_values, expected_state_action_values.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    return loss.item()


for i_episode in range(40):
    state = torch.tensor(env.reset(), dtype=torch.float32, device=device).unsqueeze(0)
    total, losses = 0.0, []
    while True:
        action = select_action(state)
        observation, reward, terminated, truncated = env.step(action.item())
        total += reward
        reward = torch.tensor([reward], device=device)
        next_state = None if terminated else torch.tensor(observation, dtype=torch.float32, device=device).unsqueeze(0)
        memory.push(state, action, next_state, reward)
        state = next_state
        loss = optimize_model(double=i_episode >= 20)
        if loss is not None:
            losses.append(loss)
        target_net_state_dict = target_net.state_dict()
        policy_net_state_dict = policy_net.state_dict()
        for key in policy_net_state_dict:
            target_net_state_dict[key] = policy_net_state_dict[key] * TAU + target_net_state_dict[key] * (1 - TAU)
        target_net.load_state_dict(target_net_state_dict)
        if terminated or truncated:
            break
    if i_episode % 5 == 4:
        print(f'episode {i_episode} return {total:.2f} memory {len(memory)} loss {np.mean(losses) if losses else 0:.5f}')
with torch.no_grad():
    grid = torch.stack([torch.tensor([s / 3 - 1, math.sin(s), math.cos(s)]) for s in range(1, 6)])
    q = target_net(grid)
    print(q)
    print('policy', ''.join('LR'[a] for a in q.argmax(-1)))
    print(F.huber_loss(q[:, 0], q[:, 1], delta=0.5), F.smooth_l1_loss(q[:, 0], q[:, 1], beta=0.1, reduction='none'))
print(len(optimizer.state), sorted(optimizer.state[policy_net.layer1.weight]))
