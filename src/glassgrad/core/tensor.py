"""Tensor: a raw array, whether it wants a gradient, and the node it came from.

What is here knows nothing of operations; those are attached as methods by glassgrad.ops.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes, printing
from .backend import CPU, NO_ACCELERATOR, Array, as_device, device, device_of, ndarray, to_device, to_host, xp_for
from .batched import Batched, levels, refused
from .cuts import cut
from .dtypes import dtype
from .errors import told
from .graph import Node, Removable, as_array
from .provenance import Place, caller, warn
from .size import Size
from .storage import TypedStorage, UntypedStorage, copied, offset_in, root_of
from .views import View, sync
from .watch import listeners, tell

__all__ = ["Tensor", "asarray", "tensor"]


class Tensor:
    """An n-dimensional array that can be differentiated; made with glassgrad.tensor(data).

    array        the raw array (NumPy's, or CuPy's on a GPU)
    version      a counter of in-place changes, shared with every view of the same memory

    Slots for what every operation sets; the rest is in the instance's dictionary.
    """

    __slots__ = ("__dict__", "__weakref__", "_needs", "_node", "_view", "array", "version")

    array: Array
    version: list[int]
    _needs: bool
    _node: Node | None
    _view: View | None
    _grad: Tensor | None = None
    _hooks: dict[int, Any] | None = None  # of a leaf
    _after: dict[int, Any] | None = None  # post-accumulate hooks of a leaf
    _retains = False
    _frozen: Place | None = None  # where it was said that it wants no gradient any more
    _keeper: Removable | None = None  # of the hook that retains the gradient
    _is_param = False
    name: str | None = None

    __array_priority__ = 1000

    def __init__(self, *data: Any, device: Any = None) -> None:
        self._set(of_sizes_or_data(data, dtypes.get_default_dtype(), as_device(device)))

    def __init_subclass__(cls, **options: Any) -> None:
        """Subclasses may add methods and attributes; what operations give is a plain Tensor."""
        super().__init_subclass__(**options)
        if "__torch_function__" in vars(cls):
            raise NotImplementedError(f"{cls.__name__}: __torch_function__ is not in glassgrad yet")

    def _set(self, array: Array, node: Node | Tensor | None = None) -> None:
        self.array = array
        self.version = [0]
        self._node = node  # type: ignore[assignment]
        self._needs = node is not None
        self._view = None

    @staticmethod
    def _of(array: Array, node: Node | None = None) -> Tensor:
        """The tensor of an array as it is, without a copy."""
        made: Tensor = object.__new__(Tensor)
        made.array = array
        made.version = [0]
        made._node = node
        made._needs = node is not None
        made._view = None
        return made

    def _sync(self, strict: bool = True) -> None:
        sync(self, strict)

    if TYPE_CHECKING:
        # Operations become methods when glassgrad.ops is imported.
        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...

    # --- what it is ---

    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        if dim is None:
            return Size(self.array.shape)
        n = self.array.ndim
        if not -max(n, 1) <= dim < max(n, 1):
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-max(n, 1)}, {max(n, 1) - 1}], but got {dim})"
            )
        if n == 0:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
        return self.array.shape[dim]

    def dim(self) -> int:
        return self.array.ndim

    ndimension = dim
    ndim = property(dim)

    def numel(self) -> int:
        return self.array.size

    nelement = numel

    @property
    def dtype(self) -> dtype:
        return dtypes.of(self.array.dtype)

    @property
    def device(self) -> device:
        return device_of(self.array)

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    def element_size(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    is_cuda = property(lambda self: self.device.type == "cuda")
    is_cpu = property(lambda self: self.device.type == "cpu")
    is_sparse = is_quantized = is_meta = is_mps = is_nested = False
    is_sparse_csr = is_mkldnn = is_xpu = is_xla = is_ipu = is_mtia = is_maia = is_vulkan = False
    is_view = property(lambda self: self._view is not None)

    def get_device(self) -> int:
        return -1 if self.device.type == "cpu" else self.device.index or 0

    def stride(self, dim: int | None = None) -> Any:
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        """Where the first element lies in the memory that the tensor is part of, counted in elements."""
        if isinstance(self.array, Batched):
            raise refused("asking where a tensor lies in memory")
        if not isinstance(self.array, ndarray):
            return 0
        return offset_in(root_of(self.array), self.array) // self.array.itemsize

    def untyped_storage(self) -> UntypedStorage:
        """The bytes that the tensor is part of, shared with all views of them."""
        return UntypedStorage.of(self)

    def storage(self) -> TypedStorage:
        """The memory that the tensor is part of, as numbers of its dtype."""
        return TypedStorage(UntypedStorage.of(self), self.dtype)

    def data_ptr(self) -> int:
        if isinstance(self.array, Batched):
            raise refused("asking where a tensor lies in memory")
        if isinstance(self.array, ndarray):
            return self.array.__array_interface__["data"][0]
        return self.array.data.ptr

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in row-major order, or in the order of the memory format."""
        last = {"channels_last": 4, "channels_last_3d": 5}.get(getattr(memory_format, "name", ""))
        if last is None:
            return bool(self.array.flags.c_contiguous)
        return self.array.ndim == last and bool(np.moveaxis(self.array, 1, -1).flags.c_contiguous)

    def is_floating_point(self) -> bool:
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return self.dtype.is_complex

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_same_size(self, other: Tensor) -> bool:
        return self.array.shape == other.array.shape

    @property
    def _version(self) -> int:
        return self.version[0]

    @property
    def _base(self) -> Tensor | None:
        return self._view.base if self._view is not None else None

    def type(self, to: Any = None) -> Any:
        """The type's name, for example 'torch.FloatTensor'; with an argument, the tensor converted to it."""
        if to is None:
            prefix = "torch." if self.device.type == "cpu" else "torch.cuda."
            return prefix + TYPE_NAMES[self.dtype.name]
        return self.to(to if isinstance(to, dtype) else type_of(to))

    # --- its values ---

    def item(self) -> Any:
        """The one value as a Python number; RuntimeError when there are more."""
        if self.array.size != 1:
            raise told(RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar"))
        if self._needs:
            cut("item()", self)
        value = self.array.item()
        return float(value) if self.dtype.name == "bfloat16" else value

    def tolist(self) -> Any:
        if self._needs:
            cut("tolist()", self)
        host = to_host(self.array)
        return (host.astype(np.float32) if self.dtype.name == "bfloat16" else host).tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself, sharing memory; RuntimeError if a gradient is wanted or it is on a GPU, unless force."""
        if self.requires_grad and not force:
            raise told(
                RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
            )
        if isinstance(self.array, Batched):
            raise refused("calling .numpy() on a tensor")
        if not isinstance(self.array, ndarray) and not force:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        if self._needs:
            cut("numpy()", self)
        return to_host(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        """What NumPy's functions make of a tensor is a tensor: np.sin(x)."""
        made = asarray(array, copy=False)
        return Tensor._of(made.astype(np.uint8) if made.dtype == np.bool_ else made)

    def __dlpack__(self, **options: Any) -> Any:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __float__(self) -> float:
        return float(self._only())

    def __int__(self) -> int:
        return int(self._only())

    def __complex__(self) -> complex:
        return complex(self._only())

    def _only(self) -> Any:
        if self.array.size != 1:
            raise told(ValueError("only one element tensors can be converted to Python scalars"))
        return self.item()

    def __index__(self) -> int:
        if self.dtype.is_floating_point or self.dtype.is_complex or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            if self.array.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise told(RuntimeError("Boolean value of Tensor with more than one value is ambiguous"))
        return bool(self.array.item())

    def __format__(self, spec: str) -> str:
        """A tensor without dims as its number, as PyTorch does: f"{loss}" is 0.25, f"{loss:.1f}" is 0.2."""
        if self.array.ndim == 0 and not self._is_param:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __contains__(self, element: Any) -> bool:
        """Whether an element equals a number or a tensor that broadcasts."""
        if not isinstance(element, (Tensor, int, float, complex, np.number, np.bool_)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        found: Any = self == element
        return bool(found.any())

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __repr__(self) -> str:
        if isinstance(self.array, Batched):
            depth = len(levels(self.array))
            return f"BatchedTensor(lvl={depth}, bdim=0, value=\n    {Tensor._of(self.array.values)!r}\n)"
        node = self.grad_fn
        where = self.device
        return printing.tensor_repr(
            to_host(self.array),
            requires_grad=self.requires_grad,
            grad_fn_name=None if node is None else node.short_name(),
            device=None if where is CPU else str(where),
            default_dtype=dtypes.get_default_dtype().array_dtype,
            parameter=self._is_param,
        )

    __hash__ = object.__hash__

    def __reduce__(self) -> Any:
        """As PyTorch: what comes back is a leaf, whatever this is."""
        made = type(self), to_host(self.array), self.requires_grad, self._is_param
        return _rebuild, made, self._attributes() or None

    def _attributes(self) -> dict[str, Any]:
        """What users have attached."""
        return {name: value for name, value in self.__dict__.items() if not hasattr(Tensor, name)}

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        """A copy, strides and shared memory kept; of a Parameter the values alone, as PyTorch does."""
        if self.grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment.  If you were attempting to deepcopy a module, this may be because of a "
                "torch.nn.utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        made: Tensor = object.__new__(type(self))
        memo[id(self)] = made
        if self._is_param:
            made._set(self.array.copy(order="K"))
        else:
            made._set(copied(self.array, memo))
            if self._grad is not None:
                made._grad = self._grad.__deepcopy__(memo)
            made.__dict__.update(copy.deepcopy(self._attributes(), memo))
        made._is_param = self._is_param
        made._wish(self._needs)
        return made

    # --- its gradient ---

    @property
    def requires_grad(self) -> bool:
        if self._view is not None:
            sync(self)
        return self._needs

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        if self._node is not None:
            if not requires_grad:
                raise RuntimeError(
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                    "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
                )
            return self
        if requires_grad and self.array.dtype.kind not in "fcV":
            raise told(RuntimeError("only Tensors of floating point dtype can require gradients"))
        if self._needs and not requires_grad:
            self._frozen = caller(2)
        self._wish(bool(requires_grad))
        return self

    def _wish(self, wanted: bool) -> None:
        """Whether this leaf wants a gradient. A complex one gets it from Python's half of the walk, as if hooked."""
        self._needs = wanted
        if wanted and self._hooks is None and self.array.dtype.kind == "c":
            self._hooks = {}

    @property
    def grad_fn(self) -> Node | None:
        if self._view is not None:
            sync(self)
        return self._node

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward() has accumulated here; None before, and on what isn't a leaf."""
        if listeners:
            tell("gradient read", self)
        g = self._grad
        if g is None and self._node is not None and not self._retains:
            warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for "
                "a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor."
            )
        return g

    @grad.setter
    def grad(self, g: Tensor | None) -> None:
        if g is not None:
            if not isinstance(g, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(g).__name__}"
                )
            if g.shape != self.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(g.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
            if g.dtype != self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{dtypes.in_c(g)}' to a tensor with grad_dtype "
                    f"'{dtypes.title_of(self)}'. The gradient must match the tensor's grad_dtype (defaults to the "
                    "tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to "
                    "allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient "
                    "may break downstream systems that assume they match."
                )
        self._grad = g

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that isn't a leaf in its .grad, too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is None or self._retains:
            return
        self._retains = True
        self._keep_grad()

    def _keep_grad(self) -> None:
        """Let the node of a tensor that retains its gradient put it here, instead of the node it had before."""
        if self._keeper is not None:
            self._keeper.remove()
        me = weakref.ref(self)

        def keep(g: Tensor) -> None:
            tensor = me()
            if tensor is not None:
                tensor._grad = g if tensor._grad is None else tensor._grad + g

        assert self._node is not None
        self._keeper = Removable(self._node.all_hooks().retain, keep)

    def _continue(self, node: Node | None) -> None:
        """The tensor was changed in place: it comes from another node now."""
        self._node, self._needs = node, True
        if self._retains and node is not None:
            self._keep_grad()

    @property
    def retains_grad(self) -> bool:
        return self._retains

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Removable:
        """hook(grad) -> None or a new gradient, called whenever the gradient of this tensor is computed."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not None:
            return self._node.register_output_hook(hook)
        if self._hooks is None:
            self._hooks = {}
        return Removable(self._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Removable:
        """hook(tensor), called after backward() has put the gradient into a leaf's .grad."""
        if not self._needs or self._node is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._after is None:
            self._after = {}
        return Removable(self._after, hook)

    def detach(self) -> Tensor:
        """The same memory, cut from the graph; in-place changes of either are seen by backward's check."""
        made = Tensor._of(self.array)
        made.version = self.version
        if self._needs:
            cut("detach()", self, made)
        return made

    def detach_(self) -> Tensor:
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        if self._needs:
            cut("detach_()", self, self)
        self._node, self._needs = None, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory, cut from the graph, with a version counter of its own."""
        made = Tensor._of(self.array)
        if self._needs:
            cut(".data", self, made)
        return made

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}")
        self.array = new.array

    def cpu(self) -> Tensor:
        return self.to(CPU)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor:
        return self.to("cuda" if device is None else device)

    def pin_memory(self, device: Any = None) -> Tensor:
        """RuntimeError: memory is pinned for the sake of a GPU, and what there is of one needs no such memory."""
        raise RuntimeError(NO_ACCELERATOR)

    def is_pinned(self) -> bool:
        return False

    def share_memory_(self) -> Tensor:
        """Move the values to where the processes that are started, or sent the tensor, see the same memory.

        Views that were made before stay with the old memory.
        """
        from . import shared

        self.array = shared.share(self.array)
        shared.to_processes((Tensor, *Tensor.__subclasses__()), _to_process)
        return self


def _to_process(x: Tensor) -> Any:
    """A tensor as another process gets it: on the same memory where that is shared, else a copy."""
    from . import shared

    where = shared.place(x.array)
    if where is None:
        return x.__reduce__()
    return _from_process, (type(x), where, x.requires_grad, x._is_param)


def _from_process(kind: type, where: tuple[Any, ...], needs: bool, is_param: bool) -> Tensor:
    from . import shared

    shared.to_processes((Tensor, *Tensor.__subclasses__()), _to_process)
    return _rebuild(kind, shared.found(*where), needs, is_param)


def type_of(title: Any) -> dtype:
    """The dtype of a tensor type: torch.LongTensor or its name."""
    if title is Tensor:
        return dtypes.get_default_dtype()
    name = title if isinstance(title, str) else getattr(title, "name", "")
    found = [d for d, short in TYPE_NAMES.items() if name == f"torch.{short}"]
    if not found:
        raise ValueError(f"invalid type: {title!r}")
    return dtypes.named(found[0])


def _rebuild(kind: type[Tensor], array: np.ndarray, needs: bool, is_param: bool) -> Tensor:
    made: Tensor = object.__new__(kind)
    made._set(array)
    made._is_param = is_param
    made._wish(needs)
    return made


TYPE_NAMES = {
    "bool": "BoolTensor", "uint8": "ByteTensor", "int8": "CharTensor", "int16": "ShortTensor", "int32": "IntTensor",
    "int64": "LongTensor", "float16": "HalfTensor", "float32": "FloatTensor", "float64": "DoubleTensor",
    "bfloat16": "BFloat16Tensor", "complex64": "ComplexFloatTensor", "complex128": "ComplexDoubleTensor",
}  # fmt: skip


# --- from Python data ---


def asarray(data: Any, to: dtype | None = None, where: device = CPU, copy: bool = True) -> Array:
    """An array of numbers, nested sequences, arrays or tensors; Python's floats get the default dtype."""
    if isinstance(data, Tensor):
        array = data.array
    elif isinstance(data, (ndarray, np.generic)) or hasattr(data, "__cuda_array_interface__"):
        array = as_array(data)
    else:
        array = _from_sequence(data, to)
        copy = False
    if to is None:
        dtypes.of(array.dtype)
    elif array.dtype != to.array_dtype:
        array, copy = array.astype(to.array_dtype), False
    moved = to_device(array, where)
    return moved.copy() if copy and moved is array else moved


def of_sizes_or_data(given: tuple[Any, ...], to: dtype, where: device) -> Array:
    """Tensor(2, 3) has that size and whatever was in memory, Tensor([1, 2]) holds data."""
    if len(given) != 1 or isinstance(given[0], (int, np.integer, Size)):
        size = given[0] if given and isinstance(given[0], Size) else given or (0,)
        return xp_for(where).empty(size, to.array_dtype)
    if isinstance(given[0], (float, complex, np.generic)):
        raise TypeError(f"new(): data must be a sequence (got {type(given[0]).__name__})")
    return asarray(given[0], to, where)


def _from_sequence(data: Any, to: dtype | None) -> np.ndarray:
    try:
        array = np.array(_plain(data))
    except ValueError:
        raise told(_ragged(data)) from None
    if array.dtype.kind in "OUS":
        raise told(_no_number(data))
    if array.dtype.kind == "u" and array.dtype.itemsize == 8:
        raise RuntimeError("Overflow when unpacking long: integers beyond int64 have no tensor dtype")
    return array if to is not None else array.astype(_common(data).array_dtype, copy=False)


def _plain(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.item() if data.array.ndim == 0 else data.tolist()
    if isinstance(data, (list, tuple)) and any(isinstance(x, (Tensor, list, tuple)) for x in data):
        return [_plain(x) for x in data]
    return data


def _common(data: Any) -> dtype:
    """The dtype of what nested sequences hold: NumPy's numbers and arrays keep theirs, Python's have the usual one."""
    if isinstance(data, (list, tuple)):
        kinds = {type(x): x for x in data}
        numbers = all(issubclass(kind, (bool, int, float, complex, np.generic)) for kind in kinds)
        held = [_common(x) for x in (kinds.values() if numbers else data)]
        return reduce(dtypes.promote_types, held) if held else dtypes.get_default_dtype()
    if isinstance(data, (Tensor, ndarray, np.generic)):
        return data.dtype if isinstance(data, Tensor) else dtypes.of(data.dtype)
    return dtypes.of_number(data) if isinstance(data, (bool, int, float, complex)) else dtypes.of(np.array(data).dtype)


def _ragged(data: Any, depth: int = 1) -> Exception:
    """PyTorch's error for lists within lists whose lengths differ."""
    if isinstance(data[0], (list, tuple)):
        for x in data:
            if not isinstance(x, (list, tuple)):
                return TypeError("not a sequence")
            if len(x) != len(data[0]):
                return ValueError(f"expected sequence of length {len(data[0])} at dim {depth} (got {len(x)})")
        return next((found for x in data if (found := _ragged(x, depth + 1)).args), ValueError())
    mixed = next((type(x).__name__ for x in data if isinstance(x, (list, tuple))), "")
    return TypeError(f"'{mixed}' object cannot be interpreted as an integer") if mixed else ValueError()


def _no_number(data: Any) -> Exception:
    """PyTorch's error for something that no tensor holds."""
    depth, first = 0, data
    while isinstance(first, (list, tuple)) and first:
        depth, first = depth + 1, first[0]
    if isinstance(first, str):
        return ValueError("too many dimensions 'str'") if depth else TypeError("new(): invalid data type 'str'")
    other = next((x for x in _leaves(data) if not isinstance(x, (bool, int, float, complex, np.generic))), first)
    name = type(other).__name__
    return (
        TypeError(f"new(): invalid data type '{name}'")
        if name == "str"
        else RuntimeError(f"Could not infer dtype of {name}")
    )


def _leaves(data: Any) -> Iterator[Any]:
    for x in data if isinstance(data, (list, tuple)) else (data,):
        yield from _leaves(x) if isinstance(x, (list, tuple)) else (x,)


def tensor(
    data: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new leaf with a copy of data: numbers, nested sequences, arrays.

    >>> tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    made = Tensor._of(asarray(data, dtype, as_device(device)))
    if pin_memory:
        made.pin_memory()
    remark_a_copy(data)
    if isinstance(data, Tensor) and data._needs:
        cut("tensor()", data, made)
    if listeners:
        tell("tensor", data, made)
    return wanting(made) if requires_grad else made


def remark_a_copy(data: Any) -> None:
    """Who makes a tensor of a tensor may not mean to."""
    if isinstance(data, Tensor):
        warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
        )


def wanting(made: Tensor) -> Tensor:
    """A new leaf that wants a gradient."""
    if made.array.dtype.kind not in "fcV":
        raise told(RuntimeError("Only Tensors of floating point and complex dtype can require gradients"))
    return made.requires_grad_()
