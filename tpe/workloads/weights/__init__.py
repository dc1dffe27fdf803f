"""Files of quantised weights, GGUF and safetensors, read without the packages that wrote them."""
