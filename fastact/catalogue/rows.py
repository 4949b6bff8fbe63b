"""Functions of whole rows: kernels/rows.h."""

from fastact.catalogue.row import Row, ulp

ROWS: tuple[Row, ...] = (
    Row(
        name="softmax",
        title="Softmax of the rows along an axis",
        formula="exp(x - max(x)) / sum(exp(x - max(x)))",
        backward_y="y * (grad - sum(grad * y))",
        range=("0", "1"),
        kind="rowwise",
        bounds=ulp(forward=(3.0, 3.0), backward_y=(3.0, 3.0)),
        notes="A row that has a NaN or +inf, or is all -inf, becomes NaN.",
        examples={
            "forward": """\
>>> fa.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
array([[0.5, 0.5],
       [1. , 0. ]])
>>> fa.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]), axis=0)
array([[0. , 0.5],
       [1. , 0.5]])""",
            "backward": """\
>>> fa.softmax.backward(np.array([1.0, 0.0]), y=np.array([0.5, 0.5]))
array([ 0.25, -0.25])""",
        },
    ),
)
