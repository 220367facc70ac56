"""Re-export LEADER, the minutiae network: `python -m training.leader LEADER.onnx fingerprint/models`.

LEADER (Cappelli; weights in `pyfing`, ONNX export in `afis`, both MIT) is published as a graph of 1,337 nodes in which
GELU and layer normalisation are spelled out in elementary operators and dilated convolutions are gathered by shuffling
pixels. This module reads its weights by layer name and writes the same function as a graph that costs a fraction:

* `FastGelu` and `LayerNormalization` as one operator each; dilated convolutions as such;
* whatever is linear and follows something linear is multiplied out: the gain and bias of a normalisation go into the
  layer behind it; an inverse bottleneck's reduction, its residual sum and the adjustment behind it become one matrix
  from the expanded channels and one from the block's input; what follows an upsampling by repetition and looks at one
  pixel only is done before it, and a 5 x 5 convolution behind it becomes four of 3 x 3 on the small image;
* channels last where channels are mixed (a matrix product), channels first where pixels are (convolution, pooling);
* the widest tensors are made a strip of rows at a time: they stay in the cache, and the memory is bounded;
* direction and type are computed at the minutiae found, not at every pixel.

The weights are untouched apart from rounding. `check` holds the result against the source on synthetic prints.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from tenprint.fingerprint.synthetic import FingerClass, grow_finger, press
from training.leader_graph import MICROSOFT, Array, Graph, Source

VERSION: Final = "1"
SOURCE_SHA256: Final = "da96e1221eea4afdf153997d6c4854ed306c146cfac76046e66cdecc14b2a1bb"
"""Of `afis/weights/leader/LEADER.onnx` in afis 1.2.7: another file may be another network."""
MOST_MINUTIAE: Final = 512
"""The highest scores beyond this many are dropped: it bounds the memory that directions take. A hand has fewer."""
PARITY: Final = 1e-3
"""How far a score, or a direction in radians, may lie from the source's. Measured on FVC's prints: 1.1e-5 of score."""

_STRIPS: Final = 16  # an image has a multiple of 32 rows, so half of it can always be cut into so many strips
_BLOCK: Final = 16  # onnxruntime's blocked layout takes depthwise convolutions only of multiples of its block
_CONTEXT: Final = (16, 32, 64, 128)  # channels of the first encoder-decoder, finest scale first
_ENCODER: Final = (32, 64, 128, 32)  # of the second's encoder, finest first
_DECODER: Final = (20, 42, 91, 27)  # of its decoder, finest first


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of a block's input channels: `count` of them, in the layouts that it is wanted in.

    Attributes:
        first: channels first, [1, c, h, w], c being `count` or more, the rest zeros.
        last: channels last; empty where only `first` exists. Where `low`, of half the block's width and height, its
            pixels to be repeated, as they are in `first`.
        count: how many channels.
        low: see `last`.
    """

    first: str
    last: str
    count: int
    low: bool = False


class _Builder:
    """Writes the network, block by block; the blocks' names are the Keras layers'."""

    def __init__(self, source: Source) -> None:
        self.source, self.graph = source, Graph()

    def stem(self, name: str, pooling: str) -> str:
        """The image [1, 1, h, w] by 5 x 5 convolutions, plain and dilated, pooled by 2: [1, c, h / 2, w / 2].

        The four pixels that are pooled into one are four convolutions of stride 2, so pooling is between tensors.
        """
        graph, source, plain, wide = self.graph, self.source, f"{name}_conv", f"{name}_dilated_conv"
        image, four = graph.op("Cast", "pixels", to=TensorProto.FLOAT), []
        stride = {"kernel_shape": [5, 5], "strides": [2, 2]}
        for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
            near, far = ([reach - down, reach - across, reach + down - 1, reach + across - 1] for reach in (2, 4))
            sides = (
                graph.op("Conv", image, source.kernel(plain), source.bias(plain), pads=near, **stride),
                graph.op("Conv", image, source.kernel(wide), source.bias(wide), pads=far, dilations=[2, 2], **stride),
            )
            both = graph.channels_last(graph.op("Concat", *sides, axis=1))
            four.append(graph.gelu(graph.normalise(both, *source.norm(f"{name}_ln"))))
        return graph.channels_first(graph.op(pooling, *four))

    def halve(self, x: str, channels: int) -> str:
        """[1, h, w, c] to [1, c, h / 2, w / 2]: the greatest of 2 x 2 for the first half of channels, else the mean."""
        graph, half, window = self.graph, channels // 2, {"kernel_shape": [2, 2], "strides": [2, 2]}
        most = graph.op("MaxPool", graph.channels_first(graph.cut(x, 0, half, 3)), **window)
        mean = graph.op("AveragePool", graph.channels_first(graph.cut(x, half, channels, 3)), **window)
        return graph.op("Concat", most, mean, axis=1)

    def separable(self, name: str, x: str) -> str:
        """Separable 5 x 5 convolution, normalisation, GELU: [1, c, h, w] to [1, h, w, d]."""
        graph, source, layer = self.graph, self.source, f"{name}_conv"
        kernel = source.depthwise(layer)
        spread = graph.convolve(x, kernel, None, (2, 2), group=len(kernel))
        mixed = graph.convolve(spread, source.pointwise(layer), source.bias(layer), (0, 0))
        return graph.gelu(graph.normalise(graph.channels_last(mixed), *source.norm(f"{name}_ln")))

    def context(self, x: str) -> str:
        """The first encoder-decoder: [1, 16, h, w] to [1, 32, h, w]."""
        graph, fine = self.graph, []
        for level, channels in enumerate(_CONTEXT):
            y = self.separable(f"enc0_{level}", x)
            fine.append(graph.channels_first(y))
            x = self.halve(y, channels)
        for level in reversed(range(len(_CONTEXT))):
            y = graph.channels_first(self.separable(f"dec0_{level}", x))
            x = graph.op("Concat", graph.enlarge(y, (1, 1, 2, 2)), fine[level], axis=1)
        return x

    def attend(self, x: str) -> str:
        """Scale each value by how much its surroundings, at three ranges, say it matters: shape unchanged."""
        graph, source, seen = self.graph, self.source, []
        for reach in (1, 3, 6):
            layer = f"attention_conv_d{reach}"
            dilation = {"dilations": [reach, reach]}
            seen.append(graph.convolve(x, source.kernel(layer), source.bias(layer), (reach, reach), **dilation))
        all_of_them = graph.gelu(graph.op("Concat", *seen, axis=1))
        gate = graph.convolve(all_of_them, source.kernel("attention_s"), source.bias("attention_s"), (0, 0))
        return graph.op("Mul", x, graph.op("Sigmoid", gate))

    def expansion(self, name: str) -> tuple[Array, Array]:
        """The expanding matrix [c, 4 c] and bias of a block, with the normalisation's gain and bias in them."""
        matrix = self.source.matrix(f"{name}_conv_exp")
        gain, bias = self.source.norm(f"{name}_ln")
        return (matrix * gain).T, self.source.bias(f"{name}_conv_exp") + matrix @ bias

    def reduction(self, name: str, after: Array, bias: Array) -> tuple[Array, Array]:
        """What leads from the expanded channels to `after` [out, c] of the reduced ones: [4 c, out], and its bias."""
        reduce, shift = self.source.matrix(f"{name}_conv_red"), self.source.bias(f"{name}_conv_red")
        return (after @ reduce).T, after @ shift + bias

    def bottleneck(self, name: str, parts: list[_Part], after: Array, bias: Array, strips: int) -> str:
        """Inverse bottleneck of `parts`, then `after` [out, c] and `bias`: [1, h, w, out].

        The first part must be low or without `last`: the bias goes where it costs least.
        """
        graph, kernel, start = self.graph, self.source.depthwise(f"{name}_depthwise_conv"), 0
        expand, expand_bias = self.expansion(name)
        reduce, reduce_bias = self.reduction(name, after, bias)
        spread, kept = [], []
        for part in parts:
            end = start + part.count
            own = _whole_blocks(kernel[start:end])
            y = graph.channels_last(graph.convolve(part.first, own, None, (3, 3), group=len(own)))
            spread.append(y if len(own) == part.count else graph.cut(y, 0, part.count, 3))
            past = after[:, start:end]
            if not part.last:
                y = graph.channels_last(graph.convolve(part.first, past[:, :, None, None], reduce_bias, (0, 0)))
            elif part.low:
                y = graph.op("Add", graph.op("MatMul", part.last, _whole_blocks(past.T)), reduce_bias)
                y = graph.enlarge(y, (1, 2, 2, 1))
            else:
                y = graph.op("MatMul", part.last, past.T)
            kept.append(y)
            start = end
        x = graph.op("Concat", *spread, axis=3) if len(spread) > 1 else spread[0]
        done = []
        cut = graph.many("Split", x, outputs=strips, axis=1, num_outputs=strips) if strips > 1 else [x]
        for strip in cut:
            wide = graph.op("MatMul", graph.normalise(strip, np.ones(start)), expand)
            done.append(graph.op("MatMul", graph.gelu(wide, expand_bias), reduce))
        y = graph.op("Concat", *done, axis=1) if strips > 1 else done[0]
        for one in kept:
            y = graph.op("Add", y, one)
        return y

    def refine(self, x: str) -> tuple[_Part, _Part]:
        """The second encoder-decoder: [1, 64, h, w] to 20 channels at half that size and 32 at full size."""
        graph, source = self.graph, self.source
        parts, fine = [_Part(x, "", 64)], []
        for level, channels in enumerate(_ENCODER):
            name = f"enc1_{level}"
            after, bias = source.matrix(f"{name}_conv_adj"), source.bias(f"{name}_conv_adj")
            y = self.bottleneck(name, parts, after, bias, _STRIPS >> level)
            fine.append(_Part(graph.channels_first(y), y, channels))
            parts = [_Part(self.halve(y, channels), "", channels)]
        for level in reversed(range(len(_DECODER))):
            name = f"dec1_{level}"
            after, bias = _whole_blocks(source.matrix(f"{name}_conv_adj")), source.bias(f"{name}_conv_adj")
            y = self.bottleneck(name, parts, after, _whole_blocks(bias), _STRIPS >> level + 1)
            repeated = graph.enlarge(graph.channels_first(y), (1, 1, 2, 2))
            parts = [_Part(repeated, y, _DECODER[level], low=True), fine[level]]
        return parts[0], parts[1]

    def adjustment(self, head: int) -> tuple[Array, Array]:
        """From a head's block to its 4 channels: two 1 x 1 convolutions in one, [4, c], and their bias."""
        second = self.source.matrix(f"head_{head}_conv1")
        first, bias = self.source.matrix(f"head_{head}_ibc_conv_adj"), self.source.bias(f"head_{head}_ibc_conv_adj")
        return second @ first, second @ bias + self.source.bias(f"head_{head}_conv1")

    def finish(self, head: int, x: str) -> str:
        """Normalise a head's 4 channels, the last axis, mix them, GELU."""
        matrix = self.source.matrix(f"head_{head}_conv2")
        gain, bias = self.source.norm(f"head_{head}_ln")
        mixed = self.graph.op("MatMul", self.graph.normalise(x, np.ones(4)), (matrix * gain).T)
        return self.graph.gelu(mixed, self.source.bias(f"head_{head}_conv2") + matrix @ bias)

    def peaks(self, low: _Part, fine: _Part) -> tuple[str, str]:
        """Where the blurred probability of a minutia peaks at or above the threshold: flat places [n], scores [n]."""
        graph, source = self.graph, self.source
        y = self.finish(0, self.bottleneck("head_0_ibc", [low, fine], *self.adjustment(0), _STRIPS))
        phases = _phases(source.kernel("head_conv_pos"))[:, 0]
        y = graph.convolve(graph.channels_first(y), phases, np.repeat(source.bias("head_conv_pos"), 4), (1, 1))
        y = graph.op("Sigmoid", graph.op("DepthToSpace", y, blocksize=2))
        blur = source.kernel("nms_Gaussian_blur")
        line = np.sqrt(np.diag(blur[0, 0]))
        if not np.array_equal(np.outer(line, line), blur[0, 0]):
            raise SystemExit("the source's blur is not the product of two lines")
        y = graph.convolve(y, line.reshape(1, 1, 5, 1), None, (2, 0))
        y = graph.convolve(y, line.reshape(1, 1, 1, 5), None, (0, 2))
        greatest = graph.op("MaxPool", y, kernel_shape=[7, 1], pads=[3, 0, 3, 0])
        greatest = graph.op("MaxPool", greatest, kernel_shape=[1, 7], pads=[0, 3, 0, 3])
        peak = graph.op("And", graph.op("Equal", y, greatest), graph.op("GreaterOrEqual", y, "threshold"))
        flat = graph.op("Reshape", graph.op("NonZero", graph.op("Reshape", peak, graph.ints(-1))), graph.ints(-1))
        scores = graph.op("Gather", graph.op("Reshape", y, graph.ints(-1)), flat)
        count = graph.op("Min", graph.op("Shape", flat), graph.ints(MOST_MINUTIAE))
        scores, kept = graph.many("TopK", scores, count, outputs=2)
        return graph.op("Gather", flat, kept), scores

    def look(self, low: _Part, fine: _Part, row: str, column: str) -> tuple[str, str]:
        """Features of the 9 x 9 half-size pixels around each minutia [n, 81, 52]; which are in the image [n, 81, 1].

        Pixels outside are zeros.
        """
        graph, two = self.graph, self.graph.ints(2)
        down, across = np.mgrid[-4:5, -4:5].reshape(2, 1, 81)
        shape, inside, clipped = graph.op("Shape", fine.last), [], []
        for place, offset, axis in ((row, down, 1), (column, across, 2)):
            end = graph.op("Slice", shape, graph.ints(axis), graph.ints(axis + 1))
            middle = graph.op("Unsqueeze", graph.op("Div", place, two), graph.ints(1))
            wanted = graph.op("Add", middle, graph.constant(offset, np.int64))
            nearest = graph.op("Max", wanted, graph.ints(0))
            nearest = graph.op("Min", nearest, graph.op("Sub", end, graph.ints(1)))
            inside.append(graph.op("Equal", wanted, nearest))
            clipped.append(nearest)
        width = graph.op("Slice", shape, graph.ints(2), graph.ints(3))
        flat = graph.op("Add", graph.op("Mul", clipped[0], width), clipped[1])
        half = [graph.op("Div", place, two) for place in clipped]
        coarse = graph.op("Add", graph.op("Mul", half[0], graph.op("Div", width, two)), half[1])
        seen = [
            graph.op("Gather", graph.op("Reshape", y, graph.ints(-1, channels)), places)
            for y, channels, places in (
                (graph.cut(low.last, 0, low.count, 3), low.count, coarse),
                (fine.last, fine.count, flat),
            )
        ]
        mask = graph.op("Cast", graph.op("And", *inside), to=TensorProto.FLOAT)
        mask = graph.op("Unsqueeze", mask, graph.ints(2))
        return graph.op("Mul", graph.op("Concat", *seen, axis=2), mask), mask

    def judge(self, head: int, layer: str, features: str, mask: str, phase: str) -> str:
        """What a head says of each minutia: [n, out]."""
        graph, source, name = self.graph, self.source, f"head_{head}_ibc"
        kernel, (after, bias) = source.depthwise(f"{name}_depthwise_conv"), self.adjustment(head)
        expand, expand_bias = self.expansion(name)
        reduce, reduce_bias = self.reduction(name, after, bias)
        count = len(kernel)
        image = graph.op("Reshape", graph.op("Transpose", features, perm=[0, 2, 1]), graph.ints(-1, count, 9, 9))
        spread = graph.op("Reshape", graph.convolve(image, kernel, None, (0, 0), group=count), graph.ints(-1, count, 9))
        x = graph.normalise(graph.op("Transpose", spread, perm=[0, 2, 1]), np.ones(count))
        y = graph.op("MatMul", graph.gelu(graph.op("MatMul", x, expand), expand_bias), reduce)
        middle = graph.constant(np.arange(81).reshape(9, 9)[3:6, 3:6].ravel(), np.int64)
        kept = graph.op("MatMul", graph.op("Gather", features, middle, axis=1), after.T)
        y = self.finish(head, graph.op("Add", graph.op("Add", y, reduce_bias), kept))
        y = graph.op("Mul", y, graph.op("Gather", mask, middle, axis=1))
        phases = _phases(source.kernel(layer))
        out = phases.shape[1]
        matrix = phases.transpose(3, 4, 2, 0, 1).reshape(36, 4 * out)
        y = graph.op("MatMul", graph.op("Reshape", y, graph.ints(-1, 36)), matrix)
        y = graph.op("Reshape", graph.op("Add", y, np.tile(source.bias(layer), 4)), graph.ints(-1, 4, out))
        return graph.op("GatherND", y, graph.op("Unsqueeze", phase, graph.ints(1)), batch_dims=1)

    def build(self) -> onnx.ModelProto:
        """The whole network, from `pixels` and `threshold` to `places`, `scores`, `directions` and `endings`."""
        graph, two = self.graph, self.graph.ints(2)
        x = self.attend(self.context(self.stem("stem0", "Max")))
        low, fine = self.refine(graph.op("Concat", x, self.stem("stem1", "Mean"), axis=1))
        flat, scores = self.peaks(low, fine)
        width = graph.op("Slice", graph.op("Shape", "pixels"), graph.ints(3), graph.ints(4))
        row, column = graph.op("Div", flat, width), graph.op("Mod", flat, width)
        phase = graph.op("Add", graph.op("Mul", graph.op("Mod", row, two), two), graph.op("Mod", column, two))
        features, mask = self.look(low, fine, row, column)
        places = [graph.op("Unsqueeze", place, graph.ints(1)) for place in (row, column)]
        graph.output("places", graph.op("Concat", *places, axis=1))
        graph.output("scores", scores)
        graph.output("directions", self.judge(1, "head_conv_dir", features, mask, phase))
        graph.output("endings", graph.op("Sigmoid", self.judge(2, "head_conv_typ", features, mask, phase)))
        if self.source.left():
            raise SystemExit(f"weights of the source that the new graph lacks: {sorted(self.source.left())}")
        value = helper.make_tensor_value_info
        inputs = [
            value("pixels", TensorProto.UINT8, [1, 1, "height", "width"]),
            value("threshold", TensorProto.FLOAT, []),
        ]
        outputs = [
            value("places", TensorProto.INT64, ["minutiae", 2]),
            value("scores", TensorProto.FLOAT, ["minutiae"]),
            value("directions", TensorProto.FLOAT, ["minutiae", 2]),
            value("endings", TensorProto.FLOAT, ["minutiae", 1]),
        ]
        model = helper.make_model(
            helper.make_graph(graph.nodes, "leader", inputs, outputs, list(graph.constants.values())),
            opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=9,
        )
        onnx.checker.check_model(model)
        return model


def _whole_blocks(array: Array) -> Array:
    """Zeros added to the first axis up to a multiple of the block."""
    return np.pad(array, ((0, -len(array) % _BLOCK), *((0, 0) for _ in array.shape[1:])))


def _phases(kernel: Array) -> Array:
    """A 5 x 5 kernel [out, in, 5, 5] on an image of repeated pixels, as 3 x 3 ones on the image: [4, out, in, 3, 3].

    The four are for the upper left, upper right, lower left and lower right of the 2 x 2 copies of a pixel.
    """
    phases = np.zeros((2, 2, *kernel.shape[:2], 3, 3))
    for down in range(2):
        for across in range(2):
            for i in range(5):
                for j in range(5):
                    row, column = (down + i - 2) // 2 + 1, (across + j - 2) // 2 + 1
                    phases[down, across, :, :, row, column] += kernel[:, :, i, j]
    return phases.reshape(4, *kernel.shape[:2], 3, 3)


def check(source: Path, model: bytes) -> int:
    """Hold the new graph against the source on synthetic prints.

    Returns how many minutiae were compared.

    Raises:
        SystemExit: if a minutia is missing or added, or a score or direction differs by more than `PARITY`.
    """
    old = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    new = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    compared = 0
    for seed, kind in enumerate(FingerClass):
        pixels = press(grow_finger(seed, kind), seed, rolled=False).pixels
        pixels = pixels[: pixels.shape[0] // 32 * 32, : pixels.shape[1] // 32 * 32]
        expected = old.run(None, {"input": pixels[np.newaxis, :, :, np.newaxis].astype(np.float32)})[0][0]
        given = {"pixels": pixels[np.newaxis, np.newaxis], "threshold": np.array(0.6, np.float32)}
        places, scores, directions, _ = new.run(None, given)
        order = np.lexsort((places[:, 1], places[:, 0]))
        if not np.array_equal(places[order], np.argwhere(expected[..., 3] >= 0.6)):
            raise SystemExit(f"the minutiae of a synthetic {kind.name} are not the source's")
        there = expected[places[:, 0], places[:, 1]]
        turned = np.exp(1j * (np.arctan2(directions[:, 1], directions[:, 0]) - there[:, 1]))
        worst = max(np.abs(scores - there[:, 3]).max(), np.abs(np.angle(turned)).max())
        if worst > PARITY:
            raise SystemExit(f"a score or direction of a synthetic {kind.name} is {worst:.1e} from the source's")
        compared += len(places)
    return compared


def main() -> None:
    """Read the arguments and write the model and its card."""
    parser = argparse.ArgumentParser(description="Re-export the LEADER minutiae network.")
    parser.add_argument("source", type=Path, help="LEADER.onnx of the package afis 1.2.7")
    parser.add_argument("out", type=Path, help="folder for leader.onnx and leader.json")
    arguments = parser.parse_args()
    source = arguments.source.read_bytes()
    if hashlib.sha256(source).hexdigest() != SOURCE_SHA256:
        raise SystemExit(f"{arguments.source} is not the LEADER.onnx of afis 1.2.7: its SHA-256 differs")
    model = _Builder(Source(onnx.load_from_string(source))).build().SerializeToString(deterministic=True)
    compared = check(arguments.source, model)
    card = {
        "version": VERSION,
        "file": "leader.onnx",
        "sha256": hashlib.sha256(model).hexdigest(),
        "network": "LEADER (Lightweight End-to-end Attention-gated Dual Encoder-decodeR), R. Cappelli",
        "variant": "float32, fused operators; made by training/leader.py",
        "origin": {
            "weights": "pyfing 0.7.3, LEADER.weights.h5",
            "graph": "afis 1.2.7, afis/weights/leader/LEADER.onnx",
            "graph_sha256": SOURCE_SHA256,
            "licence": "MIT",
            "licence_text": "LEADER-LICENSE.txt",
        },
        "most_minutiae": MOST_MINUTIAE,
        "score_threshold": 0.6,
    }
    (arguments.out / "leader.onnx").write_bytes(model)
    (arguments.out / "leader.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(f"{len(model)} bytes; {compared} minutiae of synthetic prints are the source's")


if __name__ == "__main__":
    main()
