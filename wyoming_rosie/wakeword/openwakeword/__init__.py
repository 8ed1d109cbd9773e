"""openWakeWord's networks as exact streaming networks on onnxruntime: files, graphs, and what runs them."""
