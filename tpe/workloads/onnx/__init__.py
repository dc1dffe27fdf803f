"""What reading and running an ONNX model takes beside its shapes and values."""
