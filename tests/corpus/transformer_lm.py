"""nn.TransformerEncoder as a language model, nn.Transformer as a translator, and nn.MultiheadAttention by itself."""
import math
from tempfile import TemporaryDirectory
from typing import Tuple
import os

import torch
from torch import nn, Tensor
from torch.nn import TransformerEncoder, TransformerEncoderLayer
from torch.utils.data import dataset

TEXT = ("to be or not to be that is the question whether it is nobler in the mind to suffer the slings and arrows of "
        "outrageous fortune or to take arms against a sea of troubles and by opposing end them to die to sleep no more "
        "and by a sleep to say we end the heart ache and the thousand natural shocks that flesh is heir to").split()
vocab = {w: i for i, w in enumerate(sorted(set(TEXT)))}
torch.manual_seed(0)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 500):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer('pe', pe)

    def forward(self, x: Tensor) -> Tensor:
        """Arguments: x: Tensor, shape [seq_len, batch_size, embedding_dim]"""
        x = x + self.pe[:x.size(0)]
        return self.dropout(x)


class TransformerModel(nn.Module):
    def __init__(self, ntoken: int, d_model: int, nhead: int, d_hid: int, nlayers: int, dropout: float = 0.5):
        super().__init__()
        self.model_type = 'Transformer'
        self.pos_encoder = PositionalEncoding(d_model, dropout)
        encoder_layers = TransformerEncoderLayer(d_model, nhead, d_hid, dropout)
        self.transformer_encoder = TransformerEncoder(encoder_layers, nlayers)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, ntoken)
        self.init_weights()

    def init_weights(self) -> None:
        initrange = 0.1
        self.embedding.weight.data.uniform_(-initrange, initrange)
        self.linear.bias.data.zero_()
        self.linear.weight.data.uniform_(-initrange, initrange)

    def forward(self, src: Tensor, src_mask: Tensor = None) -> Tensor:
        src = self.embedding(src) * math.sqrt(self.d_model)
        src = self.pos_encoder(src)
        if src_mask is None:
            src_mask = nn.Transformer.generate_square_subsequent_mask(len(src)).to(device)
        output = self.transformer_encoder(src, src_mask)
        return self.linear(output)


device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
ids = torch.tensor([vocab[w] for w in TEXT] * 6, dtype=torch.long)


def batchify(data: Tensor, bsz: int) -> Tensor:
    seq_len = data.size(0) // bsz
    data = data[:seq_len * bsz]
    return data.view(bsz, seq_len).t().contiguous().to(device)


train_data = batchify(ids, 10)
val_data = batchify(ids[:len(TEXT)], 5)
bptt = 9


def get_batch(source: Tensor, i: int) -> Tuple[Tensor, Tensor]:
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i:i + seq_len], source[i + 1:i + 1 + seq_len].reshape(-1)


ntokens = len(vocab)
model = TransformerModel(ntokens, d_model=24, nhead=2, d_hid=32, nlayers=2, dropout=0.2).to(device)
print(model)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.95)


def evaluate(model: nn.Module, eval_data: Tensor) -> float:
    model.eval()
    total_loss = 0.
    with torch.no_grad():
        for i in range(0, eval_data.size(0) - 1, bptt):
            data, targets = get_batch(eval_data, i)
            output_flat = model(data).view(-1, ntokens)
            total_loss += data.size(0) * criterion(output_flat, targets).item()
    return total_loss / (len(eval_data) - 1)


best_val_loss = float('inf')
with TemporaryDirectory() as tempdir:
    best_model_params_path = os.path.join(tempdir, "best_model_params.pt")
    for epoch in range(1, 4):
        model.train()
        total_loss = 0.
        for batch, i in enumerate(range(0, train_data.size(0) - 1, bptt)):
            data, targets = get_batch(train_data, i)
            output = model(data)
            loss = criterion(output.view(-1, ntokens), targets)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            total_loss += loss.item()
        val_loss = evaluate(model, val_data)
        print(f'| epoch {epoch:3d} | lr {scheduler.get_last_lr()[0]:.4f} | loss {total_loss / (batch + 1):5.3f} '
              f'| valid loss {val_loss:5.3f} | valid ppl {math.exp(val_loss):8.2f}')
        if val_loss < best_val_loss:
            best_val_loss = val_loss
            torch.save(model.state_dict(), best_model_params_path)
        scheduler.step()
    model.load_state_dict(torch.load(best_model_params_path))
print(f'best {evaluate(model, val_data):.4f}')

# encoder-decoder
mask = nn.Transformer.generate_square_subsequent_mask(5)
print(mask)
transformer = nn.Transformer(d_model=16, nhead=4, num_encoder_layers=1, num_decoder_layers=2, dim_feedforward=24,
                             dropout=0.1, activation='gelu', batch_first=True, norm_first=True)
src = torch.randn(3, 6, 16)
tgt = torch.randn(3, 5, 16)
pad = torch.zeros(3, 6, dtype=torch.bool)
pad[1, 4:] = True
pad[2, 2:] = True
out = transformer(src, tgt, tgt_mask=mask, src_key_padding_mask=pad, memory_key_padding_mask=pad)
print(out.shape, out.mean().item() < 1e-6, f'{out.std().item():.4f}', out[0, 0, :4])
opt = torch.optim.Adam(transformer.parameters(), lr=1e-3)
for step in range(5):
    opt.zero_grad()
    out = transformer(src, tgt, tgt_mask=mask, src_key_padding_mask=pad, memory_key_padding_mask=pad)
    loss = (out - tgt).pow(2).mean()
    loss.backward()
    opt.step()
    print(step, f'{loss.item():.5f}')
print(len(list(transformer.parameters())), sum(p.numel() for p in transformer.parameters()))
print([n for n, _ in transformer.decoder.layers[0].named_children()])

mha = nn.MultiheadAttention(embed_dim=8, num_heads=2, dropout=0.0, batch_first=True, kdim=6, vdim=5)
q, k, v = torch.randn(2, 3, 8), torch.randn(2, 4, 6), torch.randn(2, 4, 5)
out, weights = mha(q, k, v, need_weights=True, average_attn_weights=False)
print(out.shape, weights.shape, weights.sum(-1).flatten()[:3], out[0, 0])
causal = torch.triu(torch.ones(3, 3, dtype=torch.bool), diagonal=1)
self_attn = nn.MultiheadAttention(8, 2)
x = torch.randn(3, 2, 8)
out, weights = self_attn(x, x, x, attn_mask=causal)
print(weights[0], self_attn.in_proj_weight.shape)
