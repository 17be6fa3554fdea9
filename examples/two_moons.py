"""Two half-moons learned by a scalar MLP with a max-margin loss: 100 % after 100 steps.

    python examples/two_moons.py

Needs scikit-learn for the data (`pip install scikit-learn`).  The network, the loss and the schedule are
micrograd's demo.
"""

from __future__ import annotations

import random

from sklearn.datasets import make_moons

from glassgrad.scalar.nn import MLP


def main(steps: int = 100) -> float:
    random.seed(1337)
    X, y = make_moons(n_samples=100, noise=0.1, random_state=1337)
    y = y * 2 - 1  # labels -1 and 1
    model = MLP(2, [16, 16, 1])
    print(f"{len(model.parameters())} parameters, {len(X)} points")

    for k in range(steps):
        scores = [model(x) for x in X]
        margin = sum((1 - yi * score).relu() for yi, score in zip(y, scores, strict=True)) / len(X)
        loss = margin + 1e-4 * sum(p * p for p in model.parameters())
        accuracy = sum((yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)) / len(X)

        model.zero_grad()
        loss.backward()
        lr = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= lr * p.grad
        if k % 10 == 0 or k == steps - 1:
            print(f"step {k:3d}  loss {loss.data:.4f}  accuracy {accuracy:.0%}")
    return accuracy


if __name__ == "__main__":
    main()
