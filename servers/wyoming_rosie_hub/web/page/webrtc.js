/* WebRTC: one connection to the hub, for sound both ways. Everything else goes through the WebSocket. */

const GATHER_MS = 2000;
const CONNECT_MS = 6000;
const TAIL_MS = 300; // of silence after speech, which pushes its end through the hub's jitter buffer
const OFFER = "/api/v1/webrtc/offer";

export class WebRtc {
  /** `listener` has onConnected(stream) and onLost(wasConnected), which is called once, also when it does not connect. */
  constructor(listener) {
    this.listener = listener;
    this.peer = null;
    this.sender = null;
    this.receiver = null;
    this.isConnected = false;
    this.timer = 0;
    this.tailTimer = 0;
    this.silence = null;
  }

  async open(offer) {
    const servers = offer.stun ? [{ urls: offer.stun }] : [];
    const peer = new RTCPeerConnection({ iceServers: servers });
    this.peer = peer;
    this.timer = setTimeout(() => this.lose(), CONNECT_MS);
    const transceiver = peer.addTransceiver("audio", { direction: "sendrecv" });
    this.sender = transceiver.sender;
    this.receiver = transceiver.receiver;
    peer.onconnectionstatechange = () => this.onState();
    try {
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const sdp = await exchange({ ticket: offer.ticket, sdp: peer.localDescription.sdp });
      await peer.setRemoteDescription({ type: "answer", sdp: sdp });
    } catch (error) {
      this.lose();
    }
  }

  /** Send this track of the microphone, or nothing. */
  send(track) {
    clearTimeout(this.tailTimer);
    if (track !== null) {
      this.replace(track, null);
    } else if (this.sender !== null && this.sender.track !== null && this.silence === null) {
      const silence = this.sender.track.clone();
      silence.enabled = false;
      this.replace(silence, silence);
      this.tailTimer = setTimeout(() => this.replace(null, null), TAIL_MS);
    }
  }

  /** Return whether the hub has sent nothing for so long. */
  isSilentFor(ms) {
    const sources = this.receiver === null ? [] : this.receiver.getSynchronizationSources();
    return sources.length === 0 || performance.timeOrigin + performance.now() - sources[0].timestamp > ms;
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.tailTimer);
    this.replace(null, null);
    if (this.peer !== null) {
      this.peer.onconnectionstatechange = null;
      this.peer.close();
      this.peer = this.sender = this.receiver = null;
    }
  }

  replace(track, silence) {
    if (this.silence !== null) {
      this.silence.stop();
    }
    this.silence = silence;
    if (this.sender !== null && this.sender.track !== track) {
      this.sender.replaceTrack(track).catch(() => {}); // it is being closed
    }
  }

  onState() {
    const state = this.peer.connectionState;
    if (state === "connected" && !this.isConnected) {
      clearTimeout(this.timer);
      this.isConnected = true;
      this.listener.onConnected(new MediaStream([this.receiver.track]));
    } else if (state === "disconnected" || state === "failed" || state === "closed") {
      this.lose();
    }
  }

  lose() {
    if (this.peer !== null) {
      this.close();
      this.listener.onLost(this.isConnected);
    }
  }
}

/* The hub takes all candidates at once. */
function gathered(peer) {
  return new Promise((resolve) => {
    const look = () => {
      if (peer.iceGatheringState === "complete") {
        resolve();
      }
    };
    peer.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, GATHER_MS);
    look();
  });
}

async function exchange(offer) {
  const answer = await fetch(OFFER, { method: "POST", body: JSON.stringify(offer), headers: { "Content-Type": "application/json" } });
  if (!answer.ok) {
    throw new Error(String(answer.status));
  }
  return (await answer.json()).sdp;
}
