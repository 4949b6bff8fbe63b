"""A model of one operator, run by ONNX Runtime from one array into another without a copy."""

from fastact._bench.peers import ONNX


def runner(activation, parameters, x, out, threads):
    """Return a function that computes an activation of x into out, and returns it."""
    import onnxruntime
    from onnx import helper

    operator, attributes = ONNX[activation]
    attributes = {name: parameters.get(value, value) for name, value in attributes.items()}
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    x_info, y_info = (helper.make_tensor_value_info(name, kind, x.shape) for name in "xy")
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], **attributes)], "one", [x_info], [y_info])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, x.dtype, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, out.dtype, out.shape, out.ctypes.data)

    def run(arrays=(x, out)):  # which live as long as this does
        session.run_with_iobinding(binding)
        return arrays[1]

    return run
