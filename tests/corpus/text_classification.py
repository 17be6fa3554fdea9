"""News-like text classification: a vocabulary, collate into offsets, EmbeddingBag, random_split, StepLR on no progress."""
import random
import re
from collections import OrderedDict

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.data.dataset import random_split

random.seed(4)
torch.manual_seed(4)

nouns = {1: "minister election senate treaty border".split(), 2: "match goal coach league season".split(),
         3: "market shares profit bank oil".split(), 4: "software chip internet robot planet".split()}
glue = "the a of in on after before with against new big late".split()


def sentence(label):
    words = [random.choice(glue if random.random() < 0.5 else nouns[label if random.random() < 0.8 else random.randint(1, 4)])
             for _ in range(random.randint(4, 10))]
    return ' '.join(words).capitalize() + '.'


class News(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for i in range(self.n):
            label = random.randint(1, 4)
            yield label, sentence(label)


def tokenizer(line):
    return re.findall(r"[a-z']+", line.lower())


train_rows = list(News(400))
test_rows = list(News(80))
print(train_rows[0])


class Vocab:
    def __init__(self, tokens, specials=('<unk>',)):
        self.itos = list(specials) + sorted(tokens)
        self.stoi = OrderedDict((t, i) for i, t in enumerate(self.itos))

    def __call__(self, tokens):
        return [self.stoi.get(t, 0) for t in tokens]

    def __len__(self):
        return len(self.itos)


vocab = Vocab({t for _, line in train_rows for t in tokenizer(line)})
text_pipeline = lambda x: vocab(tokenizer(x))
label_pipeline = lambda x: int(x) - 1
print(len(vocab), text_pipeline('the match zzz market'), label_pipeline('10'))
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def collate_batch(batch):
    label_list, text_list, offsets = [], [], [0]
    for _label, _text in batch:
        label_list.append(label_pipeline(_label))
        processed_text = torch.tensor(text_pipeline(_text), dtype=torch.int64)
        text_list.append(processed_text)
        offsets.append(processed_text.size(0))
    label_list = torch.tensor(label_list, dtype=torch.int64)
    offsets = torch.tensor(offsets[:-1]).cumsum(dim=0)
    text_list = torch.cat(text_list)
    return label_list.to(device), text_list.to(device), offsets.to(device)


class TextClassificationModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_class, sparse=False):
        super(TextClassificationModel, self).__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, embed_dim, sparse=sparse)
        self.fc = nn.Linear(embed_dim, num_class)
        self.init_weights()

    def init_weights(self):
        initrange = 0.5
        self.embedding.weight.data.uniform_(-initrange, initrange)
        self.fc.weight.data.uniform_(-initrange, initrange)
        self.fc.bias.data.zero_()

    def forward(self, text, offsets):
        embedded = self.embedding(text, offsets)
        return self.fc(embedded)


model = TextClassificationModel(len(vocab), 16, 4).to(device)
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=5)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.1)


def train(dataloader):
    model.train()
    total_acc, total_count = 0, 0
    log_interval = 8
    for idx, (label, text, offsets) in enumerate(dataloader):
        optimizer.zero_grad()
        predicted_label = model(text, offsets)
        loss = criterion(predicted_label, label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        total_acc += (predicted_label.argmax(1) == label).sum().item()
        total_count += label.size(0)
        if idx % log_interval == 0 and idx > 0:
            print('| epoch {:3d} | {:5d}/{:5d} batches | accuracy {:8.3f} | loss {:.4f}'.format(
                epoch, idx, len(dataloader), total_acc / total_count, loss))
            total_acc, total_count = 0, 0


def evaluate(dataloader):
    model.eval()
    total_acc, total_count = 0, 0
    with torch.no_grad():
        for label, text, offsets in dataloader:
            predicted_label = model(text, offsets)
            total_acc += (predicted_label.argmax(1) == label).sum().item()
            total_count += label.size(0)
    return total_acc / total_count


num_train = int(len(train_rows) * 0.9)
split_train_, split_valid_ = random_split(train_rows, [num_train, len(train_rows) - num_train])
train_dataloader = DataLoader(split_train_, batch_size=16, shuffle=True, collate_fn=collate_batch)
valid_dataloader = DataLoader(split_valid_, batch_size=16, shuffle=True, collate_fn=collate_batch)
test_dataloader = DataLoader(test_rows, batch_size=16, collate_fn=collate_batch)
total_accu = None
for epoch in range(1, 6):
    train(train_dataloader)
    accu_val = evaluate(valid_dataloader)
    if total_accu is not None and total_accu > accu_val:
        scheduler.step()
    else:
        total_accu = accu_val
    print('| end of epoch {:3d} | lr {} | valid accuracy {:8.3f} '.format(epoch, scheduler.get_last_lr(), accu_val))
print('test accuracy {:8.3f}'.format(evaluate(test_dataloader)))


def predict(text):
    with torch.no_grad():
        text = torch.tensor(text_pipeline(text))
        output = model(text, torch.tensor([0]))
        return output.argmax(1).item() + 1, torch.softmax(output, 1)[0]


print(predict("the coach after the goal in the late match"))
print(predict("Oil profit of the bank"))
bag = nn.EmbeddingBag(5, 3, mode='max')
print(bag(torch.tensor([[0, 1], [3, 3]])).detach(), bag)
weighted = nn.EmbeddingBag(5, 3, mode='sum', padding_idx=0)
print(weighted(torch.tensor([[0, 1], [2, 3]]), per_sample_weights=torch.tensor([[1., 2.], [0.5, 0.25]])).data)
