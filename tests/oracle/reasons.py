"""Why some entries of PyTorch's databases differ here on purpose, or in part: one sentence each, for docs/parity.md."""

from __future__ import annotations

TRIANGLE = "The triangle that the function does not read gets no gradient and no tangent here; PyTorch gives it one."
CANCELS = "float32 rounding: the exact gradient of a normalised element or two is nearly 0."
SOFTMAX = "float32 rounding: what the softmax's gradient leaves of terms that cancel."
TIES = "Which of several equal integers comes first is left open by PyTorch."
COMPLEX = "What becomes complex here has no gradient: asking for it raises."
DIMS = "The error inputs have 65 dimensions, more than NumPy's arrays can."
TWO_ZEROS = "Differentiating twice where two factors are 0 raises when the first derivative is recorded."
OUT = "Writing into out= is a copy here, so it may overlap its inputs in a case that PyTorch refuses."
BESSEL = "PyTorch's float64 is off by up to 1e-6; ours agrees with SciPy to 1e-12."
TRIGAMMA = "PyTorch's trigamma is good to 5e-10; ours agrees with SciPy to 7e-16."

REASONS: dict[str, str] = {
    "addr": "Booleans are added as integers here.",
    "amax": DIMS,
    "amin": DIMS,
    "aminmax": DIMS,
    "argsort": TIES,
    "as_strided.partial_views": "as_strided reaches the elements of its input; PyTorch's, all the memory around them.",
    "as_strided_scatter": "PyTorch gives the elements that were replaced the gradient of those that were not.",
    "cat": OUT,
    "cholesky_inverse": TRIANGLE,
    "cholesky_solve": TRIANGLE,
    "clamp_max": "torch.clamp_max(tensor, 2) is valid: PyTorch doesn't raise for this error input either.",
    "clamp_min": "torch.clamp_min(tensor, 2) is valid: PyTorch doesn't raise for this error input either.",
    "copysign": "PyTorch's second derivative is rounding noise, NaN at 0; it is 0 here.",
    "cov": "float32 weights of two observations: what is left after cancellation is rounding.",
    "gather": OUT,
    "gradient": "There is no meta device: that error input stays on the CPU.",
    "histogramdd": "Edges that don't rise are refused.",
    "index_reduce.prod": TWO_ZEROS,
    "kthvalue": TIES,
    "linalg.cholesky": "Of a tangent that isn't symmetric we read the triangle that the function reads.",
    "linalg.cholesky_ex": "Of a tangent that isn't symmetric we read the triangle that the function reads.",
    "linalg.eig": COMPLEX,
    "linalg.eigh": "Of a tangent that isn't symmetric we read the triangle that the function reads.",
    "linalg.eigvals": COMPLEX,
    "linalg.eigvalsh": "Of a tangent that isn't symmetric we read the triangle that the function reads.",
    "linalg.norm": "The second derivative of a norm at 0 doesn't exist: NaN here, 0 in PyTorch.",
    "linalg.norm.subgradients_at_zero": "The second derivative of a norm at 0 doesn't exist: NaN here, 0 in PyTorch.",
    "linalg.householder_product": "Where there is nothing to multiply the result has no graph.",
    "linalg.pinv.hermitian": TRIANGLE,
    "linalg.svd": "Forward mode with full_matrices=True of a matrix that isn't square raises.",
    "logcumsumexp": "PyTorch's forward mode adds 1e-13 to a divisor; in float32 both gradients are good to 6e-4 only.",
    "mode": TIES,
    "mvlgamma.mvlgamma_p_1": TRIGAMMA,
    "mvlgamma.mvlgamma_p_3": TRIGAMMA,
    "mvlgamma.mvlgamma_p_5": TRIGAMMA,
    "narrow_copy": "A dim out of range is an IndexError, as in narrow().",
    "nn.functional.batch_norm": CANCELS,
    "nn.functional.binary_cross_entropy": "PyTorch adds 1e-12 to the divisors of its second derivative: 3e-10 off.",
    "nn.functional.ctc_loss": "The gradient of the function itself; PyTorch's is right after a log_softmax only.",
    "nn.functional.group_norm": CANCELS,
    "nn.functional.hardsigmoid": "PyTorch's float64 gradient is 1/6 rounded to float32.",
    "nn.functional.layer_norm": CANCELS,
    "nn.functional.linear_cross_entropy.chunked": "PyTorch's chunked path has no second derivative; ours has.",
    "nn.functional.normalize": CANCELS,
    "native_batch_norm": CANCELS,
    "_native_batch_norm_legit": CANCELS,
    "_batch_norm_with_update": CANCELS,
    "native_group_norm": CANCELS,
    "native_layer_norm": CANCELS,
    "prod": "prod(dtype=torch.bool) of booleans gives int64 here.",
    "scatter_reduce.prod": TWO_ZEROS,
    "sort": TIES,
    "sparse.mm.reduce": "Of the sparse layouts only coordinates (COO) are here.",
    "special.airy_ai": BESSEL,
    "special.bessel_j0": BESSEL,
    "special.bessel_j1": BESSEL,
    "special.bessel_y0": BESSEL,
    "special.bessel_y1": BESSEL,
    "svd": "Forward mode with full matrices of a matrix that isn't square raises.",
    "topk": TIES,
    "triangular_solve": "Of a tangent we read the triangle that the function reads.",
    # modules
    "nn.CTCLoss": "The gradient of the function itself; PyTorch's is right after a log_softmax only.",
    "nn.MultiheadAttention": SOFTMAX,
    "nn.TransformerDecoderLayer": SOFTMAX,
    # optimizers
    "optim.Muon": "Its products are bfloat16: here and there the order of a float32 sum decides which way one rounds.",
    "optim.SparseAdam": "Steps with sparse gradients are compared elsewhere; a dense one is refused, as by PyTorch.",
}
