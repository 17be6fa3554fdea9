"""Event files for TensorBoard, written by tensorboardX, under torch.utils.tensorboard's names."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .core.tensor import Tensor

__all__ = ["SummaryWriter"]


def plain(value: Any) -> Any:
    """Tensors as arrays, in lists and dictionaries too: what tensorboardX takes."""
    if isinstance(value, Tensor):
        array = value.numpy(force=True)
        return array.astype(np.float32) if value.dtype.name == "bfloat16" else array
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    return value


def _forwarded(name: str, text: str) -> Callable[..., None]:
    def call(self: SummaryWriter, *args: Any, **kwargs: Any) -> None:
        getattr(self._writer, name)(*plain(args), **plain(kwargs))

    call.__name__, call.__qualname__, call.__doc__ = name, f"SummaryWriter.{name}", text
    return call


def _missing(name: str) -> Callable[..., None]:
    def call(self: SummaryWriter, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"SummaryWriter.{name} is not in glassgrad yet")

    call.__name__, call.__qualname__ = name, f"SummaryWriter.{name}"
    return call


class SummaryWriter:
    """Writes to log_dir, by default runs/DATE_HOST followed by `comment`.

    purge_step: after a crash, what was written from this step on is hidden. max_queue, flush_secs: how many entries
    wait, and how long. Numbers, arrays and tensors are taken alike; global_step and walltime go with each entry.
    Raises ImportError where tensorboardX is not installed.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        try:
            from tensorboardX import SummaryWriter as Writer
        except ImportError as problem:
            raise ImportError("SummaryWriter needs tensorboardX: pip install 'glassgrad[tensorboard]'") from problem
        where = None if log_dir is None else os.fspath(log_dir)
        self._writer = Writer(where, comment, purge_step, max_queue, flush_secs, filename_suffix)
        self._beside: dict[str, Any] = {}  # the writers of add_scalars, by their folder
        self.log_dir = self._writer.logdir
        self.purge_step, self.max_queue, self.flush_secs = purge_step, max_queue, flush_secs
        self.filename_suffix = filename_suffix

    def get_logdir(self) -> str:
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number. NotImplementedError for new_style, in which alone double_precision has a meaning."""
        if new_style or double_precision:
            raise NotImplementedError("add_scalar: new_style and double_precision are not in glassgrad yet")
        self._writer.add_scalar(tag, plain(scalar_value), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """One number for each curve of a picture: each has a run of its own, log_dir/main_tag_curve."""
        for tag, value in tag_scalar_dict.items():
            where = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            if where not in self._beside:
                options = self.purge_step, self.max_queue, self.flush_secs, self.filename_suffix
                self._beside[where] = type(self._writer)(where, "", *options)
            self._beside[where].add_scalar(main_tag, plain(value), global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Hyperparameters and what came of them, in a run of its own below log_dir."""
        if hparam_domain_discrete is not None:
            raise NotImplementedError("add_hparams: hparam_domain_discrete is not in glassgrad yet")
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        self._writer.add_hparams(plain(hparam_dict), plain(metric_dict), run_name, global_step)

    add_histogram = _forwarded("add_histogram", '(tag, values, global_step, bins="tensorflow", walltime, max_bins).')
    add_histogram_raw = _forwarded("add_histogram_raw", "(tag, min, max, num, sum, sum_squares, limits, counts).")
    add_image = _forwarded("add_image", '(tag, image, global_step, walltime, dataformats="CHW"): one image.')
    add_images = _forwarded("add_images", '(tag, images, global_step, walltime, dataformats="NCHW"): side by side.')
    add_figure = _forwarded("add_figure", "(tag, figure, global_step, close=True): figures of matplotlib.")
    add_text = _forwarded("add_text", "(tag, text_string): text in Markdown.")
    add_pr_curve = _forwarded("add_pr_curve", "(tag, labels, predictions): precision over recall.")
    add_audio = _forwarded("add_audio", "(tag, sound, global_step, sample_rate=44100): numbers from -1 to 1.")

    add_graph = _missing("add_graph")
    add_onnx_graph = _missing("add_onnx_graph")
    add_embedding = _missing("add_embedding")
    add_tensor = _missing("add_tensor")
    add_video = _missing("add_video")
    add_mesh = _missing("add_mesh")
    add_custom_scalars = _missing("add_custom_scalars")

    def flush(self) -> None:
        """Everything so far on disk."""
        for writer in (self._writer, *self._beside.values()):
            writer.flush()

    def close(self) -> None:
        for writer in (self._writer, *self._beside.values()):
            writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
