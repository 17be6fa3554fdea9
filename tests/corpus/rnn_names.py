"""Names into languages with an RNN cell written by hand: one name at a time, NLLLoss, SGD by hand, a confusion matrix."""
from __future__ import unicode_literals, print_function, division

import math
import random
import string
import unicodedata

import torch
import torch.nn as nn
from torch.autograd import Variable

all_letters = string.ascii_letters + " .,;'-"
n_letters = len(all_letters)
category_lines = {
    'Japanese': 'Abe Akiyama Fujimoto Hayashi Ishikawa Kobayashi Matsuda Nakamura Ogawa Sakamoto Tanaka Yamamoto'.split(),
    'Italian': 'Abatangelo Bianchi Colombo De-luca Esposito Ferrari Giordano Lombardi Moretti Ricci Romano Vitali'.split(),
    'Polish': 'Adamczak Bosko Chmiel Dudek Filipek Gorski Janowski Kamiński Nowak Pawlak Sokołowski Wójcik'.split(),
    'Irish': "O'Brien Callaghan Doherty Flannagan Kavanagh MacGabhann O'Neill O'Sullivan Quinn Rooney Shine Whelan".split(),
}


def unicodeToAscii(s):
    return ''.join(c for c in unicodedata.normalize('NFD', s) if unicodedata.category(c) != 'Mn' and c in all_letters)


all_categories = list(category_lines)
category_lines = {k: [unicodeToAscii(line) for line in v] for k, v in category_lines.items()}
n_categories = len(all_categories)
print(category_lines['Polish'][-3:])


def letterToIndex(letter):
    return all_letters.find(letter)


def lineToTensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][letterToIndex(letter)] = 1
    return tensor


print(lineToTensor('Jones').size(), lineToTensor('J').nonzero().tolist())


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.i2o(combined)
        output = self.softmax(output)
        return output, hidden

    def initHidden(self):
        return Variable(torch.zeros(1, self.hidden_size))


torch.manual_seed(11)
random.seed(11)
n_hidden = 32
rnn = RNN(n_letters, n_hidden, n_categories)
output, next_hidden = rnn(lineToTensor('Albert')[0], torch.zeros(1, n_hidden))
print(output)


def categoryFromOutput(output):
    top_n, top_i = output.data.topk(1)
    category_i = top_i[0][0].item()
    return all_categories[category_i], category_i


print(categoryFromOutput(output))


def randomChoice(l):
    return l[random.randint(0, len(l) - 1)]


def randomTrainingExample():
    category = randomChoice(all_categories)
    line = randomChoice(category_lines[category])
    category_tensor = Variable(torch.LongTensor([all_categories.index(category)]))
    line_tensor = Variable(lineToTensor(line))
    return category, line, category_tensor, line_tensor


criterion = nn.NLLLoss()
learning_rate = 0.05


def train(category_tensor, line_tensor):
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line_tensor.size()[0]):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()


n_iters = 400
print_every = 50
current_loss = 0
all_losses = []
for iter in range(1, n_iters + 1):
    category, line, category_tensor, line_tensor = randomTrainingExample()
    output, loss = train(category_tensor, line_tensor)
    current_loss += loss
    if iter % print_every == 0:
        guess, guess_i = categoryFromOutput(output)
        correct = '✓' if guess == category else '✗ (%s)' % category
        print('%d %d%% %.4f %s / %s %s' % (iter, iter / n_iters * 100, loss, line, guess, correct))
        all_losses.append(current_loss / print_every)
        current_loss = 0
print([round(l, 4) for l in all_losses])

confusion = torch.zeros(n_categories, n_categories)
with torch.no_grad():
    for c, category in enumerate(all_categories):
        for line in category_lines[category]:
            hidden = rnn.initHidden()
            for letter in lineToTensor(line):
                output, hidden = rnn(letter, hidden)
            confusion[c][output.argmax(1).item()] += 1
for i in range(n_categories):
    confusion[i] = confusion[i] / confusion[i].sum()
print(confusion)


def predict(input_line, n_predictions=3):
    print('\n> %s' % input_line)
    with torch.no_grad():
        hidden = rnn.initHidden()
        for letter in lineToTensor(input_line):
            output, hidden = rnn(letter, hidden)
        topv, topi = output.topk(n_predictions, 1, True)
        for i in range(n_predictions):
            value = topv[0][i].item()
            category_index = topi[0][i].item()
            print('(%.2f) %s' % (value, all_categories[category_index]))


predict('Yamada')
predict('Kowalski')
predict("O'Connor")
print('perplexity %.3f' % math.exp(sum(all_losses[-3:]) / 3))
