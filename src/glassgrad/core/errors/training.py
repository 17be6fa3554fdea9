"""GG4 to GG8: modules, losses, optimizers, data, transformations of functions."""

# ruff: noqa: E501  (sentences are whole, as PyTorch writes them)

from __future__ import annotations

from .row import Row

ROWS = {
    "GG401": Row(
        "weights of another network",
        """
        Error(s) in loading state_dict for {}:{}
        Expected state_dict to be dict-like, got {}.
        """,
        "A state dict fits a model with the same parameters, under the same names, of the same shapes.",
        "build the model as it was; strict=False leaves names out; a file with more in it has it under a key",
        "nn.Linear(2, 3).load_state_dict({'w': torch.zeros(3, 2)})",
    ),
    "GG403": Row(
        "module without its beginning",
        """
        cannot assign {} before Module.__init__() call
        cannot assign parameter before Module.__init__() call
        """,
        "A module keeps its parts in tables that Module.__init__ makes.",
        "super().__init__() as the first line of __init__",
        """
        class Net(nn.Module):
            def __init__(self):
                self.fc = nn.Linear(2, 2)

        Net()
        """,
    ),
    "GG404": Row(
        "a part of another kind",
        """
        cannot assign '{}' as parameter '{}' (torch.nn.Parameter or None expected)
        cannot assign '{}' object to parameter '{}' (torch.nn.Parameter or None required)
        cannot assign '{}' as child module '{}' (torch.nn.Module or None expected)
        cannot assign '{}' as buffer '{}' (torch.Tensor{} or None expected)
        cannot assign '{}' object to buffer '{}' (torch Tensor or None required)
        Cannot assign non-leaf Tensor to parameter '{}'. {}
        """,
        "Where a module has a parameter, a module or a buffer, it stays one.",
        "nn.Parameter(tensor); or with torch.no_grad(): fc.weight.copy_(tensor)",
        "fc = nn.Linear(2, 2)\nfc.weight = torch.zeros(2, 2)",
    ),
    "GG405": Row(
        "module without forward",
        'Module [{}] is missing the required "forward" function',
        "Calling a module calls its forward. A ModuleList only holds modules.",
        "write forward (look at its spelling and indentation); nn.Sequential for one layer after another",
        "nn.ModuleList([nn.Linear(2, 2)])(torch.randn(2))",
    ),
    "GG406": Row(
        "no module",
        "{} is not a Module subclass",
        "Containers hold modules.",
        "nn.ReLU() rather than torch.relu; an instance, with brackets, rather than a class",
        "nn.ModuleList([3])",
    ),
    "GG407": Row(
        "no such layer",
        "index {} is out of range",
        "Layers count from 0.",
        "compare with len(model)",
        "nn.Sequential(nn.Linear(2, 2))[3]",
    ),
    "GG408": Row(
        "channels and groups",
        """
        in_channels must be divisible by groups
        out_channels must be divisible by groups
        """,
        "Each group has as many channels as the others.",
        "a number of groups that divides both",
        "nn.Conv2d(3, 8, 3, groups=2)",
    ),
    "GG409": Row(
        "names in a module",
        """
        buffer name can't contain "."
        buffer name can't be empty string ""
        parameter name can't contain "."
        parameter name can't be empty string ""
        module name can't contain ".", got: {}
        module name can't be empty string ""
        attribute '{}' already exists
        {} name should be a string. Got {}
        """,
        "Names become attributes, and dots stand between modules.",
        "another name",
        "nn.Module().register_buffer('a.b', torch.zeros(1))",
    ),
    "GG501": Row(
        "as many targets as rows",
        """
        Expected input batch_size ({}) to match target batch_size ({}).
        Expected target size {}, got {}
        """,
        "A loss of classes takes scores (N, classes, ...) and a class for each row: (N, ...).",
        "print both shapes; of sequences: logits.flatten(0, 1), targets.flatten()",
        "F.cross_entropy(torch.randn(4, 3), torch.zeros(5).long())",
    ),
    "GG502": Row(
        "no such class",
        "Target {} is out of bounds.",
        "Classes go from 0 to one less than the scores.",
        "as many outputs as classes; labels that begin with 1 want labels - 1",
        "F.cross_entropy(torch.randn(4, 3), torch.tensor([0, 1, 2, 3]))",
    ),
    "GG503": Row(
        "targets of another kind",
        """
        expected target dtype to be Long or Byte, but got {}
        Expected floating point type for target with class probabilities, got {}
        0D or 1D target tensor expected, multi-target not supported
        """,
        "cross_entropy takes classes as integers, one for each row, or probabilities in the shape of the scores.",
        "target.long() for classes, target.float() for probabilities, target.squeeze(1) for a column",
        "F.cross_entropy(torch.randn(4, 3), torch.zeros(4))",
    ),
    "GG504": Row(
        "target of another shape",
        """
        Using a target size ({}) that is different to the input size ({}) is deprecated. Please ensure they have the same size.
        Target size ({}) must be the same as input size ({})
        """,
        "This loss compares element by element: (N, 1) and (N,) are not the same.",
        "logits.squeeze(1), or target.unsqueeze(1)",
        "F.binary_cross_entropy_with_logits(torch.rand(4, 1), torch.rand(4))",
    ),
    "GG505": Row(
        "no probabilities",
        "all elements of {} should be between 0 and 1",
        "binary_cross_entropy takes probabilities, as sigmoid gives them, and as targets 0, 1 or between; NaN is none.",
        "binary_cross_entropy_with_logits for scores, (y + 1) / 2 for targets of -1 and 1; the prediction comes first",
        "F.binary_cross_entropy(torch.tensor([1.5]), torch.tensor([1.0]))",
    ),
    "GG506": Row(
        "weights of classes",
        """
        weight tensor should be defined either for all {} classes or no classes but got weight tensor of shape: {}
        cross_entropy: weight tensor should be defined either for all {} classes or no classes but got weight tensor of shape: {}
        """,
        "A loss with weights has one for each class.",
        "a tensor of as many weights as classes, of the scores' dtype",
        "F.cross_entropy(torch.randn(4, 3), torch.zeros(4).long(), weight=torch.ones(2))",
    ),
    "GG507": Row(
        "targets that are no floats",
        "Found dtype {} but expected {}",
        "This loss compares numbers with numbers.",
        "target.float()",
        "F.binary_cross_entropy(torch.rand(4), torch.zeros(4).long())",
    ),
    "GG508": Row(
        "no such reduction",
        "{} is not a valid value for reduction",
        "A loss is the mean, the sum, or one number for each element.",
        "reduction='mean', 'sum' or 'none'",
        "F.mse_loss(torch.randn(2), torch.randn(2), reduction='avg')",
    ),
    "GG601": Row(
        "nothing to optimize",
        "optimizer got an empty parameter list",
        "The model has no parameters, or a generator of them was used up before.",
        "layers as attributes or in nn.ModuleList (a plain list hides them); model.parameters() anew for each use",
        "torch.optim.SGD([], lr=0.1)",
    ),
    "GG602": Row(
        "settings of an optimizer",
        """
        Invalid {}: {}
        Invalid {} value: {}
        Nesterov momentum requires a momentum and zero dampening
        """,
        "Rates and penalties are not negative, betas lie between 0 and 1.",
        "compare with the optimizer's defaults",
        "torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=-1.0)",
    ),
    "GG603": Row(
        "optimizing a result",
        "can't optimize a non-leaf Tensor",
        "An optimizer changes what it was given, and a result would be computed anew without it.",
        "w = w.detach().requires_grad_() makes a parameter of it; look for .to() or arithmetic behind requires_grad",
        "w = torch.randn(2, requires_grad=True) * 2\ntorch.optim.SGD([w], lr=0.1)",
    ),
    "GG604": Row(
        "no parameters",
        """
        params argument given to the optimizer should be an iterable of Tensors or dicts, but got {}
        optimizer can only optimize Tensors, but one of the params is {}
        """,
        "An optimizer takes tensors in a list, as model.parameters() gives them.",
        "model.parameters() rather than model or its state_dict(); [w] for a single tensor",
        "torch.optim.SGD(torch.randn(2, requires_grad=True), lr=0.1)",
    ),
    "GG605": Row(
        "a parameter in two groups",
        "some parameters appear in more than one parameter group",
        "It would be changed twice in a step.",
        "each parameter in one group",
        "p = list(nn.Linear(2, 2).parameters())\ntorch.optim.SGD([{'params': p}, {'params': p}], lr=0.1)",
    ),
    "GG606": Row(
        "state of another optimizer",
        """
        loaded state dict has a different number of parameter groups
        loaded state dict contains a parameter group that doesn't match the size of optimizer's group
        """,
        "An optimizer's state belongs to as many parameters, in the same groups.",
        "make the optimizer for the same model, with the same groups, before load_state_dict",
        """
        a = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
        b = torch.optim.SGD(nn.Linear(2, 2, bias=False).parameters(), lr=0.1)
        a.load_state_dict(b.state_dict())
        """,
    ),
    "GG607": Row(
        "schedule of nothing",
        "{} is not an Optimizer",
        "A scheduler changes the rates of an optimizer.",
        "the optimizer itself as its first argument",
        "torch.optim.lr_scheduler.StepLR(0.1, 2)",
    ),
    "GG701": Row(
        "tensors of several lengths",
        "Size mismatch between tensors",
        "A TensorDataset's sample i is row i of each.",
        "as many labels as inputs",
        "torch.utils.data.TensorDataset(torch.randn(3), torch.randn(4))",
    ),
    "GG702": Row(
        "parts of a data set",
        "Sum of input lengths does not equal the length of the input dataset!",
        "The lengths add up to the data set's.",
        "the last one as len(data) less the others, or fractions: [0.8, 0.2]",
        "torch.utils.data.random_split(torch.utils.data.TensorDataset(torch.randn(3)), [1, 1])",
    ),
    "GG703": Row(
        "samples that make no batch",
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}",
        "A DataLoader stacks what the data set gives, and does not know how for this.",
        "let the data set give tensors (a transform, for pictures), or give the DataLoader a collate_fn",
        "next(iter(torch.utils.data.DataLoader([object(), object()], batch_size=2)))",
    ),
    "GG704": Row(
        "settings of a DataLoader",
        """
        batch_size should be a positive integer value, but got batch_size={}
        num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.
        sampler option is mutually exclusive with shuffle
        batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last
        """,
        "Two settings contradict each other, or one is no number of anything.",
        "a sampler or shuffle=True, not both; 0 workers to load in this process",
        "torch.utils.data.DataLoader([1, 2], shuffle=True, sampler=[0, 1])",
    ),
    "GG801": Row(
        "sizes under vmap",
        """
        vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {} for the mapped dimension
        vmap({}
        """,
        "vmap goes through all its inputs together, sample by sample.",
        "inputs of one length; in_dims=None for one that all samples share",
        "torch.func.vmap(torch.add)(torch.randn(3), torch.randn(4))",
    ),
    "GG802": Row(
        "gradient of a function of many results",
        "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got {}. Maybe you wanted to use the vjp or jacrev APIs instead?",
        "torch.func.grad is of functions that give one number.",
        "sum() or mean() at its end, or torch.func.jacrev",
        "torch.func.grad(lambda x: x * 2)(torch.randn(3))",
    ),
}
