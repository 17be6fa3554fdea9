"""From data to a trained network with a run folder: tasks, models, the training loop, and what a report shows.

    task = tasks.load("mnist")
    model = models.build("mlp", task)
    trainer = Trainer(model, optimizer, task.loader(64, seed=0), task.test_loader())
    trainer.fit(epochs=5)

The command line is `glassgrad train`; nothing here is needed to write a training loop of one's own.
"""

from __future__ import annotations

from .tasks import Task
from .trainer import Trainer, evaluate

__all__ = ["Task", "Trainer", "evaluate"]
