"""The losses that end a network: kernels/losses/. Each is one number a row, or a logit, with its gradient."""

from fastact.catalogue.spec import Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="softmax_cross_entropy",
        title="Cross-entropy of the softmax of rows of logits",
        kind="loss",
        formula="sum(where(t > 0, t * (max(logits) + log(sum(exp(logits - max(logits)))) - logits), 0))",
        gradient="softmax(logits) * sum(t) - t",
        terms={"gradient": "softmax(logits) * sum(t) + t"},
        range=("0", "inf"),
        elsewhere={
            "torch.nn": "CrossEntropyLoss",
            "torch.nn.functional": "cross_entropy",
            "ONNX": "SoftmaxCrossEntropyLoss",
        },
        bounds=ulp(forward=(4.0, 4.0), gradient=(4.0, 4.0)),
        related=("softmax", "log_softmax", "sigmoid_cross_entropy"),
        notes="""\
t are the targets: probabilities, or 1 at a row's label and 0 elsewhere, so that the loss is ``-log(softmax(logits))`` at the label. `class_weight` multiplies the term of each class, and `label_smoothing` s replaces t by (1 - s) * t + s / classes.

A subnormal softmax has fewer digits, and so has the gradient then. A row that has a NaN or +inf, or is all -inf, becomes NaN.""",
        source="label smoothing: Szegedy and others, Rethinking the Inception architecture for computer vision, 2016",
        examples={
            "forward": """\
>>> logits = np.array([[0.0, 0.0], [60.0, 0.0]])
>>> fa.softmax_cross_entropy(logits, [0, 0], reduction="none")
array([6.93147181e-01, 8.75651076e-27])
>>> fa.softmax_cross_entropy(logits, [0, 0], grad_out=logits)
np.float64(0.34657359027997264)
>>> logits
array([[-2.50000000e-01,  2.50000000e-01],
       [-4.37825538e-27,  4.37825538e-27]])""",
        },
    ),
    Spec(
        name="sigmoid_cross_entropy",
        title="Cross-entropy of the sigmoid of logits, element by element",
        kind="loss",
        formula="maximum(logits, 0) - logits * t + log1p(exp(-abs(logits)))",
        gradient="1 / (1 + exp(-logits)) - t",
        terms={"gradient": "1 / (1 + exp(-logits)) + t"},
        range=("0", "inf"),
        elsewhere={"torch.nn": "BCEWithLogitsLoss", "torch.nn.functional": "binary_cross_entropy_with_logits"},
        bounds=ulp(forward=(4.0, 4.0), gradient=(4.0, 4.0)),
        related=("sigmoid", "log_sigmoid", "softmax_cross_entropy"),
        notes="""\
t are the targets. The loss is ``-t * log(sigmoid(logits)) - (1 - t) * log(1 - sigmoid(logits))``, of which `pos_weight` multiplies the first term. `label_smoothing` s replaces t by (1 - s) * t + s / 2.""",
        examples={
            "forward": """\
>>> logits = np.array([0.0, 60.0])
>>> fa.sigmoid_cross_entropy(logits, [0, 1], reduction="none")
array([6.93147181e-01, 8.75651076e-27])
>>> fa.sigmoid_cross_entropy(logits, [0, 1], reduction="sum", grad_out=logits)
np.float64(0.6931471805599453)
>>> logits
array([ 5.00000000e-01, -8.75651076e-27])""",
        },
    ),
)
