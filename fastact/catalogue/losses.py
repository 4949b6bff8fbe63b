"""The losses that end a network: kernels/losses/. Each is one number a row, or a logit, with its gradient."""

from fastact.catalogue.row import Row, ulp

ROWS: tuple[Row, ...] = (
    Row(
        name="softmax_cross_entropy",
        title="Cross-entropy of the softmax of rows of logits",
        kind="loss",
        formula="-sum(t * log(softmax(logits)))",
        range=("0", "inf"),
        bounds=ulp(forward=(4.0, 4.0), gradient=(4.0, 4.0)),
        examples={},
        page="""\
Cross-entropy of the softmax of rows of logits, and its gradient in the same pass.

``-log(softmax(logits))`` at each row's label; of rows of probabilities t, ``-sum(t * log(softmax(logits)))``.

Parameters
----------
logits : array_like
    float32 or float64; integers and bools are converted to float64.
targets : array_like
    Labels, integers from 0 on, of the shape of `logits` without `axis`; or rows of probabilities, float32 or
    float64, of the shape of `logits`. These need not sum to 1.
axis : int, default -1
    The axis along which the classes lie.
reduction : {"mean", "sum", "none"}
    What becomes of the losses of the rows. The mean is the sum divided by that of the weights of the labels that
    count; of probabilities, by the number of rows. Of no rows it is NaN.
class_weight : array_like, optional
    A vector of a weight for each class, finite and at least 0. By default all are 1.
label_smoothing : float, default 0.0
    How much of every target, from 0 to 1, is shared out evenly among all classes.
ignore_label : int, optional
    Rows with this label do not count: their loss is 0, and so is their gradient.
grad_out : array, optional
    Where to write the gradient of what is returned (for "none", of its sum) with respect to `logits`, of their
    shape and type; `logits` itself for a result in place.

Returns
-------
scalar or array
    The loss, in the type of `logits`: a NumPy scalar, or for "none" an array of the shape of `logits` without
    `axis`.

Raises
------
TypeError, ValueError
    Before anything is written; the message for a bad label has the first one's position.

Notes
-----
Error: at most 4 ulp of the loss, however small it is; of the gradient, 4 ulp of the sum of the absolute terms. No
bit depends on strides or the number of threads. A row that has a NaN or +inf, or is all -inf, becomes NaN.

Examples
--------
>>> import numpy as np
>>> import fastact as fa
>>> logits = np.array([[0.0, 0.0], [60.0, 0.0]])
>>> fa.softmax_cross_entropy(logits, [0, 0], reduction="none")
array([6.93147181e-01, 8.75651076e-27])
>>> fa.softmax_cross_entropy(logits, [0, 0], grad_out=logits)
np.float64(0.34657359027997264)
>>> logits
array([[-2.50000000e-01,  2.50000000e-01],
       [-4.37825538e-27,  4.37825538e-27]])
""",
    ),
    Row(
        name="sigmoid_cross_entropy",
        title="Cross-entropy of the sigmoid of logits, one by one",
        kind="loss",
        formula="maximum(z, 0) - z * t + log(1 + exp(-abs(z)))",
        range=("0", "inf"),
        bounds=ulp(forward=(4.0, 4.0), gradient=(4.0, 4.0)),
        examples={},
        page="""\
Cross-entropy of the sigmoid of logits, one by one, and its gradient in the same pass.

``max(z, 0) - z * t + log(1 + exp(-abs(z)))`` of logits z and targets t.

Parameters
----------
logits : array_like
    float32 or float64; integers and bools are converted to float64.
targets : array_like
    Of the shape of `logits`: floats, bools or integers, 0 to 1.
reduction : {"mean", "sum", "none"}
    What becomes of the losses of the elements. Of no elements the mean is NaN.
weight : array_like, optional
    Of the shape of `logits`, at least 0: what the losses are multiplied by. The mean is not divided by it.
pos_weight : array_like, optional
    A number or a vector along the last axis, at least 0: what the part of the loss is multiplied by that has t.
label_smoothing : float, default 0.0
    How far, from 0 to 1, targets are moved towards 1/2.
grad_out : array, optional
    Where to write the gradient of what is returned (for "none", of its sum) with respect to `logits`, of their
    shape and type; `logits` itself for a result in place.

Returns
-------
scalar or array
    The loss, in the type of `logits`: a NumPy scalar, or for "none" an array of their shape.

Raises
------
TypeError, ValueError
    Before anything is written.

Notes
-----
Error: at most 4 ulp of the loss, however small it is; of the gradient, 4 ulp of the sum of the absolute terms. No
bit depends on strides or the number of threads.

Examples
--------
>>> import numpy as np
>>> import fastact as fa
>>> logits = np.array([0.0, 60.0])
>>> fa.sigmoid_cross_entropy(logits, [0, 1], reduction="none")
array([6.93147181e-01, 8.75651076e-27])
>>> fa.sigmoid_cross_entropy(logits, [0, 1], reduction="sum", grad_out=logits)
np.float64(0.6931471805599453)
>>> logits
array([ 5.00000000e-01, -8.75651076e-27])
""",
    ),
)
