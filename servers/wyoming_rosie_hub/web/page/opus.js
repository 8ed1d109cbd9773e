/* Opus: the codec of WebCodecs, for sound that goes through the WebSocket. */

const IN_RATE = 16000; // of the microphone's chunks
const OUT_RATE = 48000;
const BITS_PER_SECOND = 32000;
const MAX_WAITING = 25; // chunks of 20 ms; a device that is slower than its microphone loses sound
const ENCODING = {
  codec: "opus",
  sampleRate: IN_RATE,
  numberOfChannels: 1,
  bitrate: BITS_PER_SECOND,
  opus: { frameDuration: 20000 },
};
const DECODING = { codec: "opus", sampleRate: OUT_RATE, numberOfChannels: 1 };

/** Return whether this browser can encode and decode Opus. */
export async function hasOpus(scope) {
  if (!scope.AudioEncoder || !scope.AudioDecoder) {
    return false;
  }
  try {
    const found = await Promise.all([scope.AudioEncoder.isConfigSupported(ENCODING), scope.AudioDecoder.isConfigSupported(DECODING)]);
    return found.every((one) => one.supported);
  } catch (error) {
    return false;
  }
}

export class OpusEncoder {
  /** `onPacket(buffer)` gets each packet, `onLost()` is called once if the encoder fails. */
  constructor(onPacket, onLost) {
    this.at = 0; // microseconds
    this.encoder = new AudioEncoder({
      output: (chunk) => {
        const packet = new ArrayBuffer(chunk.byteLength);
        chunk.copyTo(packet);
        onPacket(packet);
      },
      error: onLost,
    });
    this.encoder.configure(ENCODING);
  }

  encode(pcm) {
    if (this.encoder.state !== "configured" || this.encoder.encodeQueueSize > MAX_WAITING) {
      return;
    }
    const frames = pcm.byteLength / 2;
    const sound = new AudioData({
      format: "s16",
      sampleRate: IN_RATE,
      numberOfFrames: frames,
      numberOfChannels: 1,
      timestamp: this.at,
      data: pcm,
    });
    this.at += (1000000 * frames) / IN_RATE;
    this.encoder.encode(sound);
    sound.close();
  }

  close() {
    if (this.encoder.state !== "closed") {
      this.encoder.close();
    }
  }
}

export class OpusDecoder {
  /** `onSamples(samples)` gets what is decoded, from -1 to 1, at 48 kHz. */
  constructor(onSamples) {
    this.at = 0;
    this.decoder = new AudioDecoder({
      output: (sound) => {
        const samples = new Float32Array(sound.numberOfFrames);
        sound.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        sound.close();
        onSamples(samples);
      },
      error: () => {}, // the rest of the answer is not heard; its text is there
    });
    this.decoder.configure(DECODING);
  }

  decode(packet) {
    if (this.decoder.state === "configured") {
      this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: this.at, data: packet }));
      this.at += 20000;
    }
  }

  /** Return a promise that ends when everything given was decoded. */
  flush() {
    return this.decoder.state === "configured" ? this.decoder.flush().catch(() => {}) : Promise.resolve();
  }

  close() {
    if (this.decoder.state !== "closed") {
      this.decoder.close();
    }
  }
}
