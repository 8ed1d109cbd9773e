/* Transports: how the sound travels. The best one that hub and browser have, and another by itself when it breaks. */

import { OpusEncoder } from "./opus.js";
import { WebRtc } from "./webrtc.js";

export const Transport = Object.freeze({ PCM: "pcm", OPUS: "opus", WEBRTC: "webrtc" });

const WANTED = { websocket: [Transport.OPUS], opus: [Transport.OPUS], pcm: [] };
const BEST = [Transport.WEBRTC, Transport.OPUS];
const WATCH_MS = 500;
const SILENCE_MS = 1500; // the hub sends a packet every 20 ms while it speaks
const RETRY_MS = 60000;

/** Return the transports to try, the best first; PCM, the last resort, is not among them. */
export function rank(offered, wanted, hasWebRtc, hasOpus) {
  const able = { [Transport.WEBRTC]: hasWebRtc, [Transport.OPUS]: hasOpus };
  return (WANTED[wanted] || BEST).filter((one) => offered.indexOf(one) >= 0 && able[one]);
}

export class Transports {
  /** `outputs` has choose(transport), sendBinary(buffer), openTrack(stream) and closeTrack(). */
  constructor(outputs) {
    this.outputs = outputs;
    this.current = Transport.PCM;
    this.ranked = [];
    this.offer = null;
    this.encoder = null;
    this.webRtc = null;
    this.track = null; // of the microphone, while it is streamed
    this.isHeld = false; // no change while the person speaks
    this.watchTimer = 0;
    this.retryTimer = 0;
  }

  /** Choose for a new connection to the hub; `offer` is what WebRTC needs. */
  start(ranked, offer) {
    this.stop();
    this.ranked = ranked;
    this.offer = offer;
    this.use(this.inSocket());
    if (ranked.indexOf(Transport.WEBRTC) >= 0) {
      this.connect();
    }
  }

  stop() {
    clearTimeout(this.retryTimer);
    this.unwatch();
    this.outputs.closeTrack();
    if (this.webRtc !== null) {
      this.webRtc.close();
      this.webRtc = null;
    }
    this.closeEncoder();
    this.current = Transport.PCM;
  }

  /** Send 20 ms of the microphone. */
  send(pcm) {
    if (this.current === Transport.PCM) {
      this.outputs.sendBinary(pcm);
    } else if (this.current === Transport.OPUS) {
      this.encoder.encode(pcm);
    }
  }

  /** The microphone streams this track from now on, or nothing. */
  setTrack(track) {
    this.track = track;
    if (this.current === Transport.WEBRTC) {
      this.webRtc.send(track);
    }
  }

  /** Change nothing while the person speaks, except for what breaks. */
  hold(isHeld) {
    this.isHeld = isHeld;
    this.upgrade();
  }

  /** An answer comes by WebRTC: watch that it does, until `unwatch`. */
  watch() {
    this.unwatch();
    this.watchTimer = setInterval(() => {
      if (this.webRtc !== null && this.webRtc.isSilentFor(SILENCE_MS)) {
        this.webRtc.lose();
      }
    }, WATCH_MS);
  }

  unwatch() {
    clearInterval(this.watchTimer);
  }

  connect() {
    this.webRtc = new WebRtc({
      onConnected: (stream) => {
        this.outputs.openTrack(stream);
        this.upgrade();
      },
      onLost: (wasConnected) => this.onLost(wasConnected),
    });
    this.webRtc.open(this.offer);
  }

  upgrade() {
    if (!this.isHeld && this.webRtc !== null && this.webRtc.isConnected && this.current !== Transport.WEBRTC) {
      this.use(Transport.WEBRTC);
      this.webRtc.send(this.track);
    }
  }

  onLost(wasConnected) {
    this.unwatch();
    this.webRtc = null;
    this.outputs.closeTrack();
    this.use(this.inSocket());
    if (wasConnected) { // the network has changed; one that never let it through is not asked again
      this.retryTimer = setTimeout(() => this.connect(), RETRY_MS);
    }
  }

  inSocket() {
    return this.ranked.indexOf(Transport.OPUS) >= 0 ? Transport.OPUS : Transport.PCM;
  }

  use(transport) {
    this.closeEncoder();
    if (transport === Transport.OPUS) {
      this.encoder = new OpusEncoder(this.outputs.sendBinary, () => this.onEncoderLost());
    }
    if (transport !== this.current) {
      this.current = transport;
      this.outputs.choose(transport);
    }
  }

  onEncoderLost() {
    this.ranked = this.ranked.filter((one) => one !== Transport.OPUS);
    if (this.current === Transport.OPUS) {
      this.use(Transport.PCM);
    }
  }

  closeEncoder() {
    if (this.encoder !== null) {
      this.encoder.close();
      this.encoder = null;
    }
  }
}
