"""Learn to tell digits, clothes or moons apart, and leave a run folder: report.html, history.jsonl, run.json
and a checkpoint from which --resume goes on, bit for bit.

Ctrl-C finishes the step, saves, and says how to go on. MNIST is read from --data, $GLASSGRAD_DATA or the
user's cache, else downloaded; where that fails, scikit-learn's 8 x 8 digits take its place.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import glassgrad as gg

from ..data import DatasetNotFound
from ..glass.health.record import FILE as HEALTH
from ..glass.runs.report import write_report
from ..glass.runs.runlog import RunFolder
from ..train import collect, models, tasks
from ..train.trainer import CHECKPOINT, Trainer
from .progress import Progress

MODELS = sorted({model for recipes in models.RECIPES.values() for model in recipes})
# What makes a run what it is; a resumed run keeps all of it but these:
SETTINGS = (
    "task", "model", "epochs", "batch_size", "optimizer", "lr", "momentum", "schedule", "seed", "limit",
    "workers", "data",
)  # fmt: skip
MAY_CHANGE = {"epochs", "workers", "data"}


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("task", nargs="?", choices=tasks.TASKS, help="what to learn; left out with --resume")
    add("--model", choices=MODELS, help="the network (mlp)")
    add("--epochs", type=number(int, 1), metavar="N", help="times through the data; by default the model's recipe")
    add("--lr", type=number(float, 0, above=True), help="the learning rate; by default the recipe's")
    add("--momentum", type=number(float, 0, below=1), help="of sgd or rmsprop; by default the recipe's")
    add("--batch-size", type=number(int, 1), metavar="N", help="samples in a batch; by default the recipe's")
    add("--optimizer", choices=models.OPTIMIZERS, help="by default the recipe's")
    add("--schedule", choices=models.SCHEDULES, help="of the learning rate; by default the recipe's")
    add("--seed", type=number(int, 0, below=2**63), metavar="N", help="of the weights and the order (0)")
    add("--limit", type=number(int, 1), metavar="N", help="use only the first N samples, to train and to test")
    add("--workers", type=number(int, 0), metavar="N", help="processes that make batches (0: none)")
    add("--data", metavar="DIR", help="the folder with the data files")
    add("--out", metavar="DIR", help="the folder that run folders are made in (runs)")
    add("--resume", metavar="RUN", help="a run folder to go on with; --epochs may then be more")
    parser.set_defaults(refuse=parser.error)


def number(kind: type, least: float, *, above: bool = False, below: float = math.inf) -> Callable[[str], Any]:
    """An argument's type: a number >= least (> least if `above`) and < below."""

    def convert(text: str) -> Any:
        value = kind(text)
        if not (least < value if above else least <= value) or not value < below:
            bound = f"{'>' if above else '>='} {least}" + (f" and < {below}" if below < math.inf else "")
            raise argparse.ArgumentTypeError(f"expected a finite number {bound}, got {text}")
        return value

    convert.__name__ = kind.__name__  # for argparse's own complaint
    return convert


def run(args: argparse.Namespace) -> int:
    """Train. Exit status 0 done, 1 it could not be, 2 a mistake in the line, 130 interrupted."""
    if args.data is not None and not Path(args.data).is_dir():
        args.refuse(f"--data: there is no folder {args.data!r}")
    try:
        trainer, task, settings = (begin if args.resume is None else resume)(args)
    except (DatasetNotFound, ValueError) as problem:  # files that are missing, damaged, or not of this run
        return complain(problem)
    return fit(trainer, task, settings, args.epochs or settings["epochs"])


def begin(args: argparse.Namespace) -> tuple[Trainer, tasks.Task, dict[str, Any]]:
    """A new run folder, and the trainer of a new network."""
    if args.task is None:
        args.refuse(f"say what to learn ({', '.join(tasks.TASKS)}), or --resume RUN")
    model = args.model or "mlp"
    if model not in models.RECIPES[args.task]:
        args.refuse(f"{args.task} has no {model}, only {', '.join(models.RECIPES[args.task])}")
    task = load(args.task, args.data, args.limit)
    settings = {name: getattr(args, name) for name in SETTINGS}
    recipe = models.RECIPES[task.name][model]
    settings.update(task=task.name, model=model, data=args.data and str(Path(args.data).resolve()))
    if args.optimizer not in (None, recipe.optimizer):  # then the recipe's learning rate is not for it
        recipe = recipe._replace(lr=models.OPTIMIZERS[args.optimizer][1], momentum=0.0)
    for name, default in {**recipe._asdict(), "seed": 0, "workers": 0}.items():
        if settings.get(name, default) is None:
            settings[name] = default
    try:
        trainer = make_trainer(task, settings)
    except ValueError as problem:
        args.refuse(str(problem))
    trainer.run = RunFolder.create(
        args.out or "runs", f"{task.name}-{model}", {**settings, "data_crc32": task.fingerprint()},
        command=command(settings),
    )  # fmt: skip
    return trainer, task, settings


def resume(args: argparse.Namespace) -> tuple[Trainer, tasks.Task, dict[str, Any]]:
    """The trainer of an existing run, as its checkpoint left it."""
    folder = RunFolder.open(args.resume)
    settings = folder.settings
    if args.out is not None:
        args.refuse("--out: a resumed run stays in its folder")
    for name in set(SETTINGS) - MAY_CHANGE:
        given = getattr(args, name)
        if given not in (None, settings[name]):
            option = f"--{name.replace('_', '-')} " if name != "task" else ""
            args.refuse(
                f"{option}{given}: {folder.path} was begun with {settings[name]}, and a resumed run keeps its "
                "settings; only --epochs, --workers and --data may change"
            )
    changed = {name: getattr(args, name) for name in ("workers", "data") if getattr(args, name) is not None}
    settings = {name: settings[name] for name in SETTINGS} | changed  # of epochs, those the schedule was made for
    if not (folder.path / CHECKPOINT).is_file():
        raise ValueError(f"{folder.path} has no {CHECKPOINT}: it ended before its first; begin it again")
    task = load(settings["task"], settings["data"], settings["limit"])
    if (task.name, task.fingerprint()) != (settings["task"], folder.settings["data_crc32"]):
        raise ValueError(f"the data is not what {folder.path} was begun with; found {task.source}. Say --data DIR")
    trainer = make_trainer(task, settings)
    trainer.run = folder
    trainer.load()
    planned = folder.settings["epochs"]
    if settings["schedule"] != "constant" and (args.epochs or planned) > planned:
        args.refuse(
            f"--epochs {args.epochs}: the {settings['schedule']} schedule of {folder.path} ends with epoch {planned}; "
            "for a longer one begin a new run"
        )
    return trainer, task, settings


def load(name: str, root: str | None, limit: int | None) -> tasks.Task:
    with Progress() as bar:
        task = tasks.load(
            name, root, limit=limit,
            progress=lambda file, done, total: bar.show(f"downloading {file}", done / total),
        )  # fmt: skip
    if task.remark:
        print(task.remark)
    print(f"data     {task.source}")
    return task


def make_trainer(task: tasks.Task, settings: dict[str, Any]) -> Trainer:
    gg.manual_seed(settings["seed"])
    model = models.RECIPES[task.name][settings["model"]].build(task.sample_shape, len(task.classes))
    optimizer = models.make_optimizer(settings["optimizer"], model, settings["lr"], settings["momentum"])
    loader = task.loader(settings["batch_size"], settings["seed"], settings["workers"])
    count = sum(p.numel() for p in model.parameters())
    print(f"model    {settings['model']}, {count:,} parameters")
    print("learns   {optimizer}, lr {lr:g} {schedule}, batches of {batch_size}, seed {seed}".format(**settings))
    schedule = models.SCHEDULES[settings["schedule"]](optimizer, settings["epochs"] * len(loader))
    return Trainer(model, optimizer, loader, task.test_loader(), scheduler=schedule)


def fit(trainer: Trainer, task: tasks.Task, settings: dict[str, Any], epochs: int) -> int:
    """Train, write the report, and say where everything is."""
    folder, steps = trainer.run.path, len(trainer.train)  # type: ignore[union-attr]
    again = f"glassgrad train --resume {shlex.quote(str(folder))}"
    if epochs != trainer.run.settings["epochs"]:  # type: ignore[union-attr]
        again += f" --epochs {epochs}"
    with Progress() as bar:
        trainer.on_step = lambda at: bar.show(f"epoch {at.epoch + 1}/{epochs}", at.step / steps)
        trainer.on_epoch = lambda record: bar.print(epoch_line(record, epochs))
        try:
            done = trainer.fit(epochs)
        except (OSError, FloatingPointError) as problem:
            kept = (folder / CHECKPOINT).is_file()
            return complain(f"{problem}\nwhat was saved is whole: {again}" if kept else problem)
    at = trainer.at
    where = f"interrupted in epoch {at.epoch + 1} after batch {at.step:,} of {steps:,}" if at.step else ""
    summary = collect.report(
        trainer, task, title=f"{settings['task']} {settings['model']}", command=command(settings), notes=(where,),
        settings={name: value for name, value in settings.items() if value is not None},
        environment=trainer.run.run["environment"],  # type: ignore[union-attr]
    )  # fmt: skip
    page = write_report(folder / "report.html", summary)
    collect.health(trainer).save(folder / HEALTH)
    if where:
        print(f"{where}; all of it is saved")
    if at.history:
        print(f"accuracy {at.history[-1]['test_accuracy']:.2%} on the test data after {at.epoch} epochs")
    print(f"report   {page}")
    if not done:
        print(f"resume   {again}")
    elif settings["schedule"] == "constant":
        print(f"go on    {again.partition(' --epochs')[0]} --epochs {2 * epochs}")
    return 0 if done else 130


def epoch_line(record: dict[str, Any], epochs: int) -> str:
    return (
        f"epoch {record['epoch']:>{len(str(epochs))}}/{epochs}   loss {record['train_loss']:.4f}   "
        f"train {record['train_accuracy']:7.2%}   test {record['test_accuracy']:7.2%}   {record['seconds']:.1f} s"
    )


def command(settings: dict[str, Any]) -> str:
    """The line that begins the same run again."""
    options = [
        f"--{name.replace('_', '-')}={settings[name]}"
        for name in SETTINGS
        if name != "task" and settings[name] is not None and (name, settings[name]) not in {("momentum", 0.0)}
    ]
    return shlex.join(["glassgrad", "train", settings["task"], *options])


def complain(problem: object) -> int:
    print(f"glassgrad train: error: {problem}", file=sys.stderr)
    return 1
