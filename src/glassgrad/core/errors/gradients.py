"""GG3: the way back."""

# ruff: noqa: E501  (sentences are whole, as PyTorch writes them)

from __future__ import annotations

from .row import Row

ROWS = {
    "GG301": Row(
        "backward from many numbers",
        """
        grad can be implicitly created only for scalar outputs
        grad can be implicitly created only for real scalar outputs but got {}
        """,
        "A gradient is of one number. Of many, it has to be said how much each counts.",
        "loss.mean().backward() or .sum(); or y.backward(gradient=...), of y's shape",
        "(torch.randn(3, requires_grad=True) * 2).backward()",
    ),
    "GG302": Row(
        "backward where nothing was recorded",
        "element {} of tensors does not require grad and does not have a grad_fn",
        "No parameter that wants a gradient leads here: computed under no_grad, cut by detach(), .data or .item(), of "
        "integers (argmax), or no parameter was used.",
        "requires_grad=True on a parameter; look for no_grad, detach, .data, .item() and argmax on the way",
        "torch.randn(3).sum().backward()",
    ),
    "GG303": Row(
        "backward twice",
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
        "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
        "saved tensors after calling backward.",
        "The first backward frees what the formulas need. Often a state from the step before, or something computed "
        "once before the loop, is still part of the graph.",
        "compute it again in each step, or cut the old part off: h = h.detach(); else retain_graph=True the first time",
        """
        w = torch.randn(3, requires_grad=True)
        loss = (w ** 2).sum()
        loss.backward()
        loss.backward()
        """,
    ),
    "GG304": Row(
        "a parameter changed in place",
        """
        a leaf Variable that requires grad is being used in an in-place operation.
        a view of a leaf Variable that requires grad is being used in an in-place operation.
        """,
        "The parameter would become a result of itself, and no longer be what the optimizer has.",
        "with torch.no_grad(): around the change, or w = w + 1 for a new tensor",
        "w = torch.randn(3, requires_grad=True)\nw += 1",
    ),
    "GG305": Row(
        "a saved value changed in place",
        "one of the variables needed for gradient computation has been modified by an inplace operation: {}",
        "The formula of an operation needs this value as it was, and the program has written over it since.",
        "write y = y + 1 rather than y += 1, or clone() first; step() comes after the last backward()",
        """
        x = torch.randn(3, requires_grad=True)
        y = x.exp()
        y += 1
        y.sum().backward()
        """,
    ),
    "GG306": Row(
        "not part of the graph",
        """
        One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.
        The differentiated Tensor at index {} appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.
        One of the differentiated Tensors does not require grad
        """,
        "The result does not depend on this input, or not on this tensor but on a copy or a slice of it.",
        "allow_unused=True gives None; differentiate by the tensor that was used",
        "a, b = torch.randn(2, requires_grad=True)\ntorch.autograd.grad(a * 2, torch.randn(1, requires_grad=True))",
    ),
    "GG307": Row(
        "for leaves, or for what is recorded",
        """
        Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.{}
        you can only change requires_grad flags of leaf variables.{}
        can't retain_grad on Tensor that has requires_grad=False
        cannot register a hook on a tensor that doesn't require gradient
        """,
        "A result's gradient comes from its graph: it can be copied, or switched off, only apart from it.",
        "y.detach() is the same numbers without a graph; requires_grad_() makes a leaf want a gradient",
        "y = torch.randn(2, requires_grad=True) * 2\ny.requires_grad = False",
    ),
    "GG308": Row(
        "a gradient of another shape",
        """
        Mismatch in shape: grad_output[{}] has a shape of {} and output[{}] has a shape of {}.
        gradients can be either Tensors or None, but got {}
        """,
        "backward(gradient) takes how much each element of the result counts: a tensor of its shape.",
        "torch.ones_like(y), or a loss of one number",
        "y = torch.randn(2, requires_grad=True) * 2\ny.backward(torch.ones(3))",
    ),
    "GG309": Row(
        "what .grad may be",
        """
        attempting to assign a gradient of size '{}' to a tensor of size '{}'. Please ensure that the gradient and the tensor are the same size
        attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. {}
        assigned grad expected to be a Tensor or None but got grad of type {}
        assigned grad has data of a different {}
        """,
        ".grad is None or a tensor like its own: same shape, dtype and device.",
        "w.grad = None to forget it; torch.zeros_like(w) for zeros",
        "w = torch.randn(2, requires_grad=True)\nw.grad = torch.zeros(3)",
    ),
    "GG310": Row(
        "what a Function's backward gives",
        """
        function {} returned an incorrect number of gradients (expected {}, got {})
        function {} returned a gradient different than None at position {}, but the corresponding forward input was not a Variable
        Function {} returned an invalid gradient at index {} - got {} but expected shape compatible with {}
        """,
        "backward returns one gradient for each argument of forward, of its shape, and None where there is none.",
        "count forward's arguments without ctx, and return as many",
        """
        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g, g

        Twice.apply(torch.randn(2, requires_grad=True)).sum().backward()
        """,
    ),
    "GG311": Row(
        "a view that may not be changed",
        """
        Output {} of {} is a view and {}. This view is the output of a function that returns multiple views. {}
        {}a view was created in no_grad mode and is being modified inplace with grad mode enabled.{}
        {}a view created inside inference mode{}
        """,
        "What unbind, split and chunk give are several views at once, and the graph cannot follow a change in one.",
        "an out-of-place operation, or clone() first",
        "w = torch.randn(2, 2, requires_grad=True) * 1\na, b = w.unbind()\na += 1",
    ),
    "GG313": Row(
        "the first NaN",
        """
        Function '{}' returned nan values in its {}th output.
        '{}' made {} out of finite operands
        """,
        "detect_anomaly() has found the operation that made it: an infinite slope times zero, 0 / 0, log of 0.",
        "keep the operand away from the edge: sqrt(x + 1e-8), log(x.clamp_min(1e-8)), or log_softmax",
        """
        w = torch.tensor([0.0], requires_grad=True)
        with torch.autograd.detect_anomaly():
            (w.sqrt() * 0).backward()
        """,
    ),
    "GG314": Row(
        "out= and gradients",
        "{}functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
        "What is written into a given tensor is not recorded.",
        "y = torch.add(a, b), or out= under torch.no_grad()",
        "w = torch.randn(3, requires_grad=True)\ntorch.add(w, 1, out=torch.zeros(3))",
    ),
}
