"""Word embeddings: n-gram model, CBOW, and skip-gram with negative sampling; nearest neighbours by cosine."""
from collections import Counter

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)

word_to_ix = {"hello": 0, "world": 1}
embeds = nn.Embedding(2, 5)
lookup_tensor = torch.tensor([word_to_ix["hello"]], dtype=torch.long)
hello_embed = embeds(lookup_tensor)
print(hello_embed)

CONTEXT_SIZE = 2
EMBEDDING_DIM = 10
test_sentence = """When forty winters shall besiege thy brow,
And dig deep trenches in thy beauty's field,
Thy youth's proud livery so gazed on now,
Will be a totter'd weed of small worth held:
Then being asked, where all thy beauty lies,
Where all the treasure of thy lusty days;
To say, within thine own deep sunken eyes,
Were an all-eating shame, and thriftless praise.""".split()
ngrams = [
    ([test_sentence[i - j - 1] for j in range(CONTEXT_SIZE)], test_sentence[i])
    for i in range(CONTEXT_SIZE, len(test_sentence))
]
print(ngrams[:3])
vocab = sorted(set(test_sentence))
word_to_ix = {word: i for i, word in enumerate(vocab)}


class NGramLanguageModeler(nn.Module):
    def __init__(self, vocab_size, embedding_dim, context_size):
        super(NGramLanguageModeler, self).__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 32)
        self.linear2 = nn.Linear(32, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        out = F.relu(self.linear1(embeds))
        out = self.linear2(out)
        log_probs = F.log_softmax(out, dim=1)
        return log_probs


losses = []
loss_function = nn.NLLLoss()
model = NGramLanguageModeler(len(vocab), EMBEDDING_DIM, CONTEXT_SIZE)
optimizer = optim.SGD(model.parameters(), lr=0.01)
for epoch in range(4):
    total_loss = 0
    for context, target in ngrams:
        context_idxs = torch.tensor([word_to_ix[w] for w in context], dtype=torch.long)
        model.zero_grad()
        log_probs = model(context_idxs)
        loss = loss_function(log_probs, torch.tensor([word_to_ix[target]], dtype=torch.long))
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    losses.append(total_loss)
print(['%.4f' % loss for loss in losses])
print(model.embeddings.weight[word_to_ix["beauty"] if "beauty" in word_to_ix else 0])


class CBOW(nn.Module):
    def __init__(self, vocab_size, dim):
        super().__init__()
        self.emb = nn.EmbeddingBag(vocab_size, dim, mode='mean')
        self.out = nn.Linear(dim, vocab_size, bias=False)

    def forward(self, context):
        return self.out(self.emb(context))


ids = torch.tensor([word_to_ix[w] for w in test_sentence])
windows = ids.unfold(0, 5, 1)
contexts, centers = windows[:, [0, 1, 3, 4]], windows[:, 2]
cbow = CBOW(len(vocab), 12)
opt = optim.Adagrad(cbow.parameters(), lr=0.1)
for epoch, _ in enumerate(range(8)):
    loss = F.cross_entropy(cbow(contexts), centers)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 2 == 1:
        print('cbow', epoch, '%.5f' % loss)

# skip-gram on an artificial language of two topics
rng = np.random.RandomState(0)
topics = [["cat", "dog", "mouse", "bird", "fish"], ["red", "green", "blue", "black", "white"], ["run", "jump", "swim"]]
stream = [w for _ in range(120) for w in rng.choice(topics[rng.randint(3)], 6)]
counts = Counter(stream)
vocab = [w for w, _ in counts.most_common()]
index = {w: i for i, w in enumerate(vocab)}
print(counts.most_common(3))
freq = torch.tensor([counts[w] for w in vocab], dtype=torch.float)
noise = freq.pow(0.75) / freq.pow(0.75).sum()
pairs = torch.tensor([(index[stream[i]], index[stream[j]])
                      for i in range(len(stream)) for j in range(max(0, i - 2), min(len(stream), i + 3)) if i != j])
print(pairs.shape, noise[:4])


class SkipGram(nn.Module):
    def __init__(self, n, dim):
        super().__init__()
        self.u = nn.Embedding(n, dim, max_norm=3.0)
        self.v = nn.Embedding(n, dim)
        nn.init.zeros_(self.v.weight)

    def forward(self, center, context, negative):
        u = self.u(center)
        pos = torch.bmm(self.v(context).unsqueeze(1), u.unsqueeze(2)).squeeze()
        neg = torch.bmm(self.v(negative), u.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(pos) + F.logsigmoid(-neg).sum(1)).mean()


model = SkipGram(len(vocab), 8)
opt = optim.Adam(model.parameters(), lr=0.02)
loader = DataLoader(TensorDataset(pairs[:, 0], pairs[:, 1]), batch_size=256, shuffle=True)
for epoch in range(4):
    total = 0
    for center, context in loader:
        negative = torch.multinomial(noise, len(center) * 5, replacement=True).view(-1, 5)
        loss = model(center, context, negative)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(center)
    print('skip-gram epoch', epoch, round(total / len(pairs), 4))
W = F.normalize(model.u.weight.data, p=2, dim=1)
print(W.norm(dim=1)[:3])
for word in ("cat", "red", "run"):
    similarity = W @ W[index[word]]
    best = similarity.topk(4)
    print(word, [(vocab[int(i)], round(float(s), 3)) for s, i in zip(*best)][1:])
print(F.cosine_similarity(W[:3], W[3:6]), nn.CosineSimilarity(dim=0)(W[0], W[1]).item() < 1)
print(torch.cdist(W[:2], W[2:4]), model.u.weight.norm(dim=-1).max() <= 3.0001)
bag = nn.EmbeddingBag.from_pretrained(W, mode='sum', freeze=True)
print(bag(torch.tensor([0, 1, 2, 3]), torch.tensor([0, 3])).norm(dim=-1), bag.weight.requires_grad)
