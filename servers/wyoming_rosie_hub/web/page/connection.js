/* Connection: the WebSocket to the hub, reopened with growing pauses. Text messages are Wyoming events, binary ones audio. */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30000;
const PING_MS = 4000;
const SILENCE_MS = 12000;
const MAX_UNSENT_BYTES = 320000; // ten seconds of audio; more is of no use to anybody
const FIRST_FINAL_CODE = 4000;
const SLOW = 4002;

/** Return the pause before an attempt, in milliseconds; `random` spreads those of many pages after a restart of the hub. */
export function pauseBefore(attempt, random) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * Math.pow(2, attempt));
  return longest * (0.5 + random / 2);
}

export class Connection {
  /** `listener` has onOpen, onEvent(type, data), onAudio(buffer), onLost and onRefused(code, reason). */
  constructor(url, identify, listener) {
    this.url = url;
    this.identify = identify; // returns the `info` of this satellite
    this.listener = listener;
    this.socket = null;
    this.attempt = 0;
    this.retryTimer = 0;
    this.pingTimer = 0;
    this.pingedAt = 0; // the first ping that nothing followed yet
  }

  get isOpen() {
    return this.socket !== null && this.socket.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.retryTimer);
    this.abandon();
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.onOpen();
    socket.onmessage = (message) => this.onMessage(message.data);
    socket.onclose = (event) => this.onClose(event);
    this.socket = socket;
  }

  /** Open at once what waits for its next attempt, such as when the network is back. */
  hurry() {
    if (this.retryTimer && !this.isOpen) {
      this.attempt = 0;
      this.open();
    } else if (this.isOpen) {
      this.send("ping", {});
    }
  }

  send(type, data) {
    if (this.isOpen) {
      this.socket.send(JSON.stringify({ type: type, data: data }));
    }
  }

  sendAudio(buffer) {
    if (this.isOpen && this.socket.bufferedAmount < MAX_UNSENT_BYTES) {
      this.socket.send(buffer);
    }
  }

  onOpen() {
    this.pingedAt = 0;
    this.send("info", { satellite: this.identify() });
    this.pingTimer = setInterval(() => this.ping(), PING_MS);
  }

  ping() {
    const now = Date.now();
    if (this.pingedAt > 0 && now - this.pingedAt > SILENCE_MS) {
      this.abandon();
      this.retry();
      return;
    }
    this.pingedAt = this.pingedAt || now;
    this.send("ping", {});
  }

  onMessage(message) {
    this.pingedAt = 0;
    if (typeof message !== "string") {
      this.listener.onAudio(message);
      return;
    }
    const event = JSON.parse(message);
    if (event.type === "run-satellite") {
      this.attempt = 0;
      this.listener.onOpen(event.data.context);
    } else {
      this.listener.onEvent(event.type, event.data);
    }
  }

  onClose(event) {
    this.abandon();
    if (event.code >= FIRST_FINAL_CODE && event.code !== SLOW) {
      this.listener.onRefused(event.code, event.reason);
    } else {
      this.retry();
    }
  }

  retry() {
    clearTimeout(this.retryTimer);
    this.listener.onLost();
    this.retryTimer = setTimeout(() => this.open(), pauseBefore(this.attempt, Math.random()));
    this.attempt += 1;
  }

  /** Forget the present socket. */
  abandon() {
    clearInterval(this.pingTimer);
    this.retryTimer = 0;
    if (this.socket !== null) {
      this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
      this.socket.close();
      this.socket = null;
    }
  }
}
