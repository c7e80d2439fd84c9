"""Formulas with the numbers of one call in them: one line for an entry of the output, and one for each gradient.

For each rule that adds numbers up there is a function that writes out its sums; what works entry by entry is written by
putting numbers into the rule's own formula. Long sums show their first terms.
"""

from __future__ import annotations

from collections.abc import Callable

from omomi.inspect import worked_convolution as convolution
from omomi.inspect import worked_images as images
from omomi.inspect import worked_moves as moves
from omomi.inspect import worked_sums as sums
from omomi.inspect.worked_entries import entry_by_entry, fits, gradients_by_entry
from omomi.inspect.worked_line import Line, Lines, Occasion

__all__ = ["Line", "Occasion", "backward_lines", "forward_lines"]


def forward_lines(o: Occasion) -> Lines:
    """The chosen entry of the output, worked."""
    if o.rule in _FORWARD:
        return _FORWARD[o.rule](o)
    if all(fits(array, o.y) for array in o.inputs.values() if array.dtype.kind == "f"):
        return entry_by_entry(o)
    return moves.whole_formula(o)


def backward_lines(o: Occasion) -> Lines:
    """An entry of each gradient, worked."""
    if o.gy is None or not o.gradients:
        return []
    if o.rule in _BACKWARD:
        return _BACKWARD[o.rule](o)
    return gradients_by_entry(o)


_LOSSES = (
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
    "sigmoid_cross_entropy",
    "squared_error",
    "mean_squared_error",
)
_CONVOLUTIONS = ("convolution_2d", "convolution_3d")
_TRANSPOSED = ("transposed_convolution_2d", "transposed_convolution_3d")
_MOVES = ("reshape", "identity", "cast")


def _of_matrices(o: Occasion) -> bool:
    """Whether a product is one of rows with a matrix, as in a layer."""
    return list(o.inputs.values())[1].ndim == 2 and o.y.ndim > 1


Worker = Callable[[Occasion], Lines]
_FORWARD: dict[str, Worker] = {
    "affine": sums.affine_forward,
    "matmul": lambda o: sums.affine_forward(o) if _of_matrices(o) else moves.whole_formula(o),
    **dict.fromkeys(_CONVOLUTIONS, convolution.convolution_forward),
    **dict.fromkeys(_TRANSPOSED, convolution.transposed_forward),
    "depthwise_convolution_2d": convolution.depthwise_forward,
    "max_pooling_2d": images.max_pooling_forward,
    "average_pooling_2d": images.average_pooling_forward,
    "softmax": sums.softmax_forward,
    "log_softmax": sums.softmax_forward,
    "batch_normalization": sums.normalization_forward,
    "batch_normalization_inference": sums.running_forward,
    "dropout": moves.dropout_forward,
    **dict.fromkeys(("mean", "sum", "max", "min"), moves.reduction_forward),
    **dict.fromkeys(_MOVES, moves.moved_forward),
    **dict.fromkeys(_LOSSES, moves.whole_formula),
}
_BACKWARD: dict[str, Worker] = {
    "affine": sums.affine_backward,
    "matmul": lambda o: sums.affine_backward(o) if _of_matrices(o) else moves.largest_gradient(o),
    **dict.fromkeys(_CONVOLUTIONS, convolution.convolution_backward),
    **dict.fromkeys(_TRANSPOSED, convolution.transposed_backward),
    "depthwise_convolution_2d": convolution.depthwise_backward,
    "max_pooling_2d": images.pooling_backward,
    "average_pooling_2d": images.pooling_backward,
    "softmax": sums.softmax_backward,
    "log_softmax": sums.softmax_backward,
    "batch_normalization": sums.normalization_backward,
    "batch_normalization_inference": moves.largest_gradient,
    "dropout": moves.dropout_backward,
    **dict.fromkeys(("mean", "sum", "max", "min"), moves.largest_gradient),
    **dict.fromkeys(_MOVES, moves.moved_backward),
    **dict.fromkeys(_LOSSES, moves.loss_backward),
}
