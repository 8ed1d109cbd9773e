/* Microphone: opened when the person allows it, read as 16 kHz PCM in chunks of 20 ms. */

export const Problem = Object.freeze({
  INSECURE: "insecure",
  NO_WORKLET: "no-worklet",
  DENIED: "denied",
  MISSING: "missing",
  BUSY: "busy",
  TAKEN: "taken",
});

const PROBLEMS = { NotAllowedError: Problem.DENIED, SecurityError: Problem.DENIED, NotFoundError: Problem.MISSING };
const CLOSE_AFTER_MS = 20000;

/** Return why there can be no microphone on this page, or null. */
export function findProblem(scope) {
  if (!scope.isSecureContext || !scope.navigator.mediaDevices) {
    return Problem.INSECURE;
  }
  return typeof scope.AudioWorkletNode === "undefined" ? Problem.NO_WORKLET : null;
}

export class Microphone {
  /** `onAudio(buffer, level)` gets each chunk while streaming, `onLost()` is called when the device is taken away. */
  constructor(onAudio, onLost) {
    this.onAudio = onAudio;
    this.onLost = onLost;
    this.isStreaming = false;
    this.stream = null;
    this.context = null;
    this.opening = null;
    this.closeTimer = 0;
  }

  /** Whether sound comes in, which a phone that sleeps stops. */
  get isLive() {
    return this.stream !== null && this.stream.getAudioTracks()[0].readyState === "live" && this.context !== null &&
      this.context.state === "running";
  }

  /** The track that is being streamed, or null. */
  get track() {
    return this.isStreaming && this.stream !== null ? this.stream.getAudioTracks()[0] : null;
  }

  /** Open the device, after asking the person where needed. Throws a Problem. */
  open() {
    clearTimeout(this.closeTimer);
    if (this.stream !== null) {
      return Promise.resolve();
    }
    if (this.opening === null) {
      this.opening = this.openDevice().finally(() => {
        this.opening = null;
      });
    }
    return this.opening;
  }

  setStreaming(isStreaming) {
    this.isStreaming = isStreaming;
    clearTimeout(this.closeTimer);
    if (!isStreaming && this.stream !== null) {
      this.closeTimer = setTimeout(() => this.close(), CLOSE_AFTER_MS);
    }
  }

  async openDevice() {
    const problem = findProblem(window);
    if (problem !== null) {
      throw problem;
    }
    const constraints = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: constraints });
    } catch (error) {
      throw PROBLEMS[error.name] || Problem.BUSY;
    }
    this.stream.getAudioTracks()[0].onended = () => this.onEnded();
    await this.connect();
  }

  async connect() {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.context = context;
    await context.audioWorklet.addModule("/capture-worklet.js");
    await context.resume();
    const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = (message) => {
      if (this.isStreaming) {
        this.onAudio(message.data.pcm, message.data.level);
      }
    };
    context.createMediaStreamSource(this.stream).connect(node);
  }

  onEnded() {
    this.close();
    this.onLost();
  }

  close() {
    clearTimeout(this.closeTimer);
    if (this.stream !== null) {
      this.stream.getTracks().forEach((track) => {
        track.onended = null;
        track.stop();
      });
      this.stream = null;
    }
    if (this.context !== null) {
      this.context.close();
      this.context = null;
    }
  }
}
