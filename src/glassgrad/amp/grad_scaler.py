"""The scaler of losses and gradients, for gradients too small for float16."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.provenance import warn
from ..core.tensor import Tensor, tensor

READY, UNSCALED, STEPPED = "ready", "unscaled", "stepped"  # what has happened to an optimizer since update()


class GradScaler:
    """Multiplies the loss, divides the gradients, and leaves out steps whose gradients are not finite.

        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    The scale grows by growth_factor after growth_interval updates in a row with finite gradients, and is multiplied by
    backoff_factor after one without. device: 'cuda', on which the scaler warns and is disabled as in PyTorch without
    CUDA, or 'cpu'. Disabled, scale() gives back what it was given and step() is the optimizer's.
    Source: Micikevicius et al. 2018, arXiv:1710.03740, section 3.2.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if enabled and device == "cuda":
            warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.")
            enabled = False
        self._enabled = enabled
        if not enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Tensor | None = None  # made at the first scale(), as PyTorch's; 0-d, float32
        self._growth_factor, self._backoff_factor, self._growth_interval = (
            growth_factor,
            backoff_factor,
            growth_interval,
        )
        self._growth_tracker = 0
        self._stages: dict[int, str] = {}  # by the optimizer's id
        self._found: dict[int, bool] = {}  # whether its gradients were not finite

    # --- the three calls ---

    def scale(self, outputs: Any) -> Any:
        """A tensor, or tensors in lists and tuples, times the scale. ValueError for anything else."""
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = tensor(np.float32(self._init_scale))
        return self._scaled(outputs)

    def _scaled(self, outputs: Any) -> Any:
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, Iterable):
            made = map(self._scaled, outputs)
            return type(outputs)(made) if isinstance(outputs, (list, tuple)) else made  # type: ignore[call-arg]
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients by the scale now, to clip them for example; step() then leaves that out.

        Raises RuntimeError if it was called already since update(), or after step(), ValueError for float16 gradients.
        """
        if not self._enabled:
            return
        self._scale_in("unscale_")
        stage = self._stages.get(id(optimizer), READY)
        if stage == UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if stage == STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = np.float32(1.0 / self.get_scale())
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if any(g.dtype.name == "float16" for g in grads):
            raise ValueError("Attempting to unscale FP16 gradients.")
        if grads:
            self._found[id(optimizer)] = not all(bool(np.isfinite(g.array).all()) for g in grads)
        for g in grads:
            g.detach().mul_(float(inverse))
        self._stages[id(optimizer)] = UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """optimizer.step(*args, **kwargs) on the unscaled gradients, or nothing if one of them is not finite.

        Raises RuntimeError for a closure, and for a second call without update() in between.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._scale_in("step")
        if self._stages.get(id(optimizer)) == STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if self._stages.get(id(optimizer), READY) == READY:
            self.unscale_(optimizer)
        if id(optimizer) not in self._found:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        made = None if self._found[id(optimizer)] else optimizer.step(*args, **kwargs)
        self._stages[id(optimizer)] = STEPPED
        return made

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """The scale for the next iteration; with new_scale, that one."""
        if not self._enabled:
            return
        scale = self._scale_in("update")
        if new_scale is not None:
            if isinstance(new_scale, Tensor) and (new_scale.numel() != 1 or new_scale.requires_grad):
                raise AssertionError(
                    "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor "
                    "with requires_grad=False."
                )
            scale.fill_(float(new_scale))
        elif not self._found:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(self._found.values()):
            scale.mul_(self._backoff_factor)
            self._growth_tracker = 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                grown = np.float32(scale.item()) * np.float32(self._growth_factor)
                if np.isfinite(grown):
                    scale.fill_(float(grown))
                self._growth_tracker = 0
        self._stages, self._found = {}, {}

    def _scale_in(self, name: str) -> Tensor:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )
        return self._scale

    # --- what it is ---

    def is_enabled(self) -> bool:
        return self._enabled

    def get_scale(self) -> float:
        """The scale; 1.0 where disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else float(self._scale.item())

    def get_growth_factor(self) -> float:
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """Five numbers; {} where disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from state_dict(). RuntimeError if it is empty: it came from a disabled scaler."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]
