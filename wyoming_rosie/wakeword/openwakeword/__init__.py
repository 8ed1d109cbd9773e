"""openWakeWord's networks as exact streaming networks on onnxruntime: model files, graphs and inference."""
