/* Capture worklet: turns the device's samples, at whatever rate, into 16 kHz 16-bit PCM. */

const RATE = 16000;
const CHUNK = 320; // 20 ms
const PHASES = 128;
const ZERO_CROSSINGS = 16;
const PASS_BAND = 0.92; // of the lower of both Nyquist frequencies

class Resampler {
  constructor(from, to) {
    const narrowing = Math.min(1, to / from);
    this.step = from / to;
    this.half = Math.ceil(ZERO_CROSSINGS / narrowing);
    this.position = this.half; // of the next output, in input samples
    this.input = new Float32Array(2 * this.half);
    this.kernels = [];
    for (let phase = 0; phase <= PHASES; phase += 1) {
      this.kernels.push(this.kernel(phase / PHASES, narrowing * PASS_BAND));
    }
  }

  /** Return the windowed sinc for outputs that lie `fraction` of a sample after an input sample. */
  kernel(fraction, cutoff) {
    const taps = new Float32Array(2 * this.half);
    for (let index = 0; index < taps.length; index += 1) {
      const x = index - this.half + 1 - fraction;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      taps[index] = cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / this.half));
    }
    return taps;
  }

  push(samples, emit) {
    const input = new Float32Array(this.input.length + samples.length);
    input.set(this.input);
    input.set(samples, this.input.length);
    while (this.position + this.half < input.length) {
      const whole = Math.floor(this.position);
      const taps = this.kernels[Math.round((this.position - whole) * PHASES)];
      let sum = 0;
      for (let index = 0; index < taps.length; index += 1) {
        sum += taps[index] * input[whole - this.half + 1 + index];
      }
      emit(sum);
      this.position += this.step;
    }
    const done = Math.floor(this.position) - this.half;
    this.input = input.slice(done);
    this.position -= done;
  }
}

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.startChunk();
  }

  startChunk() {
    this.chunk = new Int16Array(CHUNK);
    this.length = 0;
    this.energy = 0;
  }

  process(inputs) {
    if (inputs[0].length > 0) {
      this.resampler.push(inputs[0][0], (sample) => this.add(sample));
    }
    return true;
  }

  add(sample) {
    const clipped = Math.max(-1, Math.min(1, sample));
    this.chunk[this.length] = Math.round(clipped * 32767);
    this.energy += clipped * clipped;
    this.length += 1;
    if (this.length === CHUNK) {
      const pcm = this.chunk.buffer;
      this.port.postMessage({ pcm: pcm, level: Math.sqrt(this.energy / CHUNK) }, [pcm]);
      this.startChunk();
    }
  }
}

registerProcessor("capture", Capture);
