"""Decoding a small GRU language model: greedy, sampling, top-k, nucleus, and batched beam search with length penalty."""
import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(99)
phrases = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog met on the road", "the road is long",
           "a log is on the mat", "the cat met the dog"]
words = ["<pad>", "<s>", "</s>"] + sorted({w for p in phrases for w in p.split()})
stoi = {w: i for i, w in enumerate(words)}
PAD, BOS, EOS = range(3)
rows = [[BOS] + [stoi[w] for w in p.split()] + [EOS] for p in phrases]
longest = max(map(len, rows))
data = torch.tensor([r + [PAD] * (longest - len(r)) for r in rows])
lengths = (data != PAD).sum(1)
print(data, lengths)


class LM(nn.Module):
    def __init__(self, vocab, dim=16):
        super(LM, self).__init__()
        self.embed = nn.Embedding(vocab, dim, padding_idx=PAD)
        self.cell = nn.GRUCell(dim, dim)
        self.out = nn.Linear(dim, vocab)

    def step(self, token, state):
        state = self.cell(self.embed(token), state)
        return F.log_softmax(self.out(state), -1), state

    def forward(self, tokens):
        state = torch.zeros(tokens.size(0), self.cell.hidden_size)
        outputs = []
        for t in range(tokens.shape[1]):
            logp, state = self.step(tokens[:, t], state)
            outputs.append(logp)
        return torch.stack(outputs, dim=1)


model = LM(len(words))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
loss_fn = nn.NLLLoss(ignore_index=PAD, reduction='sum')
for epoch in range(50):
    logp = model(data[:, :-1])
    loss = loss_fn(logp.flatten(0, 1), data[:, 1:].flatten()) / (lengths - 1).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 9:
        print(f'epoch {epoch:2d} loss {loss:.4f} ppl {loss.exp():.3f}')
model.eval()
torch.set_grad_enabled(False)


def text(ids):
    return ' '.join(words[i] for i in ids if i > EOS)


def decode(pick, limit=12):
    token, state, out, total = torch.tensor([BOS]), torch.zeros(1, 16), [], 0.0
    for _ in range(limit):
        logp, state = model.step(token, state)
        token = pick(logp[0]).view(1)
        total += logp[0, token].item()
        out.append(token.item())
        if token == EOS:
            break
    return text(out), round(total, 4)


def top_k(logp, k=3):
    values, indices = logp.topk(k)
    return indices[torch.multinomial(values.exp(), 1)]


def nucleus(logp, p=0.8, temperature=1.2):
    probs = F.softmax(logp / temperature, dim=-1)
    sorted_probs, sorted_indices = torch.sort(probs, descending=True)
    cumulative = torch.cumsum(sorted_probs, dim=-1)
    remove = cumulative > p
    remove[1:] = remove[:-1].clone()
    remove[0] = 0
    probs[sorted_indices[remove]] = 0
    return torch.multinomial(probs / probs.sum(), num_samples=1)


print('greedy ', decode(lambda logp: logp.argmax()))
for _ in range(3):
    print('sample ', decode(lambda logp: torch.multinomial(logp.exp(), 1)))
    print('top-k  ', decode(top_k))
    print('nucleus', decode(nucleus))


def beam_search(beam=4, limit=12, alpha=0.6):
    vocab = len(words)
    tokens = torch.full((beam, 1), BOS)
    scores = torch.full((beam,), -math.inf)
    scores[0] = 0.0
    state = torch.zeros(beam, 16)
    done = torch.zeros(beam, dtype=torch.bool)
    for t in range(limit):
        logp, state = model.step(tokens[:, -1], state)
        logp = logp.masked_fill(done.unsqueeze(1), -math.inf)
        logp[done, PAD] = 0
        total = scores[:, None] + logp
        scores, flat = total.view(-1).topk(beam)
        source = torch.div(flat, vocab, rounding_mode='floor')
        word = flat % vocab
        tokens = torch.cat([tokens.index_select(0, source), word[:, None]], dim=1)
        state = state[source]
        done = done.gather(0, source) | word.eq(EOS)
        if done.all():
            break
    length = tokens.ne(PAD).sum(1).sub(1).float()
    penalised = scores / ((5 + length) / 6).pow(alpha)
    order = penalised.argsort(descending=True)
    return tokens[order], scores[order], penalised[order]


for beam in (1, 3, 6):
    tokens, scores, penalised = beam_search(beam)
    print('beam', beam, tokens.shape)
    for row, s, p in zip(tokens.tolist(), scores, penalised):
        print(f'   {s:8.4f} {p:8.4f} {text(row)}')
