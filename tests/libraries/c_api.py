"""fastact.h by ctypes, and every call that it has beside the same in Python."""

from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int, c_ssize_t, c_uint32, c_void_p

import numpy as np

import fastact as fa
from fastact.catalogue import SPECS
from fastact.catalogue.signatures import bare_calls

ROLES = ("forward", "derivative", "backward", "backward_y")
TYPES = (np.float32, np.float64)
OK, NO_FUNCTION, NO_OPERAND, SIZE, PARAMETER, OVERLAP, MEMORY = range(7)


class Described(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("role", c_int),
        ("type", c_int),
        ("inputs", c_int),
        ("outputs", c_int),
        ("by_rows", c_int),
        ("parameters", c_int),
        ("defaults", POINTER(c_double)),
        ("single", c_uint32),
    ]


class Interface(Structure):
    _fields_ = [
        ("version", c_uint32),
        ("size", c_uint32),
        ("functions", POINTER(POINTER(Described))),
        ("count", c_ssize_t),
        ("find", CFUNCTYPE(POINTER(Described), c_char_p, c_int, c_int)),
        (
            "run",
            CFUNCTYPE(
                c_int,
                POINTER(Described),
                POINTER(c_double),
                c_ssize_t,
                c_ssize_t,
                POINTER(c_void_p),
                POINTER(c_ssize_t),
                POINTER(c_ssize_t),
            ),
        ),
        ("explain", CFUNCTYPE(c_char_p, c_int)),
    ]


api = Interface.from_address(fa.get_c_api())


def find(name, role="forward", dtype=np.float32):
    """Return the function, a null pointer if there is none."""
    return api.find(name.encode(), ROLES.index(role), TYPES.index(np.dtype(dtype)))


def run(function, operands, rows, n, row_steps=None, steps=None, parameters=None):
    """Return the status of a call; operands are arrays, addresses, or None."""
    at = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in operands]

    def vector(kind, values):
        return None if values is None else (kind * len(values))(*values)

    return api.run(
        function,
        vector(c_double, parameters),
        rows,
        n,
        (c_void_p * len(at))(*at),
        vector(c_ssize_t, row_steps),
        vector(c_ssize_t, steps),
    )


CALLS = [(name, role) for name, spec in SPECS.items() for role in bare_calls(spec)]


class Call:
    """A call of the C interface, by the names that the catalogue gives its operands."""

    def __init__(self, name, role, dtype):
        self.name, self.role, self.dtype = name, role, np.dtype(dtype)
        self.spec = SPECS[name]
        self.arguments = bare_calls(self.spec)[role]
        self.operands = [a for a in self.arguments if a.role != "parameter"]
        self.inputs = [a for a in self.operands if a.role != "output"]
        self.outputs = [a for a in self.operands if a.role == "output"]
        self.parameters = [a.name for a in self.arguments if a.role == "parameter"]
        self.function = find(name, role, dtype)

    def shape(self, argument, rows, n):
        """Return an operand's shape; a weight is a vector along the last axis."""
        return (rows,) if argument.shape == "reduced" else (n,) if argument.role == "weight" else (rows, n)

    def arrays(self, rows, n, seed=0):
        """Return inputs by name."""
        generator = np.random.default_rng(seed)
        made = {a.name: generator.normal(scale=2, size=self.shape(a, rows, n)).astype(self.dtype) for a in self.inputs}
        if "y" in made:
            made["y"] = fa.get(self.name)(made["y"], **self.typical, **self.weights(made)).astype(self.dtype)
        return {name: np.abs(a) if self.is_weight(name) else a for name, a in made.items()}

    def is_weight(self, name):
        return any(a.name == name and a.role == "weight" for a in self.inputs)

    def weights(self, arrays):
        return {name: np.abs(a) for name, a in arrays.items() if self.is_weight(name)} | (
            {"axis": -1} if any(a.role == "weight" for a in self.inputs) else {}
        )

    @property
    def typical(self):
        """Parameters that are not the defaults."""
        return {p.name: (p.examples or (p.default,))[0] for p in self.spec.parameters if p.name in self.parameters} | (
            {"scale": 0.7} if "scale" in self.parameters else {}
        )

    def expected(self, arrays, **parameters):
        """Return what Python's call gives, a tuple."""
        function = fa.get(self.name)
        function = function if self.role == "forward" else getattr(function, self.role.removesuffix("_y"))
        axis = {"axis": -1} if any(a.role == "weight" for a in self.inputs) else {}
        result = function(**arrays, **parameters, **axis)
        return result if isinstance(result, tuple) else (result,)

    def new_outputs(self, rows, n):
        return {a.name: np.full(self.shape(a, rows, n), 77, self.dtype) for a in self.outputs}

    def run(self, arrays, rows, n, parameters=None):
        """Return the status of a call on matrices (vectors for what has one element a row), whatever their strides."""
        row_steps, steps = [], []
        for a in self.operands:
            array = arrays[a.name]
            strides = (*array.strides, 0) if a.shape == "reduced" else (0, *array.strides)[-2:]
            row_steps.append(strides[0])
            steps.append(strides[1])
        given = None if parameters is None else [parameters[name] for name in self.parameters]
        return run(self.function, [arrays[a.name] for a in self.operands], rows, n, row_steps, steps, given)
