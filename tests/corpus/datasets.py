"""Datasets and samplers: random_split, Subset, ConcatDataset, weighted and batch sampling, collate functions, workers."""
import torch
from torch.utils.data import (BatchSampler, ConcatDataset, DataLoader, Dataset, IterableDataset, RandomSampler, Sampler, SequentialSampler,
                              StackDataset, Subset, SubsetRandomSampler, TensorDataset, WeightedRandomSampler, default_collate, get_worker_info, random_split)


class Squares(Dataset):
    def __init__(self, n, transform=None):
        self.n, self.transform = n, transform

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError(i)
        x = torch.tensor([i, i ** 2], dtype=torch.float32)
        return (self.transform(x) if self.transform else x), i % 3


class Lines(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        info = get_worker_info()
        if info is None:
            return iter(range(self.start, self.end))
        per = (self.end - self.start + info.num_workers - 1) // info.num_workers
        first = self.start + info.id * per
        return iter(range(first, min(first + per, self.end)))


def noisy(x):
    return x + torch.rand(2)


def words(batch):
    lengths = torch.tensor([len(w) for w in batch])
    padded = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
    for i, w in enumerate(batch):
        padded[i, :len(w)] = torch.tensor([ord(c) - 96 for c in w])
    return padded, lengths


def seed_worker(worker_id):
    torch.manual_seed(torch.initial_seed() % 2 ** 31 + worker_id)


class EvenFirst(Sampler):
    def __init__(self, data):
        self.data = data

    def __iter__(self):
        n = len(self.data)
        return iter([*range(0, n, 2), *range(1, n, 2)])

    def __len__(self):
        return len(self.data)


def main():
    torch.manual_seed(0)
    ds = Squares(10)
    print(len(ds), ds[3], list(ds)[-1])
    for batch in DataLoader(ds, batch_size=4):
        print(batch)
    for epoch in range(2):
        print([y.tolist() for _, y in DataLoader(ds, batch_size=3, shuffle=True)])
    loader = DataLoader(ds, batch_size=4, shuffle=True, drop_last=True)
    print(len(loader), len(loader.dataset), loader.batch_size, [x[:, 0].tolist() for x, _ in loader], next(iter(loader))[1])
    print([x.shape for x, _ in DataLoader(ds, batch_size=None)][:2], [x[0, 0].item() for x, _ in DataLoader(ds, shuffle=True)])

    train, val, test = random_split(ds, [5, 3, 2])
    print(train.indices, val.indices, test.indices, len(train), train[0])
    print([s.indices for s in random_split(range(7), [0.5, 0.3, 0.2], generator=torch.Generator().manual_seed(42))])
    print([i for i in Subset(ds, [1, 4])][1], len(ConcatDataset([ds, Squares(3)])), (ds + Squares(2))[11], ConcatDataset([ds, ds]).cumulative_sizes)
    td = TensorDataset(torch.arange(6).view(3, 2), torch.tensor([1., 0., 1.]))
    print(td[1], td[:2], len(td), StackDataset(ds, Squares(10))[2], TensorDataset(torch.arange(3))[0])

    print('samplers')
    torch.manual_seed(1)
    print(list(SequentialSampler(ds)), list(RandomSampler(ds)), list(RandomSampler(ds, replacement=True, num_samples=12)), list(RandomSampler(ds, num_samples=4)))
    print(list(SubsetRandomSampler([3, 5, 9])), list(WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 6)), list(WeightedRandomSampler([3, 1, 1], 2, replacement=False)))
    print(list(BatchSampler(SequentialSampler(range(7)), batch_size=3, drop_last=False)), len(BatchSampler(range(7), 3, True)))
    print([x[:, 0].tolist() for x, _ in DataLoader(ds, sampler=EvenFirst(ds), batch_size=4)], [y.tolist() for _, y in DataLoader(ds, batch_sampler=BatchSampler(RandomSampler(ds), 5, False))])
    labels = torch.tensor([0] * 8 + [1] * 2)
    weights = (1.0 / torch.bincount(labels))[labels]
    loader = DataLoader(TensorDataset(labels), batch_size=10, sampler=WeightedRandomSampler(weights, 20))
    print([b.sum().item() for b, in loader])
    g = torch.Generator()
    g.manual_seed(9)
    print([x[:, 0].tolist() for x, _ in DataLoader(ds, 5, shuffle=True, generator=g)], torch.rand(1))

    print('collating')
    print(default_collate([{'a': 1, 'b': [1., 2.]}, {'a': 2, 'b': [3., 4.]}]), default_collate(['x', 'y']), default_collate([(1, torch.ones(2)), (2, torch.zeros(2))]))
    for padded, lengths in DataLoader(['the', 'cat', 'sat', 'down', 'quietly'], batch_size=3, collate_fn=words):
        print(padded, lengths)
    print(list(DataLoader(list(range(5)), batch_size=2, collate_fn=lambda b: b)), list(DataLoader(Lines(3, 9), batch_size=4)))

    print('workers')
    torch.manual_seed(2)
    for workers in (0, 2):
        loader = DataLoader(Squares(8, noisy), batch_size=2, shuffle=True, num_workers=workers, worker_init_fn=seed_worker if workers else None)
        for _ in range(2):
            print(workers, [x.sum().item().__round__(4) for x, _ in loader])
    print(sorted(b.tolist() for b in DataLoader(Lines(0, 7), batch_size=2, num_workers=2)), torch.rand(1).item())
    loader = DataLoader(ds, batch_size=5, num_workers=1, persistent_workers=True, prefetch_factor=2, pin_memory=False)
    print([y.tolist() for _ in range(2) for _, y in loader])
    for wrong in (lambda: DataLoader(ds, batch_size=0), lambda: DataLoader(ds, shuffle=True, sampler=RandomSampler(ds)), lambda: random_split(ds, [3, 3]), lambda: TensorDataset(torch.ones(2), torch.ones(3)),
                  lambda: DataLoader(Lines(0, 3), shuffle=True), lambda: list(DataLoader([torch.ones(2), torch.ones(3)], batch_size=2)), lambda: DataLoader(ds, num_workers=-1)):
        try:
            wrong()
        except Exception as e:
            print(type(e).__name__, str(e)[:30] if isinstance(e, ValueError) else '')


if __name__ == '__main__':
    main()
