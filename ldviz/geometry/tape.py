"""Records one decoder pass and replays its derivative: the fast route.

The decoder runs once under a dispatch mode that sees every tensor operation.
Those that the latents reach become steps (see ``steps``); a product replays
them on all tangents at once.  The recorded pass is shared by every product, so
a Jacobian-vector product costs about one pass where forward-mode automatic
differentiation, which repeats the pass beside it, costs two.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from ldviz.geometry.steps import (
    Activation,
    Add,
    Convolution,
    Expand,
    MatrixProduct,
    Normalisation,
    Rearrange,
    Scale,
    Softmax,
    Step,
    UpsampledConvolution,
    channels_last,
)

aten = torch.ops.aten


class NotRecordableError(Exception):
    """The decoder uses an operation that the tape has no rule for."""


class FusedAttentionError(NotRecordableError):
    """The decoder uses a fused attention kernel: record again on the math kernel."""


class Tape:
    """The derivative of one recorded decoder pass.

    Args:
        steps: maps (number of value) -> step, in order of computation.
        source, result: numbers of the latents' and the images' value.
    """

    def __init__(self, steps: dict[int, Step], source: int, result: int) -> None:
        needed = {result}
        for number in sorted(steps, reverse=True):
            if number in needed:
                needed.update(steps[number].inputs)
        if source not in needed:
            raise NotRecordableError("the images do not depend on the latents")
        self._steps = {number: steps[number] for number in sorted(steps) if number in needed}
        self._source, self._result = source, result
        self._last_use: dict[int, int] = {}
        viewed = set()
        for number, step in self._steps.items():
            step.settle()
            for one in step.inputs:
                self._last_use[one] = number
                if not step.fresh:
                    viewed.add(one)
        self._own = {
            number
            for number, step in self._steps.items()
            if step.fresh and number not in viewed and number != result
        }

    def largest_value(self) -> int:
        """Numbers in the largest tangent, for choosing how many go at once."""
        return max((math.prod(step.shape) for step in self._steps.values()), default=1)

    def push(self, tangents: Tensor) -> Tensor:
        """J v for each tangent."""
        live = {self._source: tangents}
        for number, step in self._steps.items():
            dying = [one for one in set(step.inputs) if self._last_use[one] == number]
            first = step.inputs[0]
            spare = first in dying and first in self._own and step.inputs.count(first) == 1
            inputs = [live[one] for one in step.inputs]
            for one in dying:
                del live[one]
            live[number] = step.push(inputs, spare)
        return live[self._result]

    def pull(self, cotangents: Tensor) -> Tensor:
        """Jᵀ u for each cotangent."""
        live = {self._result: cotangents}
        own = set()
        for number in reversed(self._steps):
            step = self._steps[number]
            cotangent = live.pop(number)
            for one, pulled in zip(step.inputs, step.pull(cotangent, number in own), strict=True):
                if one not in live:
                    live[one] = pulled
                    own.discard(one)
                    if step.fresh and not isinstance(step, Add):
                        own.add(one)
                elif one in own:
                    live[one].add_(pulled)
                elif step.fresh and not isinstance(step, Add):
                    live[one] = pulled.add_(live[one])
                    own.add(one)
                else:
                    live[one] = live[one] + pulled
                    own.add(one)
        return live[self._source]


def record(decoder: Callable[[Tensor], Tensor], latents: Tensor) -> tuple[Tensor, Tape]:
    """The decoder's images at ``latents``, and the tape of that pass.

    Raises:
        NotRecordableError: an operation on the way has no rule.
    """
    try:
        recorder, images = _recorded(decoder, latents, fast_layout=True)
    except RuntimeError:
        recorder, images = _recorded(decoder, latents, fast_layout=False)
    if not isinstance(images, Tensor) or images not in recorder.numbers:
        raise NotRecordableError("the images do not depend on the latents")
    return images, Tape(recorder.steps, 0, recorder.numbers[images])


def _recorded(
    decoder: Callable[[Tensor], Tensor], latents: Tensor, *, fast_layout: bool
) -> tuple[_Recorder, Tensor]:
    """One recorded pass; channels-last is faster, but a decoder's views may not allow it."""
    recorder = _Recorder(latents, fast_layout)
    with torch.no_grad(), recorder:
        return recorder, decoder(latents)


class _Recorder(TorchDispatchMode):
    """Turns each operation that the latents reach into a step."""

    def __init__(self, latents: Tensor, fast_layout: bool) -> None:
        super().__init__()
        self._fast_layout = fast_layout
        self.numbers = WeakTensorKeyDictionary()
        self.numbers[latents] = 0
        self.steps: dict[int, Step] = {}
        self.upsampled: dict[int, tuple[int, Tensor]] = {}
        self._count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if operation is aten.convolution.default and self._fast_layout:
            result = operation(channels_last(args[0]), *args[1:], **kwargs)
        else:
            result = operation(*args, **kwargs)
        flat = [*args, *kwargs.values()]
        if not any(self._reached(one) for one in flat):
            return result
        if "scaled_dot_product" in operation.name():
            raise FusedAttentionError(operation.name())
        rule = _RULES.get(operation)
        if rule is None:
            raise NotRecordableError(operation.name())
        output = result[0] if isinstance(result, tuple) else result
        made = rule(self, operation, args, kwargs, result)
        if isinstance(made, int):
            self.numbers[output] = made
        else:
            self._count += 1
            self.steps[self._count] = made
            self.numbers[output] = self._count
        return result

    def number(self, value) -> int | None:
        """The number of a value that depends on the latents, else None."""
        return self.numbers.get(value) if isinstance(value, Tensor) else None

    def _reached(self, value) -> bool:
        if isinstance(value, list | tuple):
            return any(self._reached(one) for one in value)
        return self.number(value) is not None


def _linear(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    """An operation that is linear in its first argument and has no other tensor."""
    source = recorder.number(args[0])
    if source is None:
        raise NotRecordableError(operation.name())
    rest = args[1:]
    return Rearrange(source, result.shape, args[0], lambda value: operation(value, *rest, **kwargs))


def _reshape(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    """A view to another shape; tangents may lie otherwise in memory, so they reshape."""
    shape = result.shape
    return Rearrange(recorder.number(args[0]), shape, args[0], lambda value: value.reshape(shape))


def _same(recorder: _Recorder, operation, args, kwargs, result) -> Step | int:
    """A copy, possibly to another precision."""
    if result.dtype == args[0].dtype and result.device == args[0].device:
        return recorder.number(args[0])
    return _linear(recorder, operation, args, kwargs, result)


def _upsample(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    """Nearest-neighbour resizing; a factor of two may merge with what follows."""
    step = _linear(recorder, operation, args, kwargs, result)
    value = args[0]
    if tuple(result.shape[2:]) == (2 * value.shape[2], 2 * value.shape[3]):
        recorder.upsampled[recorder._count + 1] = (step.inputs[0], value)
    return step


def _convolution(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    value, weight, _, *options = args
    source = recorder.number(value)
    if source is None or recorder.number(weight) is not None or value.ndim < 3:
        raise NotRecordableError(operation.name())
    plain = [[1, 1], [1, 1], [1, 1], False, [0, 0], 1]
    if source in recorder.upsampled and options == plain and weight.shape[2:] == (3, 3):
        before, small = recorder.upsampled[source]
        return UpsampledConvolution(before, small, weight, result.shape)
    return Convolution(source, value, weight, tuple(options), result.shape)


def _group_norm(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    value, weight, bias, samples, channels, _, groups, _ = args
    source = recorder.number(value)
    if source is None or any(recorder.number(one) is not None for one in (weight, bias)):
        raise NotRecordableError(operation.name())
    per_channel = (samples, channels, *[1] * (value.ndim - 2))
    mean, scale = (
        one.reshape(samples, groups).repeat_interleave(channels // groups, 1).reshape(per_channel)
        for one in result[1:]
    )
    factor = scale if weight is None else scale * weight.reshape(1, *per_channel[1:])
    return Normalisation(source, (value - mean).mul_(scale), factor, groups)


def _elementwise(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    """Any elementwise function of one value; merges with a normalisation before it."""
    source = recorder.number(args[0])
    if source is None or any(recorder.number(one) is not None for one in args[1:]):
        raise NotRecordableError(operation.name())
    rest = args[1:]

    def with_options(value: Tensor) -> Tensor:
        return operation(value, *rest, **kwargs)

    function = with_options if rest or kwargs else operation
    before = recorder.steps.get(source)
    if isinstance(before, Normalisation) and not before.activates:
        return before.activated(function, args[0])
    return Activation(source, args[0], function)


def _add(recorder: _Recorder, operation, args, kwargs, result) -> Step | int:
    first, second = args
    sign = -1 if operation in (aten.sub.Tensor, aten.sub.Scalar) else 1
    alpha = sign * kwargs.get("alpha", 1)
    sources = recorder.number(first), recorder.number(second)
    if None not in sources:
        return Add(sources, (first.shape, second.shape), result.shape, alpha)
    if sources[0] is None:
        if alpha != 1 or second.dtype != result.dtype:
            raise NotRecordableError(operation.name())
        source, value = sources[1], second
    else:
        source, value = sources[0], first
    if value.dtype != result.dtype:
        raise NotRecordableError(operation.name())
    return source if value.shape == result.shape else Expand(source, value, result.shape)


def _multiply(recorder: _Recorder, operation, args, kwargs, result) -> Step | int:
    first, second = args
    if recorder.number(first) is None:
        first, second = second, first
    source = recorder.number(first)
    if recorder.number(second) is not None or first.dtype != result.dtype:
        raise NotRecordableError(operation.name())
    return _scaled(source, first, second, result)


def _divide(recorder: _Recorder, operation, args, kwargs, result) -> Step | int:
    first, second = args
    source = recorder.number(first)
    if source is None or recorder.number(second) is not None or first.dtype != result.dtype:
        raise NotRecordableError(operation.name())
    if isinstance(second, Tensor):
        return _scaled(source, first, second.reciprocal(), result)
    return _scaled(source, first, 1 / second, result)


def _scaled(source: int, value: Tensor, factor, result: Tensor) -> Step | int:
    """Multiplication by a constant; by one, nothing at all."""
    if not isinstance(factor, Tensor) and factor == 1:
        return source
    return Scale(source, value, factor, result.shape)


def _matrix_product(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    left, right = args[-2:]
    if len(args) == 3 and (recorder.number(args[0]) is not None or kwargs):
        raise NotRecordableError(operation.name())
    return MatrixProduct(recorder.number(left), recorder.number(right), left, right, result.shape)


def _softmax(recorder: _Recorder, operation, args, kwargs, result) -> Step:
    if args[0].dtype != result.dtype:
        raise NotRecordableError(operation.name())
    return Softmax(recorder.number(args[0]), result, args[1])


_RULES = {
    **dict.fromkeys(
        [
            aten.transpose.int,
            aten.permute.default,
            aten.t.default,
            aten.expand.default,
            aten.unsqueeze.default,
            aten.squeeze.dim,
            aten.squeeze.dims,
            aten.slice.Tensor,
            aten.select.int,
            aten.neg.default,
            aten.sum.dim_IntList,
            aten.mean.dim,
            aten.avg_pool2d.default,
            aten.constant_pad_nd.default,
            aten.reflection_pad2d.default,
            aten.replication_pad2d.default,
            aten.upsample_bilinear2d.default,
            aten.pixel_shuffle.default,
            aten.flip.default,
        ],
        _linear,
    ),
    **dict.fromkeys([aten.view.default, aten._unsafe_view.default], _reshape),
    **dict.fromkeys([aten.clone.default, aten._to_copy.default, aten.alias.default], _same),
    **dict.fromkeys(
        [aten.upsample_nearest2d.default, aten._upsample_nearest_exact2d.default], _upsample
    ),
    aten.convolution.default: _convolution,
    aten.native_group_norm.default: _group_norm,
    **dict.fromkeys(
        [
            aten.silu.default,
            aten.relu.default,
            aten.leaky_relu.default,
            aten.elu.default,
            aten.gelu.default,
            aten.mish.default,
            aten.softplus.default,
            aten.sigmoid.default,
            aten.tanh.default,
            aten.sin.default,
            aten.cos.default,
            aten.exp.default,
            aten.log.default,
            aten.sqrt.default,
            aten.pow.Tensor_Scalar,
            aten.clamp.default,
        ],
        _elementwise,
    ),
    **dict.fromkeys([aten.add.Tensor, aten.sub.Tensor, aten.add.Scalar, aten.sub.Scalar], _add),
    **dict.fromkeys([aten.mul.Tensor, aten.mul.Scalar], _multiply),
    **dict.fromkeys([aten.div.Tensor, aten.div.Scalar], _divide),
    **dict.fromkeys([aten.bmm.default, aten.mm.default, aten.addmm.default], _matrix_product),
    **dict.fromkeys([aten._softmax.default, aten._safe_softmax.default], _softmax),
}
