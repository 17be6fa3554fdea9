"""Where PyTorch's modules are found: each name, and the modules of this package that are looked through, in order.

A target that does not exist is passed over; a module without any is missing.
"""

from __future__ import annotations

MODULES: dict[str, tuple[str, ...]] = {
    "torch": ("torchlike.extras", "", "torchlike.lists"),
    "torch.accelerator": ("accelerator",),
    "torch.amp": ("amp",),
    "torch.autograd": ("autograd", "torchlike.extras"),
    "torch.autograd.forward_ad": ("autograd.forward_ad",),
    "torch.autograd.functional": ("autograd.functional",),
    "torch.autograd.graph": ("autograd.graph",),
    "torch.autograd.profiler": ("torchlike.autograd_profiler",),
    "torch.autograd.variable": ("torchlike.extras",),
    "torch.backends": ("backends",),
    "torch.backends.cpu": ("backends.cpu",),
    "torch.backends.cuda": ("backends.cuda",),
    "torch.backends.cudnn": ("backends.cudnn",),
    "torch.backends.mkl": ("backends.mkl",),
    "torch.backends.mkldnn": ("backends.mkldnn",),
    "torch.backends.mps": ("backends.mps",),
    "torch.backends.openmp": ("backends.openmp",),
    "torch.backends.opt_einsum": ("backends.opt_einsum",),
    "torch._C": ("torchlike.compiling",),
    "torch._dynamo": ("torchlike.compiling",),
    "torch._dynamo.config": ("torchlike.compiling",),  # takes any setting
    "torch._inductor": ("torchlike.compiling",),
    "torch._inductor.config": ("torchlike.compiling",),
    "torch.compiler": ("torchlike.compiling",),
    "torch.cuda": ("cuda",),
    "torch.cuda.amp": ("cuda.amp",),
    "torch.cuda.random": ("cuda",),
    "torch.distributed": ("distributed",),
    "torch.distributions": ("distributions",),
    "torch.distributions.constraints": ("distributions.constraints",),
    "torch.distributions.kl": ("distributions.kl", "distributions"),
    "torch.distributions.transforms": ("distributions.transforms", "distributions"),
    "torch.distributions.utils": ("distributions.utils",),
    "torch.fft": ("fft",),
    "torch.func": ("func",),
    "torch.functional": ("",),
    "torch.futures": ("torchlike.futures",),
    "torch.hub": ("torchlike.hub",),
    "torch.jit": ("torchlike.jit",),
    "torch.linalg": ("linalg",),
    "torch.mps": ("mps",),
    "torch.multiprocessing": ("multiprocessing",),
    "torch.nn": ("nn",),
    "torch.nn.attention": ("nn.attention",),
    "torch.nn.functional": ("nn.functional",),
    "torch.nn.init": ("nn.init",),
    "torch.nn.modules": ("nn", "nn.modules"),
    "torch.nn.parallel": ("nn.parallel",),
    "torch.nn.parallel.scatter_gather": ("torchlike.scatter_gather",),
    "torch.nn.parameter": ("nn.parameter", "nn"),
    "torch.nn.utils": ("nn.utils",),
    "torch.nn.utils.parametrizations": ("nn.utils.parametrizations",),
    "torch.nn.utils.parametrize": ("nn.utils.parametrize",),
    "torch.nn.utils.prune": ("nn.utils.prune",),
    "torch.nn.utils.rnn": ("nn.utils.rnn",),
    "torch.nn.utils.stateless": ("nn.utils.stateless",),
    "torch.onnx": ("torchlike.onnx",),
    "torch.optim": ("optim",),
    "torch.optim.lr_scheduler": ("optim.lr_scheduler",),
    "torch.optim.swa_utils": ("optim.swa_utils",),
    "torch.profiler": ("profiler",),
    "torch.random": ("",),
    "torch.return_types": ("ops.return_types",),
    "torch.serialization": ("serialization",),
    "torch.sparse": ("sparse",),
    "torch.special": ("special",),
    "torch.storage": ("storage",),
    "torch.testing": ("testing",),
    "torch.types": ("torchlike.types",),
    "torch.utils": ("utils",),
    "torch.utils.checkpoint": ("utils.checkpoint",),
    "torch.utils.data": ("data",),
    "torch.utils._pytree": ("torchlike.pytree",),
    "torch.utils.data._utils.collate": ("data.collate",),
    "torch.utils.hooks": ("torchlike.extras",),
    "torch.utils.model_zoo": ("torchlike.hub",),
    "torch.utils.tensorboard": ("tensorboard",),
    "torch.xpu": ("xpu",),
    "torch.version": ("torchlike.version",),
    "torchvision": ("vision",),
    "torchvision.datasets": ("vision.datasets", "data.vision"),
    "torchvision.datasets.folder": ("vision.datasets.folder", "vision.datasets"),
    "torchvision.io": ("vision.io",),
    "torchvision.models": ("vision.models",),
    "torchvision.models.densenet": ("vision.models.densenet", "vision.models"),
    "torchvision.models.efficientnet": ("vision.models.efficientnet", "vision.models"),
    "torchvision.models.googlenet": ("vision.models.inceptionv1", "vision.models"),
    "torchvision.models.inception": ("vision.models.inception", "vision.models"),
    "torchvision.models.mobilenetv2": ("vision.models.mobilenetv2", "vision.models"),
    "torchvision.models.mobilenetv3": ("vision.models.mobilenetv3", "vision.models"),
    "torchvision.models.resnet": ("vision.models.resnet", "vision.models"),
    "torchvision.models.shufflenetv2": ("vision.models.shufflenetv2", "vision.models"),
    "torchvision.models.squeezenet": ("vision.models.squeezenet", "vision.models"),
    "torchvision.models.vgg": ("vision.models.vgg", "vision.models"),
    "torchvision.models.vision_transformer": ("vision.models.vision_transformer", "vision.models"),
    "torchvision.ops": ("vision.ops",),
    "torchvision.ops.misc": ("vision.ops.layers", "vision.ops"),
    "torchvision.transforms": ("vision.transforms", "data.transforms"),
    "torchvision.transforms.functional": ("vision.transforms.functional", "vision.functional"),
    "torchvision.transforms.v2": ("vision.transforms.v2",),
    "torchvision.transforms.v2.functional": ("vision.transforms.functional",),
    "torchvision.utils": ("vision.utils",),
}

# Files that PyTorch spreads a package's names over: every name of the package is found in each.
FILES = {
    "torch.amp": "autocast_mode grad_scaler",
    "torch.autograd": "anomaly_mode function grad_mode gradcheck",
    "torch.cuda.amp": "autocast_mode common grad_scaler",
    "torch.distributions": (
        "bernoulli beta binomial categorical cauchy chi2 continuous_bernoulli dirichlet distribution exp_family "
        "exponential fishersnedecor gamma generalized_pareto geometric gumbel half_cauchy half_normal independent "
        "inverse_gamma kumaraswamy laplace lkj_cholesky log_normal logistic_normal lowrank_multivariate_normal "
        "mixture_same_family multinomial multivariate_normal negative_binomial normal one_hot_categorical pareto "
        "poisson relaxed_bernoulli relaxed_categorical studentT transformed_distribution uniform von_mises weibull "
        "wishart"
    ),
    "torch.nn.modules": (
        "activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold instancenorm lazy "
        "linear loss module normalization padding pixelshuffle pooling rnn sparse transformer upsampling utils"
    ),
    "torch.nn.parallel": "data_parallel distributed",
    "torch.nn.utils": ("clip_grad convert_parameters fusion init memory_format spectral_norm weight_norm"),
    "torch.optim": (
        "adadelta adagrad adam adamax adamw asgd lbfgs nadam optimizer radam rmsprop rprop sgd sparse_adam"
    ),
    "torch.utils.data": "_utils dataloader dataset distributed sampler",
    "torch.utils.tensorboard": "summary writer",
    "torchvision.datasets": "celeba cifar coco fakedata folder imagenet mnist stl10 svhn usps vision",
    "torchvision.models": "alexnet mobilenet",
    "torchvision.ops": "boxes focal_loss stochastic_depth",
    "torchvision.transforms": "transforms",
}

for _package, _files in FILES.items():
    for _file in _files.split():
        MODULES.setdefault(f"{_package}.{_file}", MODULES[_package])

ROOTS = {name.partition(".")[0] for name in MODULES}
