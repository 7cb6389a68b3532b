"""The derivatives of single operations, applied to many tangents at once.

A step is a linear map between tangents of recorded values: ``push`` applies
it, ``pull`` applies its transpose.  Tangents of a value of shape ``s`` have
shape ``(t, *s)``; images are kept channels-last, where CPU convolutions are
fastest.  What depends on the recorded point alone is computed once, when the
step is made, so that a product costs about one decoder pass.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

DENSE_NORM_LIMIT = 2**22
PROJECTOR_NUMBERS = 2**19
FEW_TANGENTS = 32
MANY_PIXELS = 256
CACHED_NUMBERS = 5 * 2**16
MAX_SCRATCH = 32


class Step:
    """A linear map from the tangents of ``inputs`` to that of one value.

    Attributes:
        inputs: numbers of the values it reads.
        fresh: results are buffers of their own, not views of an input.
        shape: recorded shape of the result.
    """

    fresh = True

    def __init__(self, inputs: Sequence[int], shape: Sequence[int]) -> None:
        self.inputs = tuple(inputs)
        self.shape = tuple(shape)

    def settle(self) -> None:
        """Computes what had to wait for the end of the recording."""

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        """The map; the first tangent may be overwritten where ``spare``."""
        raise NotImplementedError

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        """The transpose, one result per input; the cotangent may be overwritten where ``spare``."""
        raise NotImplementedError


class Rearrange(Step):
    """Any operation that is itself linear in one value: views, pooling, resizing."""

    fresh = False

    def __init__(self, source: int, shape: Sequence[int], recorded: Tensor, operation) -> None:
        super().__init__([source], shape)
        self._operation = operation
        self._zero = recorded.new_zeros(()).expand(recorded.shape)

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        return torch.func.vmap(self._operation)(tangents[0])

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        transpose = torch.func.vjp(self._operation, self._zero)[1]
        return [torch.func.vmap(lambda one: transpose(one)[0])(cotangent)]


class Scale(Step):
    """Elementwise multiplication by a recorded factor of the result's shape or a number."""

    def __init__(self, source: int, recorded: Tensor, factor: Tensor | float, shape) -> None:
        super().__init__([source], shape)
        self._factor = factor
        self._source_shape = tuple(recorded.shape)

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        return align(tangents[0], len(self.shape)) * self._factor

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        return [reduce_to(cotangent * self._factor, self._source_shape)]


class Add(Step):
    """Sum of two values, either possibly broadcast, the second times ``alpha``."""

    def __init__(self, sources, shapes, shape, alpha: float) -> None:
        super().__init__(sources, shape)
        self._shapes = [tuple(one) for one in shapes]
        self._alpha = alpha

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        first, second = (align(one, len(self.shape)) for one in tangents)
        if spare and tuple(first.shape[1:]) == self.shape:
            return first.add_(second, alpha=self._alpha)
        return torch.add(first, second, alpha=self._alpha)

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        first = reduce_to(cotangent, self._shapes[0])
        second = cotangent if self._alpha == 1 else cotangent * self._alpha
        return [first, reduce_to(second, self._shapes[1])]


class Expand(Step):
    """A value broadcast to a larger shape, as in adding it to a constant."""

    fresh = False

    def __init__(self, source: int, recorded: Tensor, shape) -> None:
        super().__init__([source], shape)
        self._source_shape = tuple(recorded.shape)

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        return align(tangents[0], len(self.shape)).expand(-1, *self.shape)

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        return [reduce_to(cotangent, self._source_shape)]


class Convolution(Step):
    """Convolution or transposed convolution with constant weights; the bias drops out."""

    def __init__(self, source: int, recorded: Tensor, weight: Tensor, options, shape) -> None:
        super().__init__([source], shape)
        self._weight = channels_last(weight)
        self._options = options
        self._source_shape = tuple(recorded.shape)

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        folded = channels_last(tangents[0].flatten(0, 1))
        pushed = torch.ops.aten.convolution.default(folded, self._weight, None, *self._options)
        return pushed.unflatten(0, tangents[0].shape[:2])

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        folded = channels_last(cotangent.flatten(0, 1))
        stride, padding, dilation, transposed, _, groups = self._options
        missing = [0] * (folded.ndim - 2)
        if not transposed:
            missing = [
                wanted - ((size - 1) * step - 2 * pad + dilate * (width - 1) + 1)
                for wanted, size, step, pad, dilate, width in zip(
                    self._source_shape[2:],
                    folded.shape[2:],
                    stride,
                    padding,
                    dilation,
                    self._weight.shape[2:],
                    strict=True,
                )
            ]
        pulled = torch.ops.aten.convolution.default(
            folded, self._weight, None, stride, padding, dilation, not transposed, missing, groups
        )
        return [pulled.unflatten(0, cotangent.shape[:2])]


class UpsampledConvolution(Convolution):
    """Nearest-neighbour ×2 followed by a 3×3 convolution, as one transposed 4×4 one.

    Each output pixel sees only 2×2 distinct pixels, so summing the weights that
    meet the same pixel saves 5/9 of the multiplications (sub-pixel convolution,
    Shi et al. 2016).
    """

    def __init__(self, source: int, recorded: Tensor, weight: Tensor, shape) -> None:
        kernel = _meeting(_meeting(weight, 2), 3).transpose(0, 1)
        options = ([2, 2], [1, 1], [1, 1], True, [0, 0], 1)
        super().__init__(source, recorded, kernel, options, shape)


class Activation(Step):
    """An elementwise function of one value: multiplication by its slope there."""

    def __init__(self, source: int, value: Tensor, operation: Callable[[Tensor], Tensor]) -> None:
        super().__init__([source], value.shape)
        self._value = value
        self._operation = operation
        self._slope: Tensor | None = None

    def settle(self) -> None:
        ones = self._value.new_ones(())
        self._slope = channels_last(slope(self._operation, self._value, ones))
        del self._value

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        return tangents[0].mul_(self._slope) if spare else tangents[0] * self._slope

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        return [cotangent.mul_(self._slope) if spare else cotangent * self._slope]


class Normalisation(Step):
    """Group normalisation, with the slope of the activation folded in where one follows.

    With x̂ the normalised value, d x̂ = S dx / σ with S = I - QQᵀ, where Q holds
    for each group the constant and x̂ itself: a projection of rank two a group.
    Where Q is small it is laid out as a dense matrix, so that all tangents are
    projected by two matrix products; else torch's own kernel applies S.
    """

    def __init__(self, source: int, normalised: Tensor, factor: Tensor, groups: int) -> None:
        super().__init__([source], normalised.shape)
        self._normalised, self._factor, self._groups = normalised, factor, groups
        self._activation: tuple[Callable[[Tensor], Tensor], Tensor] | None = None
        samples, channels = normalised.shape[:2]
        self._dense = 2 * groups * normalised[0].numel() <= DENSE_NORM_LIMIT
        self._spatial = math.prod(normalised.shape[2:])
        self._sizes = (samples, channels, self._spatial)

    @property
    def activates(self) -> bool:
        """Whether an activation is folded in already."""
        return self._activation is not None

    def activated(self, operation: Callable[[Tensor], Tensor], value: Tensor) -> Normalisation:
        """This step followed by an elementwise ``operation``, which saw ``value``."""
        step = Normalisation(self.inputs[0], self._normalised, self._factor, self._groups)
        step._activation = (operation, value)
        return step

    def settle(self) -> None:
        if self._activation is not None:
            self._factor = slope(*self._activation, self._factor)
            self._activation = None
        self._factor = channels_last(self._factor)
        if self._dense:
            self._normalised = self._flatten(self._normalised[None])[0]
            if len(self.shape) == 4:
                pixels = self._factor.expand(self.shape).permute(0, 2, 3, 1)
                self._flat_factor = pixels.flatten(1, 2)

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        tangent = tangents[0]
        if not self._dense:
            return self._native(tangent) * self._factor
        flat = self._flatten(tangent)
        if not (spare and flat.data_ptr() == tangent.data_ptr()):
            flat = flat.clone()
        if self._reduces(len(flat)):
            for some, samples in self._blocks(flat):
                self._reduce(some, samples)
                some.mul_(self._flat_factor[samples])
            return self._restore(flat)
        self._project(flat)
        return self._restore(flat).mul_(self._factor)

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        if self._dense and self._reduces(len(cotangent)):
            flat = self._flatten(cotangent)
            own = spare or flat.data_ptr() != cotangent.data_ptr()
            result = flat if own else torch.empty_like(flat)
            for (some, samples), (read, _) in zip(
                self._blocks(result), self._blocks(flat), strict=True
            ):
                self._reduce(torch.mul(read, self._flat_factor[samples], out=some), samples)
            return [self._restore(result)]
        scaled = cotangent.mul_(self._factor) if spare else cotangent * self._factor
        if not self._dense:
            return [self._native(scaled)]
        flat = self._flatten(scaled)
        self._project(flat)
        return [self._restore(flat)]

    def _reduces(self, tangents: int) -> bool:
        """Whether sums over pixels are faster than matrix products, which many tangents share."""
        return len(self.shape) == 4 and tangents <= FEW_TANGENTS and self._spatial >= MANY_PIXELS

    def _blocks(self, flat: Tensor) -> Iterator[tuple[Tensor, slice]]:
        """As many samples at a time as stay in the cache: (t, few, pixels, channels), and which."""
        samples, channels, spatial = self._sizes
        block = max(1, CACHED_NUMBERS // (len(flat) * channels * spatial))
        for start in range(0, samples, block):
            some = slice(start, start + block)
            yield flat[:, some].unflatten(2, (spatial, channels)), some

    def _reduce(self, some: Tensor, samples: slice) -> None:
        """some -= some Q Qᵀ in place, by sums over pixels; (t, few, pixels, channels)."""
        channels, spatial = self._sizes[1:]
        normalised = self._normalised[samples].unflatten(1, (spatial, channels))
        sums = torch.stack([some.sum(2), (some * normalised).sum(2)])
        means = sums.unflatten(3, (self._groups, -1)).mean(4, keepdim=True).div_(spatial)
        constant, along = means.expand(*means.shape[:4], channels // self._groups).flatten(3)
        some.sub_(constant.unsqueeze(2))
        some.addcmul_(normalised, along.unsqueeze(2), value=-1)

    def _project(self, flat: Tensor) -> None:
        """flat -= flat Q Qᵀ in place, per sample; flat is (t, n, k).

        As many samples at a time as have projectors that fit the cache.
        """
        samples, channels, spatial = self._sizes
        images = len(self.shape) == 4
        block = PROJECTOR_NUMBERS // (2 * self._groups * channels * spatial)
        block = max(1, min(block, samples))
        rows = _projector_rows(
            block, channels, spatial, self._groups, images, flat.dtype, flat.device
        )
        unit = (channels // self._groups * spatial) ** -0.5
        for start in range(0, samples, block):
            normalised = self._normalised[start : start + block]
            used = rows[: len(normalised)]
            room = _own_entries(used[:, 1], spatial if images else 1)
            torch.mul(normalised.reshape(room.shape), unit, out=room)
            projector = used.flatten(1, 2)
            if len(used) == 1:
                one = flat[:, start]
                one.addmm_(one @ projector[0].T, projector[0], alpha=-1)
            else:
                some = flat[:, start : start + block].transpose(0, 1)
                some.baddbmm_(some @ projector.mT, projector, alpha=-1)

    def _native(self, tangent: Tensor) -> Tensor:
        """S tangent by torch's kernel for the backward pass, S being symmetric.

        The kernel reads the layout off the strides of one operand alone, and those of a
        batch of one can be ambiguous: both operands get the very same strides.
        """
        folded = tangent.flatten(0, 1)
        repeated = _empty_images(folded.shape, folded)
        repeated.copy_(self._normalised.expand(tangent.shape).flatten(0, 1))
        if folded.stride() != repeated.stride():
            folded = _empty_images(folded.shape, folded).copy_(folded)
        count = len(folded)
        mean = folded.new_zeros(count, self._groups)
        projected = torch.ops.aten.native_group_norm_backward.default(
            folded,
            repeated,
            mean,
            torch.ones_like(mean),
            None,
            count,
            self._sizes[1],
            self._spatial,
            self._groups,
            [True, False, False],
        )[0]
        return projected.unflatten(0, tangent.shape[:2])

    def _flatten(self, tangent: Tensor) -> Tensor:
        """(t, n, *shape) -> (t, n, k), channels innermost for images."""
        if len(self.shape) == 4:
            tangent = tangent.permute(0, 1, 3, 4, 2)
        return tangent.flatten(2)

    def _restore(self, flat: Tensor) -> Tensor:
        """The inverse of :meth:`_flatten`, a view."""
        if len(self.shape) == 4:
            channels, height, width = self.shape[1:]
            return flat.unflatten(2, (height, width, channels)).permute(0, 1, 4, 2, 3)
        return flat.unflatten(2, self.shape[1:])


class Softmax(Step):
    """diag(y) - y yᵀ along one dimension, symmetric."""

    def __init__(self, source: int, result: Tensor, dim: int) -> None:
        super().__init__([source], result.shape)
        self._result = result
        self._dim = dim % result.ndim + 1

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        weighted = tangents[0] * self._result
        return weighted - self._result * weighted.sum(self._dim, keepdim=True)

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        return [self.push([cotangent], False)]


class MatrixProduct(Step):
    """A @ B where one or both depend on the latents."""

    def __init__(self, left: int | None, right: int | None, a: Tensor, b: Tensor, shape) -> None:
        super().__init__([one for one in (left, right) if one is not None], shape)
        self._left, self._right = left is not None, right is not None
        self._a = a if self._right else None
        self._b = b if self._left else None

    def push(self, tangents: list[Tensor], spare: bool) -> Tensor:
        waiting = list(tangents)
        result = torch.matmul(waiting.pop(0), self._b) if self._left else None
        if self._right:
            second = torch.matmul(self._a, waiting.pop(0))
            result = second if result is None else result.add_(second)
        return result

    def pull(self, cotangent: Tensor, spare: bool) -> list[Tensor]:
        pulled = []
        if self._left:
            pulled.append(torch.matmul(cotangent, self._b.mT))
        if self._right:
            pulled.append(torch.matmul(self._a.mT, cotangent))
        return pulled


def slope(operation: Callable[[Tensor], Tensor], value: Tensor, factor: Tensor) -> Tensor:
    """Derivative of an elementwise operation at ``value``, times a ``factor`` that broadcasts."""
    # A copy in the layout of the value: factors that broadcast over pixels are read slowly.
    factor = torch.empty_like(value).copy_(factor.expand(value.shape))
    if operation is torch.ops.aten.silu.default:
        return torch.ops.aten.silu_backward.default(factor, value)
    with torch.enable_grad():
        point = value.detach().requires_grad_(True)
        return torch.autograd.grad(operation(point), point, factor)[0]


def channels_last(images: Tensor) -> Tensor:
    """Channels-last layout for batches of images; others contiguous."""
    if images.ndim == 4:
        return images.contiguous(memory_format=torch.channels_last)
    return images.contiguous()


def _empty_images(shape: Sequence[int], like: Tensor) -> Tensor:
    """Memory for images in the strides of the channels-last layout, unambiguously."""
    layout = torch.channels_last if len(shape) == 4 else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=layout)


def align(tangent: Tensor, ndim: int) -> Tensor:
    """Inserts broadcast dimensions between the tangents' and the value's own."""
    missing = ndim - (tangent.ndim - 1)
    return tangent.reshape(len(tangent), *[1] * missing, *tangent.shape[1:])


def reduce_to(cotangent: Tensor, shape: Sequence[int]) -> Tensor:
    """Sums over the dimensions along which a value of ``shape`` was broadcast."""
    extra = cotangent.ndim - 1 - len(shape)
    if extra:
        cotangent = cotangent.sum(dim=tuple(range(1, 1 + extra)))
    summed = [
        axis + 1 for axis, size in enumerate(shape) if size == 1 and cotangent.shape[axis + 1] != 1
    ]
    return cotangent.sum(dim=summed, keepdim=True) if summed else cotangent


def _meeting(weight: Tensor, axis: int) -> Tensor:
    """Weights of the 4-tap transposed convolution along one axis, from the 3 taps."""
    first, second, third = weight.unbind(axis)
    return torch.stack([third, second + third, first + second, first], dim=axis)


def _own_entries(rows: Tensor, outer: int) -> Tensor:
    """Where each group's row may differ from zero: a view (samples, outer, groups, rest of k)."""
    return rows.unflatten(2, (outer, rows.shape[1], -1)).diagonal(dim1=1, dim2=3).mT


class _Scratch(threading.local):
    """Projectors by shape, one set a thread: their first half never changes, and memory that
    is used again need not be cleared by the system again."""

    def __init__(self) -> None:
        self.rows: dict[tuple, Tensor] = {}


_SCRATCH = _Scratch()


def _projector_rows(
    samples: int,
    channels: int,
    spatial: int,
    groups: int,
    channels_innermost: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """Qᵀ as (n, 2, groups, k): unit indicators of the groups, and room for x̂ times them."""
    key = samples, channels, spatial, groups, channels_innermost, dtype, device
    if key not in _SCRATCH.rows:
        if len(_SCRATCH.rows) >= MAX_SCRATCH:
            _SCRATCH.rows.clear()
        group = torch.arange(channels, device=device) // (channels // groups)
        order = group.repeat(spatial) if channels_innermost else group.repeat_interleave(spatial)
        with torch.inference_mode(False):
            rows = torch.zeros(samples, 2, groups, len(order), dtype=dtype, device=device)
        rows[:, 0].scatter_(1, order.expand(samples, 1, -1), (channels // groups * spatial) ** -0.5)
        _SCRATCH.rows[key] = rows
    return _SCRATCH.rows[key]
