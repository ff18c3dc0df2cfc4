"""A device that is not the CPU, on any machine: what a lesson would do wrong on a GPU fails here as it does there.

PyTorch reserves a device type for backends from outside, PrivateUse1, and lets Python define it. Here it is called
"second". Its tensors compute on the CPU, but obey CUDA's rules: nothing is mixed with the tensors of the CPU, nothing
becomes a NumPy array without `.cpu()`, and the same seed draws other random numbers than on the CPU. PyTorch calls this
way in experimental; 2.11 has it, 2.6 does not yet. Left out, and refused when used: generators of this device,
assigning to `.data`, fused recurrent cells. Autocast changes nothing.
"""

from contextlib import contextmanager, nullcontext

import torch
from torch.utils import backend_registration
from torch.utils._mode_utils import no_dispatch

AVAILABLE = hasattr(backend_registration, "_setup_privateuseone_for_python_backend")
NAME = "second"
CPU = torch.device("cpu")
RANDOM = torch.Generator()  # the device's own random numbers
aten = torch.ops.aten
COPIES = {aten.copy_.default, aten._to_copy.default}  # the only ways from one device to another
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
FILLS = {aten.fill_.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor, aten.index_fill_.int_Tensor}
MIXED = "Expected all tensors to be on the same device, but found at least two devices, {}:0 and cpu! ({})"
INDICES = "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
NUMPY = "can't convert {}:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
GENERATOR = "Expected a '{}' device type for generator but found 'cpu'"


class SecondTensor(torch.Tensor):
    """A tensor of the emulated device; its numbers are in `held`, a tensor on the CPU that only this file may touch."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # rules hold below autograd, in __torch_dispatch__

    @staticmethod
    def __new__(cls, held):
        tensor = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=torch.device(NAME, 0)
        )
        tensor.held = held
        return tensor

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})

    def numpy(self, *, force=False):
        """Refused, as on a GPU; `np.asarray` and matplotlib come here, too."""
        if not force:
            raise TypeError(NUMPY.format(NAME))
        return self.detach().cpu().numpy()

    def tolist(self):
        """PyTorch has none for subclasses."""
        return self.detach().cpu().tolist()

    def __format__(self, spec):
        return format(self.detach().cpu(), spec)

    def __repr__(self, **options):
        return f"{repr(self.detach().cpu())[:-1]}, device='{self.device}')"

    @property
    def data(self):
        """The same numbers without gradients; assigning would leave `held` behind."""
        return self.detach()

    @data.setter
    def data(self, other):
        raise NotImplementedError("the emulated device cannot assign to .data; use copy_ under torch.no_grad()")


def compute(operation, args, kwargs):
    """Check the rules, do `operation` (of torch.ops.aten) on the CPU, and put its tensors on the device again."""
    given = [*tensors(args), *tensors(kwargs.values())]
    check(operation, args, kwargs, given)
    with own_random() if torch.Tag.nondeterministic_seeded in operation.tags else nullcontext():
        held = operation(*map(unwrapped, args), **{name: unwrapped(value) for name, value in kwargs.items()})
    if kwargs.get("device") == CPU:
        return held
    if torch.Tag.inplace_view in operation.tags:  # squeeze_, t_: the shape that PyTorch sees has to change, too
        with no_dispatch():
            operation(*args, **kwargs)
    return wrapped(held, {id(unwrapped(tensor)): tensor for tensor in given})


@contextmanager
def own_random():
    """Draw from the device's generator, as a GPU does: those of the CPU stay where they are."""
    before = torch.default_generator.get_state()
    torch.default_generator.set_state(RANDOM.get_state())
    try:
        yield
    finally:
        RANDOM.set_state(torch.default_generator.get_state())
        torch.default_generator.set_state(before)


def check(operation, args, kwargs, given):
    """Raise what CUDA raises when `operation` mixes devices. `given`: all tensors among its arguments."""
    if kwargs.get("generator") is not None:  # PyTorch makes no generators for devices defined in Python
        raise RuntimeError(GENERATOR.format(NAME))
    if operation in COPIES:
        return
    scalars = operation in INDEXED | FILLS or torch.Tag.pointwise in operation.tags  # CPU tensors () pass as numbers
    if operation in INDEXED:
        if not isinstance(args[0], SecondTensor) and any(isinstance(i, SecondTensor) for i in args[1]):
            raise RuntimeError(INDICES)
        given = [args[0], *(value for value in args[2:3] if value.ndim)]  # the CPU's indices may point anywhere
    written = kwargs.get("out", args[0]) if operation._schema.is_mutable else None
    on_cpu = [
        tensor
        for tensor in given
        if not isinstance(tensor, SecondTensor) and (tensor.ndim or not scalars or tensor is written)
    ]
    if on_cpu and any(isinstance(tensor, SecondTensor) for tensor in given):
        raise RuntimeError(MIXED.format(NAME, operation))


def tensors(values):
    """All tensors among `values` and in the lists among them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)


def unwrapped(value):
    """An argument as the CPU takes it."""
    if isinstance(value, SecondTensor):
        return value.held
    if isinstance(value, list | tuple):
        return type(value)(map(unwrapped, value))
    return CPU if isinstance(value, torch.device) else value


def wrapped(value, known):
    """A result as the device gives it; known: {id of a held tensor: the argument it belongs to}, for `x.add_(y)`."""
    if isinstance(value, torch.Tensor):
        return known[id(value)] if id(value) in known else SecondTensor(value)
    return type(value)(wrapped(part, known) for part in value) if isinstance(value, list | tuple) else value


def kernel(operation):
    """The function that PyTorch calls where no tensor of the device is among the arguments: torch.zeros(...)."""
    return lambda *args, **kwargs: compute(operation, args, {k: v for k, v in kwargs.items() if k != "pin_memory"})


def makers():
    """(Name, operation) of everything that makes a tensor from no other tensor, on the device that is asked for."""
    for name in torch._C._dispatch_get_all_op_names():
        library, _, rest = name.partition("::")
        base, _, overload = rest.partition(".")
        operation = getattr(getattr(aten, base, None), overload or "default", None) if library == "aten" else None
        kinds = {a.name: str(a.type) for a in operation._schema.arguments} if operation else {}
        if "device" in kinds and not any("Tensor" in kind for kind in kinds.values()):
            yield name, operation


class Backend:
    """What PyTorch asks of `torch.second`, as of `torch.cuda`."""

    is_available = is_initialized = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    manual_seed_all = staticmethod(lambda seed: RANDOM.manual_seed(seed ^ 0x5555))  # other numbers than the CPU's
    _is_in_bad_fork = staticmethod(lambda: False)
    get_amp_supported_dtype = staticmethod(lambda: [torch.bfloat16, torch.float16])


def register():
    """Tell PyTorch, once in a process, of the device; returns what has to be kept alive for it."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, Backend())
    kernels, autocast = torch.library.Library("aten", "IMPL"), torch.library.Library("_", "IMPL")
    for name, operation in makers():
        kernels.impl(name, kernel(operation), "PrivateUse1")
    # These two are called from inside PyTorch without a look at __torch_dispatch__.
    copy = aten.copy_.default
    kernels.impl("_copy_from", lambda source, to, non_blocking=False: compute(copy, (to, source), {}), "PrivateUse1")
    kernels.impl("_local_scalar_dense", lambda tensor: tensor.held.item(), "PrivateUse1")
    autocast.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    return kernels, autocast


# At once: autograd counts the devices of a process at its first backward pass, which may be any test's.
KEPT_ALIVE = register() if AVAILABLE else None


@contextmanager
def second_device():
    """`with second_device() as device:` gives the device; inside, modules move to it and back."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # a parameter that moves becomes a SecondTensor
    try:
        yield torch.device(NAME, 0)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
