"""GG1: sizes that don't fit, dims and indices that aren't there."""

# ruff: noqa: E501  (sentences are whole, as PyTorch writes them)

from __future__ import annotations

from .row import Row

ROWS = {
    "GG101": Row(
        "shapes do not broadcast",
        "The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}",
        "Two shapes are laid over each other from the last dim on; in each place the sizes are equal, or one of them is 1.",
        "print both shapes; unsqueeze() puts in a dim of size 1, transpose() or view() puts dims in order",
        "torch.randn(3, 4) + torch.randn(3, 5)",
    ),
    "GG102": Row(
        "matrices do not fit",
        "mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})",
        "The rows of the first matrix have another length than the columns of the second. Of a linear layer, the second "
        "is its weight transposed: in_features by out_features.",
        "the last size of the input is the layer's in_features; flatten(1) or .T brings it there",
        "nn.Linear(784, 10)(torch.randn(32, 28))",
    ),
    "GG103": Row(
        "vector of another length",
        """
        size mismatch, got input ({}), mat ({}x{}), vec ({})
        inconsistent tensor size, expected tensor [{}] and src [{}] to have the same number of elements, but got {}
        1D tensors expected, but got {}D and {}D tensors
        vector1 and vector2 shapes cannot be multiplied{}
        """,
        "A product with a vector needs one of the right length, and both of dot() are vectors.",
        "compare the last size of the matrix with the vector's length; .T turns a matrix round",
        "torch.randn(3, 4) @ torch.randn(3)",
    ),
    "GG104": Row(
        "batches of matrices do not fit",
        """
        Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].
        batch1 must be a 3D tensor
        batch2 must be a 3D tensor
        self must be a matrix
        mat2 must be a matrix
        vec must be a vector
        input must be a matrix
        """,
        "bmm() multiplies as many matrices as there are in both; mm() exactly two.",
        "compare the shapes from the left: (batch, n, m) @ (batch, m, p); torch.matmul broadcasts the batch",
        "torch.bmm(torch.randn(2, 3, 4), torch.randn(2, 5, 6))",
    ),
    "GG105": Row(
        "channels of a convolution",
        """
        Given groups={}, weight of size {}, expected input{} to have {} channels, but got {} channels instead
        Given transposed={}, weight of size {}, expected input{} to have {} channels, but got {} channels instead
        """,
        "An input of a convolution is (batch, channels, height, width), and this one has other channels than the layer.",
        "give the layer as many in_channels; images with the channels last want permute(0, 3, 1, 2)",
        "nn.Conv2d(3, 8, 3)(torch.randn(2, 1, 28, 28))",
    ),
    "GG106": Row(
        "dims of an image",
        """
        Expected {}D (unbatched) or {}D (batched) input to {}, but got input of size: {}
        {}: Expected {}D (unbatched) or {}D (batched) input to {}, but got input of size: {}
        non-empty {}D or {}D (batch mode) tensor expected for input
        {}: Expected {}D or {}D (batch mode) tensor with optional 0 dim batch size for input, but got: {}
        """,
        "Layers for images take (channels, height, width), or a batch of them.",
        "unsqueeze(0) adds the channels' dim or the batch's; view(-1, 1, 28, 28) makes images of rows",
        "nn.Conv2d(1, 8, 3)(torch.randn(28, 28))",
    ),
    "GG107": Row(
        "image smaller than the kernel",
        """
        Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size
        Given input size: ({}). Calculated output size: ({}). Output size is too small
        """,
        "After the layers before, fewer pixels are left than one window covers.",
        "use fewer poolings or strides, a smaller kernel, padding, or larger images",
        "nn.Conv2d(1, 8, 5)(torch.randn(1, 1, 3, 3))",
    ),
    "GG108": Row(
        "view of another size",
        """
        shape '{}' is invalid for input of size {}
        only one dimension can be inferred
        invalid shape dimension {} at index {} of shape {}
        cannot reshape tensor of 0 elements into shape {} because the unspecified dimension size -1 can be any value and is ambiguous
        """,
        "A view has as many elements as its tensor; -1 stands for the one size that is worked out.",
        "multiply the sizes asked for: the product is the number of elements; -1 for one of them",
        "torch.randn(2, 3).view(4, 2)",
    ),
    "GG109": Row(
        "view of what does not lie in order",
        "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
        "contiguous subspaces). Use .reshape(...) instead.",
        "transpose(), permute() and slices change the order of the elements in memory, and view() cannot.",
        "reshape(), which copies where it must, or contiguous().view()",
        "torch.randn(2, 3).t().view(6)",
    ),
    "GG110": Row(
        "sizes of what is put together",
        """
        Sizes of tensors must match except in dimension {}. Expected size {} but got size {} for tensor number {} in the list.
        Tensors must have same number of dimensions: got {} and {}
        stack expects each tensor to be equal size, but got {} at entry {} and {} at entry {}
        torch.cat(): expected a non-empty list of Tensors
        stack expects a non-empty TensorList
        zero-dimensional tensor (at position {}) cannot be concatenated
        """,
        "cat() joins along one dim, all others are equal; stack() wants equal shapes. A DataLoader stacks its samples.",
        "pad or cut to one size, choose another dim, or give the DataLoader a collate_fn",
        "torch.cat([torch.randn(2, 3), torch.randn(2, 4)])",
    ),
    "GG111": Row(
        "no such dim",
        "Dimension out of range (expected to be in range of [{}, {}], but got {})",
        "dim counts from 0, or from the end with -1.",
        "dim=-1 is the last one whatever the shape; a batch of one needs unsqueeze(0)",
        "torch.randn(3).sum(dim=1)",
    ),
    "GG112": Row(
        "no such element",
        """
        index {} is out of bounds for dimension {} with size {}
        index_copy_(): index {} is out of bounds for dimension {} with size {}
        out of range: tried to access index {} on a tensor of {} elements.
        select(): index {} out of range for tensor of size {} at dimension {}
        start ({}) + length ({}) exceeds dimension size ({}).
        {} out of bounds for dimension {} with size {}
        """,
        "Indices go from 0 to the size less one, or from -1 backwards.",
        "compare the index with the size of that dim: one too far, or dims in another order",
        "torch.randn(3)[5]",
    ),
    "GG113": Row(
        "more indices than dims",
        """
        too many indices for tensor of dimension {}
        invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number
        """,
        "Each index takes one dim away.",
        "print the shape; .item() gives a tensor's only number",
        "torch.randn(3)[0, 1]",
    ),
    "GG114": Row(
        "no such row in the table",
        "index out of range in self",
        "An embedding of num_embeddings rows takes indices from 0 to num_embeddings - 1.",
        "make num_embeddings the largest index + 1; look for an unknown or padding token",
        "nn.Embedding(10, 4)(torch.tensor([3, 10]))",
    ),
    "GG115": Row(
        "mask of another shape",
        "The shape of the mask {} at index {} does not match the shape of the indexed tensor {} at index {}",
        "A mask of True and False has the shape of what it chooses from, or of its first dims.",
        "build the mask from the tensor that it is used on",
        "torch.randn(3, 4)[torch.ones(2).bool()]",
    ),
    "GG116": Row(
        "does not fit where it is to be written",
        """
        The expanded size of the tensor ({}) must match the existing size ({}) at non-singleton dimension {}.  Target sizes: {}.  Tensor sizes: {}
        expand({}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})
        output with shape {} doesn't match the broadcast shape {}
        shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}
        """,
        "What is written, or expanded, may grow only in dims of size 1.",
        "give the value the target's shape; an in-place operation never makes its tensor larger",
        "torch.zeros(3).add_(torch.randn(2, 3))",
    ),
    "GG117": Row(
        "dims named wrongly",
        """
        permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}
        permute(): duplicate dims are not allowed.
        t() expects a tensor with <= 2 dimensions, but self is {}D
        dim {} appears multiple times in the list of dims
        """,
        "permute() names every dim once; t() is for matrices.",
        "name each dim once; transpose(-2, -1) or .mT for a batch of matrices",
        "torch.randn(2, 3).permute(0, 1, 2)",
    ),
    "GG118": Row(
        "normalisation of another size",
        """
        Given normalized_shape={}, expected input with shape {}, but got input of size{}
        running_mean should contain {} elements not {}
        running_var should contain {} elements not {}
        weight should contain {} elements not {}
        num_channels ({}) must be divisible by num_groups ({})
        Expected number of channels in input to be divisible by num_groups, but got input of shape {} and num_groups={}
        """,
        "BatchNorm counts the channels, dim 1; LayerNorm the sizes at the end.",
        "BatchNorm: num_features is x.shape[1]; LayerNorm: normalized_shape is the end of x.shape",
        "nn.LayerNorm(8)(torch.randn(2, 6))",
    ),
    "GG119": Row(
        "dims of a normalisation",
        """
        expected {}D input (got {}D input)
        expected {}D or {}D input (got {}D input)
        """,
        "BatchNorm1d, 2d and 3d are for inputs of 2 or 3, of 4, and of 5 dims, the batch and the channels first.",
        "use the one for these dims",
        "nn.BatchNorm2d(3)(torch.randn(4, 3))",
    ),
    "GG120": Row(
        "a batch of one in training",
        "Expected more than 1 value per channel when training, got input size {}",
        "BatchNorm divides by the deviation within the batch, which one value has not.",
        "model.eval() before using the model, drop_last=True in the DataLoader, or another normalisation",
        "nn.BatchNorm1d(3)(torch.randn(1, 3))",
    ),
    "GG121": Row(
        "sizes of a recurrent layer",
        """
        input.size(-1) must be equal to input_size. Expected {}, got {}
        {}: Expected input to be 2D or 3D, got {}D instead
        {}: Expected input to be 1D or 2D, got {}D instead
        input has inconsistent input_size: got {} expected {}
        Expected hidden{} size {}, got {}
        For batched {}-D input, hx {}should also be {}-D but got {}
        """,
        "The last size is input_size; the state is (layers * directions, batch, hidden_size).",
        "batch_first=True if the batch comes first; make the state with x's batch size",
        "nn.LSTM(10, 20)(torch.randn(5, 3, 4))",
    ),
    "GG122": Row(
        "width and heads of attention",
        """
        embed_dim must be divisible by num_heads
        was expecting embedding dimension of {}, but got {}
        """,
        "Each head gets embed_dim / num_heads numbers of the last dim.",
        "an embed_dim that num_heads divides, equal to the input's last size",
        "nn.MultiheadAttention(10, 3)",
    ),
    "GG123": Row(
        "parts that do not add up",
        """
        split_with_sizes expects split_sizes to sum exactly to {} (input tensor's size at dimension {}), but got split_sizes={}
        chunk expects `chunks` to be greater than 0, got: {}
        split expects split_size be non-negative, but got split_size={}
        """,
        "The sizes given to split() add up to the size of the dim.",
        "one number for equal parts; sizes that add up otherwise",
        "torch.randn(5).split([2, 2])",
    ),
    "GG124": Row(
        "more than there are",
        "selected index k out of range",
        "k is larger than the dim that is searched.",
        "min(k, x.shape[dim])",
        "torch.randn(3).topk(5)",
    ),
    "GG125": Row(
        "the largest of nothing",
        """
        {}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.
        {}(): Expected reduction dim to be specified for input.numel() == 0.
        {}(): Expected reduction dim {} to have non-zero size.
        """,
        "An empty tensor has a sum and no largest element.",
        "find out why it is empty: a mask that chooses nothing, a slice past the end",
        "torch.randn(0).max()",
    ),
    "GG126": Row(
        "matrix that cannot be inverted or factored",
        """
        {}: The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular.
        {}The factorization could not be completed because the input is not positive-definite (the leading minor of order {} is not positive-definite).
        {}The solver failed because the input matrix is singular.
        """,
        "A singular matrix has no inverse; Cholesky's factor is of a symmetric positive definite one.",
        "add a little to the diagonal (A + 1e-6 * torch.eye(n)), or torch.linalg.pinv, lstsq",
        "torch.linalg.cholesky(-torch.eye(2))",
    ),
    "GG127": Row(
        "no square matrix",
        """
        {}A must be batches of square matrices, but they are {} by {} matrices
        {}The input tensor {} must have at least 2 dimensions.
        """,
        "Inverse, determinant and eigenvalues are of square matrices.",
        "look at the last two sizes",
        "torch.linalg.inv(torch.randn(2, 3))",
    ),
    "GG128": Row(
        "letters of einsum",
        """
        einsum(): {}
        """,
        "Each operand has as many letters as dims, and a letter one size.",
        "write the shapes above the letters, and compare",
        "torch.einsum('ij,jk->ik', torch.randn(2, 3), torch.randn(4, 5))",
    ),
    "GG129": Row(
        "no such size",
        """
        Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor
        {}: Dimension size must be non-negative.
        Trying to create tensor with negative dimension {}: {}
        """,
        "Sizes count elements, and repeat() names every dim.",
        "print the sizes where they are computed",
        "torch.randn(2, 3).repeat(2)",
    ),
    "GG130": Row(
        "a single number has no parts",
        """
        iteration over a 0-d tensor
        len() of a 0-d tensor
        """,
        "A tensor with no dims is one number.",
        "x.item(), or x.unsqueeze(0) for a list of one",
        "len(torch.tensor(1.0))",
    ),
}
