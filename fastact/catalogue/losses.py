"""The losses that end a network: kernels/losses/. Each is one number a row, or a logit, with its gradient."""

from dataclasses import replace

from fastact.catalogue.signatures import AXIS, GRAD_OUT, LOGITS, REDUCTION, REQUIRED, Argument, smoothing
from fastact.catalogue.spec import Spec, ulp

OF_ROWS = (
    LOGITS,
    Argument(
        "targets",
        "targets",
        "reduced",
        1,
        REQUIRED,
        True,
        doc="Class labels: integers from 0 on, of the shape of `logits` without `axis`. Or class probabilities: "
        "floats, of the shape of `logits`; they need not sum to 1.",
    ),
    replace(AXIS, doc="The axis along which the classes lie."),
    replace(
        REDUCTION,
        doc=f"{REDUCTION.doc} The mean is the sum divided by the sum of the class weights of the labels that are not "
        "ignored, each times the `weight` of its row; with probabilities, by the number of rows, or the sum of `weight`. "
        "The mean of no rows is NaN.",
    ),
    Argument("class_weight", "weight", "classes", 3, doc="A weight for each class; by default all are 1."),
    Argument(
        "weight",
        "weight",
        "rows",
        6,
        doc="Factor of the loss of each row, broadcast to the shape of `logits` without `axis` as NumPy does.",
    ),
    smoothing("The part of every target that is spread evenly over all classes."),
    Argument("ignore_label", "index", doc="Rows with this label are ignored: their loss and their gradient are 0."),
    replace(GRAD_OUT, operand=4),
)
BROADCAST = "broadcast to the shape of `logits` as NumPy does"
OF_ELEMENTS = (
    LOGITS,
    Argument(
        "targets",
        "targets",
        "like",
        1,
        REQUIRED,
        True,
        doc="Probabilities from 0 to 1, of the shape of `logits`: floats, bools or integers.",
    ),
    replace(REDUCTION, doc=f"{REDUCTION.doc} The mean of no elements is NaN."),
    Argument(
        "weight",
        "weight",
        "broadcast",
        2,
        doc=f"Factor of the loss of each element, {BROADCAST}. The mean is not divided by it.",
    ),
    Argument(
        "pos_weight",
        "weight",
        "broadcast",
        3,
        doc=f"Factor of the loss's positive term, that of t, {BROADCAST}: a vector has one weight a class along the "
        "last axis.",
    ),
    smoothing("How far targets are moved towards 1/2: 0 leaves them, 1 makes all of them 1/2."),
    replace(GRAD_OUT, operand=4),
)

SPECS: tuple[Spec, ...] = (
    Spec(
        name="softmax_cross_entropy",
        title="Cross-entropy of the softmax of rows of logits",
        kind="loss",
        arguments=OF_ROWS,
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
        arguments=OF_ELEMENTS,
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
