"""ONNX Runtime: inference of the network written as an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.contenders.contender import Runner, Steps, Task, UnsupportedError
from benchmarks.networks import Array, Conv, Dense, Dropout, Flatten, MaxPool, Network, Weights, channels_first


class OnnxRuntime:
    """Its default session, with the threads that everybody gets."""

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": onnxruntime.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        if task.work.kind != "predict":
            raise UnsupportedError("does not train")
        return {"": lambda: self.build(task)}

    def build(self, task: Task) -> Runner:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = task.threads
        options.inter_op_num_threads = 1
        model = graph(task.network, channels_first(task.network, task.weights))
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

        def outputs(x: Array) -> Array:
            result: Array = session.run(None, {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})[0]
            return result

        def predict(x: Array) -> Array:
            return session.run(None, {"x": x})[0]

        batches = [(np.ascontiguousarray(x.transpose(0, 3, 1, 2)),) for x, _ in task.batches()]
        return Steps(predict, batches, outputs)


def graph(network: Network, weights: Weights) -> onnx.ModelProto:
    """The network in ONNX's operators, channels first. Dropout does nothing in inference and is left out."""
    nodes: list[onnx.NodeProto] = []
    arrays: list[onnx.TensorProto] = []
    name = "x"

    def add(operator: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(operator, inputs, [f"y{len(nodes)}"], **attributes))
        return f"y{len(nodes) - 1}"

    for number, (layer, own) in enumerate(zip(network.layers, weights, strict=True)):
        held = [f"{kind}{number}" for kind in own]
        arrays += [numpy_helper.from_array(array, f"{kind}{number}") for kind, array in own.items()]
        match layer:
            case Conv():
                name = add("Conv", name, *held, auto_pad="VALID" if layer.padding == "valid" else "SAME_UPPER")
            case Dense():
                name = add("Gemm", name, *held, transB=1)
            case MaxPool():
                name = add("MaxPool", name, kernel_shape=[2, 2], strides=[2, 2])
            case Flatten():
                name = add("Flatten", name)
            case Dropout():
                continue
            case _:
                raise UnsupportedError(f"no operator is written here for {type(layer).__name__}")
        if isinstance(layer, Conv | Dense) and layer.activation is not None:
            name = add({"relu": "Relu", "tanh": "Tanh", "softmax": "Softmax"}[layer.activation], name)
    h, w, c = network.input_shape
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", c, h, w])
    y = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", network.classes])
    made = helper.make_graph(nodes, network.name, [x], [y], arrays)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model
