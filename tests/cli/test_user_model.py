"""``--model FILE.py``: networks of the user's own, and what is said of files that define none."""

from __future__ import annotations

import pytest

from tests.cli.conftest import record_of, run

HEAD = "import omomi\nfrom omomi.layers import Dense, Flatten, Layer, Rescaling\n"


def write(body: str, name: str = "net.py") -> str:
    with open(name, "w") as file:
        file.write(HEAD + body)
    return name


def test_an_uncompiled_network():
    write("""
def build_model(input_shape, classes):
    return omomi.Sequential([Rescaling(1 / 16, input_shape=input_shape), Flatten(), Dense(classes, "softmax")])
""")
    result = run("train", "--model", "net.py", "--epochs", 3, "--out", "run", "--optimizer", "sgd")
    assert result.exit_code == 0, result.stderr
    record = record_of("run")
    assert (record["options"]["model"], record["options"]["optimizer"]) == ("net.py", "SGD")
    assert record["parameters"] == 650
    assert "no Rescaling" not in result.stderr


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mean_squared_error", "logits"])
def test_a_compiled_network_keeps_its_loss(loss):
    activation = None if loss == "logits" else "softmax"
    loss = "omomi.losses.SparseCategoricalCrossentropy(from_logits=True)" if loss == "logits" else repr(loss)
    write(f"""
def build_model(input_shape, classes):
    model = omomi.Sequential([Flatten(input_shape=input_shape), Dense(classes, {activation!r})])
    model.compile("adam", {loss})
    return model
""")
    result = run("train", "--model", "net.py", "--epochs", 5, "--batch-size", 8, "--out", "run")
    assert result.exit_code == 0, result.stderr
    assert "goes up to 16" in result.stderr
    record = record_of("run")
    assert record["options"]["optimizer"] == "Adam"
    assert record["result"]["test_accuracy"] > 0.5
    again = run("evaluate", "run")
    assert f"{100 * record['result']['test_accuracy']:.2f} %" in again.stdout


def test_layers_of_ones_own_are_found_again_in_the_file():
    write("""
class Half(Layer):
    def call(self, x):
        return x * 0.5

def build_model(input_shape, classes):
    return omomi.Sequential([Rescaling(1 / 16, input_shape=input_shape), Half(), Flatten(), Dense(classes, "softmax")])
""")
    assert run("train", "--model", "net.py", "--epochs", 1, "--out", "run").exit_code == 0
    without = run("evaluate", "run")
    assert without.exit_code == 1
    assert "no layer named 'Half'" in without.stderr
    assert run("evaluate", "run", "--model", "net.py").exit_code == 0
    assert run("draw", "run", "--model", "net.py").exit_code == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "no function build_model"),
        ("def build_model(input_shape, classes):\n    pass\n", "is a return missing?"),
        ("def build_model(input_shape, classes):\n    return 3\n", "received: int"),
        ("def build_model(input_shape, classes):\n    return nonsense\n", "net.py, line 4: NameError"),
        ("def build_model(input_shape, classes)\n    pass\n", "net.py, line 3: SyntaxError"),
        ("import exit_the_program\n", "net.py, line 3: ModuleNotFoundError"),
        ("raise SystemExit(0)\n", "net.py, line 3: SystemExit"),
        ("def build_model(shape):\n    pass\n", "TypeError"),
        ("def build_model(input_shape, classes):\n    return Dense(classes, 'rellu')\n", "did you mean 'relu'"),
        (
            "def build_model(shape, n):\n    return omomi.Sequential([Flatten(input_shape=shape), Dense(5)])\n",
            "an output of shape (N, 10)",
        ),
        (
            "def build_model(shape, n):\n    return omomi.Sequential([Flatten(input_shape=(9, 9)), Dense(n)])\n",
            "does not fit the model's input",
        ),
        (
            "def build_model(shape, n):\n"
            "    model = omomi.Sequential([Flatten(input_shape=shape), Dense(n)])\n"
            "    model.compile('sgd', lambda t, y: (t - y) * (t - y))\n"
            "    return model\n",
            "cannot be written to a file",
        ),
    ],
)
def test_a_file_that_defines_no_network(body, said):
    write(body)
    result = run("train", "--model", "net.py", "--out", "run")
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_file():
    result = run("train", "--model", "nets/none.py")
    assert result.exit_code == 1
    assert "no such file" in result.stderr
