"""Serves a model by llama.cpp at 127.0.0.1 until it is ended: python tests/weights/llama_server.py FOLDER MODEL CONTEXT."""

import signal
import sys


def main() -> None:
    folder, model, context = sys.argv[1:]
    sys.path.insert(0, folder)
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.n_ctx = int(context)
    settings.n_parallel = 1
    settings.n_batch = settings.n_ubatch = 128  # a peer that leaves is noticed between two batches
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.cpuparams.n_threads = 2
    settings.sampling.temp = 0.0
    settings.endpoint_metrics = True
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
