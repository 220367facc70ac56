"""What :mod:`training.leader` reads from and writes to: a published graph's weights, and an ONNX graph as it grows."""

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import helper, numpy_helper

MICROSOFT: Final = "com.microsoft"
"""The domain of the operators that onnxruntime adds to ONNX's."""
_EPSILON: Final = 1e-3  # Keras's default for layer normalisation, and what the source adds

Array = NDArray[np.float64]


class Source:
    """The published graph's weights by the names of the Keras layers, in float64. Remembers what was taken."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self._producers = {output: node for node in model.graph.node for output in node.output}
        self._left = {name for name, value in self._constants.items() if value.dtype == np.float32 and value.size > 1}

    def _take(self, name: str) -> Array:
        self._left.discard(name)
        return self._constants[name].astype(np.float64)

    def _operand(self, output: str) -> Array:
        """The one constant among the inputs of the node that makes `output`."""
        (name,) = (name for name in self._producers[output].input if name in self._constants)
        return self._take(name)

    def kernel(self, layer: str) -> Array:
        """Of a convolution: [out, in, height, width]."""
        return self._take(f"functional_1/{layer}_1/convolution/ReadVariableOp:0")

    def matrix(self, layer: str) -> Array:
        """Of a 1 x 1 convolution: [out, in]."""
        return self.kernel(layer)[:, :, 0, 0]

    def depthwise(self, layer: str) -> Array:
        """Of a depthwise convolution, alone or in a separable one: [channels, 1, height, width]."""
        separable = f"functional_1/{layer}_1/separable_conv2d/depthwise:0"
        return self._operand(separable if separable in self._producers else f"functional_1/{layer}_1/depthwise:0")

    def pointwise(self, layer: str) -> Array:
        """Of the 1 x 1 half of a separable convolution: [out, in, 1, 1]."""
        return self._take(f"functional_1/{layer}_1/separable_conv2d/ReadVariableOp_1:0")

    def bias(self, layer: str) -> Array:
        """Of a convolution: [out]."""
        for name in (f"functional_1/{layer}_1/Squeeze:0", f"functional_1/{layer}_1/Reshape:0"):
            if name in self._constants:
                return self._take(name).ravel()
        return self._operand(f"functional_1/{layer}_1/BiasAdd:0").ravel()

    def norm(self, layer: str) -> tuple[Array, Array]:
        """Gain and bias of a layer normalisation: [channels] each."""
        gain = self._take(f"functional_1/{layer}_1/Reshape:0").ravel()
        return gain, self._operand(f"functional_1/{layer}_1/add_1:0").ravel()

    def left(self) -> set[str]:
        """Weights that nothing took."""
        return self._left


class Graph:
    """An ONNX graph as it grows. Arrays handed to an operator become float32 constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}

    def constant(self, value: ArrayLike, dtype: type[np.generic]) -> str:
        """Name of a constant; equal ones are stored once."""
        array = np.array(value, dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, f"constant_{len(self.constants)}")
        return str(self.constants[key].name)

    def ints(self, *values: int) -> str:
        """Name of a constant int64 vector."""
        return self.constant(values, np.int64)

    def many(self, kind: str, *inputs: str | Array, outputs: int, **attributes: Any) -> list[str]:
        """Add an operator with several outputs; their names."""
        names = [f"{kind}_{len(self.nodes)}_{place}" for place in range(outputs)]
        given = [value if isinstance(value, str) else self.constant(value, np.float32) for value in inputs]
        self.nodes.append(helper.make_node(kind, given, names, name=names[0], **attributes))
        return names

    def op(self, kind: str, *inputs: str | Array, **attributes: Any) -> str:
        """Add an operator; the name of its output."""
        return self.many(kind, *inputs, outputs=1, **attributes)[0]

    def output(self, name: str, value: str) -> None:
        """Make a tensor an output of the graph under a name of its own."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))

    def channels_last(self, x: str) -> str:
        """[n, c, h, w] to [n, h, w, c]."""
        return self.op("Transpose", x, perm=[0, 2, 3, 1])

    def channels_first(self, x: str) -> str:
        """[n, h, w, c] to [n, c, h, w]."""
        return self.op("Transpose", x, perm=[0, 3, 1, 2])

    def cut(self, x: str, start: int, end: int, axis: int) -> str:
        """The slice `start` to `end` of an axis."""
        return self.op("Slice", x, self.ints(start), self.ints(end), self.ints(axis))

    def convolve(self, x: str, kernel: Array, bias: Array | None, pads: tuple[int, int], **attributes: Any) -> str:
        """Convolve [n, c, h, w], padded with zeros by (rows, columns) on both sides."""
        operands = [kernel] if bias is None else [kernel, bias]
        return self.op("Conv", x, *operands, kernel_shape=kernel.shape[2:], pads=[*pads, *pads], **attributes)

    def gelu(self, x: str, *bias: Array) -> str:
        """GELU of `x` plus a bias of its last axis, in the tanh form that the source has."""
        return self.op("FastGelu", x, *bias, domain=MICROSOFT)

    def normalise(self, x: str, gain: Array, *bias: Array) -> str:
        """Layer normalisation over the last axis."""
        return self.op("LayerNormalization", x, gain, *bias, axis=-1, epsilon=_EPSILON)

    def enlarge(self, x: str, scales: tuple[int, int, int, int]) -> str:
        """Repeat pixels."""
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.op("Resize", x, "", np.array(scales, np.float64), **how)
