"""GG2: numbers of another kind, arguments of another kind, devices, values out of range."""

# ruff: noqa: E501  (sentences are whole, as PyTorch writes them)

from __future__ import annotations

from .row import Row

ROWS = {
    "GG201": Row(
        "two kinds of numbers in a product",
        """
        expected m1 and m2 to have the same dtype, but got: {} != {}
        mat1 and mat2 must have the same dtype, but got {} and {}
        dot : expected both vectors to have same dtype, but found {} and {}
        expected scalar type {} but found {}
        Input type ({}) and bias type ({}) should be the same
        Input type ({}) and weight type ({}) should be the same
        self and mat2 must have the same dtype, but got {} and {}
        RNN input dtype ({}) does not match weight dtype ({}). Convert input: {}
        """,
        "Sums and products element by element convert; matrix products and convolutions do not. NumPy's arrays of "
        "floats are float64, layers are float32.",
        "x.float() before the layer, torch.from_numpy(a).float(), or model.double()",
        "nn.Linear(3, 2)(torch.from_numpy(numpy.ones((4, 3))))",
    ),
    "GG202": Row(
        "an embedding of no integers",
        "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got {} "
        "instead (while checking arguments for embedding)",
        "An embedding looks rows up by their numbers.",
        "tokens.long(); a float there is often a mistake in the data's pipeline",
        "nn.Embedding(10, 4)(torch.randn(3))",
    ),
    "GG203": Row(
        "does not fit the kind that is there",
        "result type {} can't be cast to the desired output type {}",
        "An in-place operation keeps its tensor's dtype: what is written there may not be of a richer kind.",
        "x = x + 1.5 rather than x += 1.5, or make x a float tensor first",
        "torch.ones(3, dtype=torch.long).add_(1.5)",
    ),
    "GG204": Row(
        "whole numbers where fractions come out",
        """
        mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {}
        "{}" not implemented for {}
        """,
        "Means, exponentials and normalisations of integers are no integers.",
        "x.float() first, or dtype=torch.float32",
        "torch.arange(4).mean()",
    ),
    "GG205": Row(
        "integers have no gradient",
        """
        Only Tensors of floating point and complex dtype can require gradients
        only Tensors of floating point dtype can require gradients
        """,
        "A gradient is a limit of small changes, which integers have not.",
        "make it of floats: torch.tensor([1.0, 2.0], requires_grad=True)",
        "torch.tensor([1, 2], requires_grad=True)",
    ),
    "GG206": Row(
        "an index that is no integer",
        """
        tensors used as indices must be long, int, byte or bool tensors
        {}(): Expected dtype int32/int64 for index
        {}(): Expected dtype int64 for index
        only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})
        """,
        "An index counts elements; a tensor of True and False is a mask.",
        "index.long(); // rather than / where it is computed",
        "torch.randn(3)[torch.tensor([0.0, 1.0])]",
    ),
    "GG207": Row(
        "an array of what is differentiated",
        "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
        "NumPy's results would have no gradient, and nobody would be told.",
        "x.detach().numpy(), or compute under torch.no_grad()",
        "torch.randn(3, requires_grad=True).numpy()",
    ),
    "GG208": Row(
        "one number of many",
        """
        a Tensor with {} elements cannot be converted to Scalar
        only one element tensors can be converted to Python scalars
        only integer tensors of a single element can be converted to an index
        """,
        ".item(), float() and int() are for tensors of one element.",
        ".tolist() for all of them; .mean() or .sum() for one of them",
        "torch.randn(3).item()",
    ),
    "GG209": Row(
        "truth of many numbers",
        """
        Boolean value of Tensor with more than one value is ambiguous
        Boolean value of Tensor with no values is ambiguous
        """,
        "`if`, `and`, `or` and `not` ask for one answer, and a comparison gives one for each element.",
        "(x > 0).all() or .any(); & | ~ for element by element; torch.where for a choice",
        "if torch.randn(3) > 0:\n    pass",
    ),
    "GG210": Row(
        "no tensor can be made of it",
        """
        expected sequence of length {} at dim {} (got {})
        too many dimensions '{}'
        new(): invalid data type '{}'
        Could not infer dtype of {}
        can't convert np.ndarray of type {}. The only supported types are: {}
        """,
        "Tensors hold numbers, and lists within lists have equal lengths.",
        "pad to one length; turn words into numbers; array.astype(float) for arrays of objects",
        "torch.tensor([[1, 2], [3]])",
    ),
    "GG211": Row(
        "no tensor where one belongs",
        """
        {}argument '{}' (position {}) must be Tensor, not {}
        {}argument '{}' must be Tensor, not {}
        {}argument '{}' must be tuple of Tensors, not {}
        {}argument '{}' (position {}) must be tuple of Tensors, not {}
        expected Tensor as element {} in argument {}, but got {}
        expected np.ndarray (got {})
        """,
        "Functions compute with tensors; lists, arrays and, at most places, numbers are converted by the program.",
        "torch.tensor(...), or torch.from_numpy(...) for an array",
        "torch.matmul(torch.randn(2, 2), 3.0)",
    ),
    "GG212": Row(
        "arithmetic of True and False",
        """
        Subtraction, the `-` operator, with two bool tensors is not supported. {}
        Subtraction, the `-` operator, with a bool tensor is not supported. {}
        Negation, the `-` operator, on a bool tensor is not supported. {}
        """,
        "What it would mean is left to the program.",
        "~x for not, x ^ y for differs, x.int() to count",
        "-torch.ones(2).bool()",
    ),
    "GG213": Row(
        "a device that is not here",
        """
        Torch not compiled with CUDA enabled
        Expected one of {} device type at start of device string: {}
        Expected all tensors to be on the same device, but found at least two devices, {}
        Expected all tensors to be on the same device, but got {}
        """,
        "Tensors and layers live on one device, and this machine has not the one that is asked for.",
        'device = "cuda" if torch.cuda.is_available() else "cpu"; .to(device) for the model and each batch',
        "torch.randn(3).to('gpu')",
    ),
    "GG214": Row(
        "a chance that is none",
        """
        probability tensor contains either `inf`, `nan` or element < 0
        invalid multinomial distribution (sum of probabilities <= 0)
        cannot sample n_sample > prob_dist.size(-1) samples without replacement
        cannot sample n_sample <= 0 samples
        normal expects std >= 0.0, but found std {}
        uniform_ expects to return a [from, to) range, but found from={} > to={}
        random_ expects 'from' to be less than 'to', but got from={} >= to={}
        Expected parameter {} ({} of shape {}) of distribution {} to satisfy the constraint {}, but found invalid values:{}
        Expected value argument ({} of shape {}) to be within the support ({}) of the distribution {}, but found invalid values:{}
        dropout probability has to be between 0 and 1, but got {}
        """,
        "Probabilities lie between 0 and 1, deviations are positive, ranges are not empty.",
        "softmax for probabilities, exp or softplus for deviations; NaN there comes from a step before",
        "torch.multinomial(torch.tensor([-1.0, 2.0]), 1)",
    ),
    "GG215": Row(
        "classes of one_hot",
        """
        Class values must be smaller than num_classes.
        Class values must be non-negative.
        one_hot is only applicable to index tensor of type LongTensor.
        one_hot is only applicable to index tensor.
        """,
        "Classes are integers from 0 to num_classes - 1.",
        "labels.long(), and num_classes = labels.max() + 1 at least",
        "F.one_hot(torch.tensor([3]), 2)",
    ),
    "GG216": Row(
        "a name that is not there",
        """
        '{}' object has no attribute '{}'
        type object '{}' has no attribute '{}'
        module '{}' has no attribute '{}'
        {} got an unexpected keyword argument '{}'
        """,
        "Nothing has that name: a misspelling, or something of PyTorch's that glassgrad does not have yet.",
        "compare the spelling; `glassgrad run --check program.py` lists what is missing",
        "nn.Linear(2, 3).wieght",
    ),
}
