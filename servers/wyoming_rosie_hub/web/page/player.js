/* Player: plays an answer as it arrives, in the WebSocket or as a track, and the tones of the page. */

import { OpusDecoder } from "./opus.js";

const TRACK_RATE = 48000;
const TRACK_TAIL_MS = 250; // what the browser's jitter buffer may hold when the hub has sent everything
const LEAD_SECONDS = 0.03; // before the first chunk, so that the second one is never late

export class Player {
  /** `onPlayed()` is called when an answer was heard to its end, `onBlocked()` when the browser allows no sound yet. */
  constructor(onPlayed, onBlocked) {
    this.onPlayed = onPlayed;
    this.onBlocked = onBlocked;
    this.volume = 0.8;
    this.contexts = new Map(); // by rate: a context of the sound's own rate joins chunks without a seam
    this.sources = new Set();
    this.current = null; // context, gain and analyser of the answer
    this.format = null;
    this.at = 0;
    this.hasEnd = false;
    this.decoder = null; // of an answer in Opus
    this.track = null; // of WebRTC: its element and its gain, which is closed between answers
    this.tailTimer = 0;
  }

  /** Open the output while the person still speaks, which takes a browser tens of milliseconds. */
  prepare(rate) {
    this.outputFor(rate).context.resume();
  }

  start(format) {
    this.stop();
    this.format = format;
    this.current = this.outputFor(format.rate);
    this.at = 0;
    this.hasEnd = false;
    if (format.transport === "opus") {
      this.decoder = new OpusDecoder((samples) => this.addSamples(samples));
    } else if (format.transport === "webrtc") {
      this.setTrackGain(1);
    }
    this.resume();
  }

  add(buffer) {
    if (this.decoder !== null) {
      this.decoder.decode(buffer);
    } else {
      this.addSamples(toFloat(buffer, this.format));
    }
  }

  addSamples(samples) {
    if (samples.length === 0) {
      return;
    }
    const context = this.current.context;
    const audio = context.createBuffer(1, samples.length, this.format.rate);
    audio.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = audio;
    source.connect(this.current.gain);
    source.onended = () => this.onSourceEnded(source);
    this.at = Math.max(this.at, context.currentTime + LEAD_SECONDS);
    source.start(this.at);
    this.at += audio.duration;
    this.sources.add(source);
  }

  /** All of the answer has arrived. */
  end() {
    if (this.decoder !== null) {
      const decoder = this.decoder;
      decoder.flush().then(() => {
        if (decoder === this.decoder) {
          this.endSources();
        }
      });
    } else if (this.isOnTrack) {
      this.tailTimer = setTimeout(() => this.finish(), TRACK_TAIL_MS);
    } else {
      this.endSources();
    }
  }

  endSources() {
    this.hasEnd = true;
    if (this.sources.size === 0) {
      this.finish();
    }
  }

  get isOnTrack() {
    return this.format !== null && this.format.transport === "webrtc" && this.track !== null;
  }

  /** Be silent at once. */
  stop() {
    this.hasEnd = false;
    clearTimeout(this.tailTimer);
    this.setTrackGain(0);
    if (this.decoder !== null) {
      this.decoder.close();
      this.decoder = null;
    }
    this.sources.forEach((source) => {
      source.onended = null;
      source.stop();
    });
    this.sources.clear();
  }

  setVolume(percent) {
    this.volume = percent / 100;
    this.contexts.forEach((output) => {
      output.gain.gain.value = this.volume * this.volume; // as loud as a person expects of the number
    });
  }

  /** Return how loud it plays, 0 to 1. */
  level() {
    if (this.current === null || (this.sources.size === 0 && !this.isOnTrack)) {
      return 0;
    }
    const samples = new Float32Array(this.current.analyser.fftSize);
    this.current.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  /** Play a track of WebRTC, but only between `start` and `stop`. */
  openTrack(stream) {
    this.closeTrack();
    const output = this.outputFor(TRACK_RATE);
    const element = new Audio();
    element.muted = true; // Chromium gives a remote track's sound to Web Audio only while an element plays it
    element.srcObject = stream;
    element.play().catch(() => {});
    const source = output.context.createMediaStreamSource(stream);
    const gain = output.context.createGain();
    source.connect(gain).connect(output.gain);
    this.track = { element: element, source: source, gain: gain };
    this.setTrackGain(0);
  }

  closeTrack() {
    if (this.track !== null) {
      this.track.element.srcObject = null;
      this.track.source.disconnect();
      this.track.gain.disconnect();
      this.track = null;
    }
  }

  setTrackGain(value) {
    if (this.track !== null) {
      this.track.gain.gain.value = value;
    }
  }

  /** Let sound out, which a browser may forbid until the person has touched the page. */
  async resume() {
    const context = (this.current || this.outputFor(TRACK_RATE)).context;
    const blocked = setTimeout(() => {
      if (context.state === "suspended") {
        this.onBlocked();
      }
    }, 300);
    await context.resume();
    clearTimeout(blocked);
  }

  /** Play notes, each [frequency in Hz, start in seconds]. */
  chime(notes) {
    const output = this.outputFor(TRACK_RATE);
    output.context.resume();
    notes.forEach((note) => this.playNote(output, note[0], output.context.currentTime + note[1]));
  }

  playNote(output, frequency, at) {
    const envelope = output.context.createGain();
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(0.25, at + 0.02);
    envelope.gain.exponentialRampToValueAtTime(0.001, at + 0.45);
    const tone = output.context.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(envelope).connect(output.gain);
    tone.start(at);
    tone.stop(at + 0.5);
  }

  onSourceEnded(source) {
    this.sources.delete(source);
    if (this.hasEnd && this.sources.size === 0) {
      this.finish();
    }
  }

  finish() {
    this.hasEnd = false;
    this.setTrackGain(0);
    this.onPlayed();
  }

  outputFor(rate) {
    if (!this.contexts.has(rate)) {
      const context = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
      const gain = context.createGain();
      const analyser = context.createAnalyser();
      analyser.fftSize = 512;
      gain.connect(analyser).connect(context.destination);
      this.contexts.set(rate, { context: context, gain: gain, analyser: analyser });
      this.setVolume(this.volume * 100);
    }
    return this.contexts.get(rate);
  }
}

/** Return the first channel of 16-bit PCM as samples from -1 to 1. */
export function toFloat(buffer, format) {
  const frames = Math.floor(buffer.byteLength / (2 * format.channels));
  const view = new DataView(buffer);
  const samples = new Float32Array(frames);
  for (let index = 0; index < frames; index += 1) {
    samples[index] = view.getInt16(2 * format.channels * index, true) / 32768;
  }
  return samples;
}
