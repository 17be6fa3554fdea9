"""torch.backends.cuda: settings of kernels that are not here."""

from __future__ import annotations

from typing import Any

from ..core.settings import get_float32_matmul_precision, set_float32_matmul_precision


class Products:
    """How exact products of matrices may be on a GPU. allow_tf32 is get_float32_matmul_precision() by another name."""

    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False
    fp32_precision = "none"

    @property
    def allow_tf32(self) -> bool:
        return get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        set_float32_matmul_precision("high" if allowed else "highest")


matmul = Products()
_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """False."""
    return False


def _switch(kind: str) -> tuple[Any, Any]:
    def enable(enabled: bool) -> None:
        _attention[kind] = bool(enabled)

    def is_enabled() -> bool:
        return _attention[kind]

    enable.__name__, is_enabled.__name__ = f"enable_{kind}_sdp", f"{kind}_sdp_enabled"
    return enable, is_enabled


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")
