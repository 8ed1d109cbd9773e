/* Satellite: the rules of a page that is a satellite, without sound, network or page of their own. */

export const State = Object.freeze({
  OFFLINE: "offline",
  IDLE: "idle",
  WAITING: "waiting", // for the wake word
  LISTENING: "listening",
  THINKING: "thinking",
  SPEAKING: "speaking",
});

const NOTHING_TO_SAY = "nothing-to-say";
const WAKE_UNAVAILABLE = "wake-unavailable";

/* Replies of the hub to what a person did. Until it comes, everything that arrives belongs to what was before. */
const Reply = Object.freeze({
  TO_RUN: (type) => type === "transcribe",
  TO_TEXT: (type) => type === "transcript",
  TO_CANCEL: (type, data) => type === "error" && data.code === "cancelled",
});

export class Satellite {
  /**
   * `outputs` has send(type, data), setMicrophone(isStreaming), startSound(format), addSound(buffer), endSound(), stopSound(),
   * and show(name, value) for what people see.
   */
  constructor(outputs) {
    this.outputs = outputs;
    this.state = State.OFFLINE;
    this.isHandsFree = false;
    this.isMuted = false;
    this.isWaitingForWake = false; // the hub has a run of ours whose wake word it awaits
    this.expectsReply = false;
    this.isSpoken = false; // whether the person spoke last, and did not type
    this.isFiller = false;
    this.awaitedReply = null;
    this.hasSound = false;
  }

  onConnected() {
    this.isWaitingForWake = false;
    this.awaitedReply = null;
    this.setState(State.IDLE);
    this.awaitWakeWord();
  }

  onDisconnected() {
    this.forgetAnswer();
    this.isWaitingForWake = false;
    this.setState(State.OFFLINE);
    this.updateMicrophone();
  }

  /** Listen now; what is being said stops. */
  listen() {
    if (this.state === State.OFFLINE) {
      return;
    }
    this.forgetAnswer();
    this.awaitedReply = Reply.TO_RUN;
    this.isWaitingForWake = false;
    this.outputs.send("run-pipeline", { start_stage: "asr", end_stage: "tts", restart_on_end: false });
    this.setState(State.LISTENING);
    this.outputs.show("partial", "");
    this.updateMicrophone();
  }

  /** End the sentence without waiting for silence. */
  finishListening() {
    if (this.state === State.LISTENING) {
      this.outputs.send("audio-stop", {});
      this.onSpeechEnded();
    }
  }

  cancel() {
    if (this.state === State.OFFLINE || this.state === State.IDLE || this.state === State.WAITING) {
      return;
    }
    this.forgetAnswer();
    this.awaitedReply = Reply.TO_CANCEL;
    this.outputs.send("user-event", { name: "cancel" });
    this.outputs.show("partial", "");
    this.settle(false);
  }

  write(text) {
    if (this.state === State.OFFLINE || text.trim() === "") {
      return false;
    }
    this.forgetAnswer();
    this.awaitedReply = Reply.TO_TEXT;
    this.isSpoken = false;
    this.setState(State.THINKING);
    this.updateMicrophone();
    this.outputs.send("transcript", { text: text.trim() });
    return true;
  }

  setHandsFree(isOn) {
    this.isHandsFree = isOn;
    if (isOn) {
      this.awaitWakeWord();
    } else {
      this.stopWaiting();
    }
  }

  setMuted(isMuted) {
    this.isMuted = isMuted;
    if (isMuted) {
      if (this.state === State.LISTENING) {
        this.cancel();
      }
      this.stopWaiting();
    } else {
      this.awaitWakeWord();
    }
    this.updateMicrophone();
  }

  onAudio(buffer) {
    if (this.awaitedReply === null && this.hasSound) {
      this.outputs.addSound(buffer);
    }
  }

  onPlayed() {
    this.hasSound = false;
    if (this.isFiller) {
      this.isFiller = false;
      this.setState(State.THINKING);
      return;
    }
    this.outputs.send("played", {});
    if (this.expectsReply && this.isSpoken) {
      this.listen();
    } else {
      this.settle(true);
    }
  }

  onEvent(type, data) {
    if (type === "user-event" && data.name === "volume") {
      this.outputs.show("volume", data);
      return;
    }
    if (type === "user-event" && data.name === "mute") {
      this.outputs.show("mute", data.muted === true);
      return;
    }
    const reply = this.awaitedReply;
    if (reply !== null && !reply(type, data)) {
      return;
    }
    this.awaitedReply = null;
    if (reply !== Reply.TO_CANCEL) {
      this.onCurrentEvent(type, data);
    }
  }

  onCurrentEvent(type, data) {
    switch (type) {
      case "transcribe":
        this.onListening();
        break;
      case "voice-stopped":
        this.onSpeechEnded();
        break;
      case "transcript-start":
        this.outputs.show("partial", "");
        break;
      case "transcript-chunk":
        this.outputs.show("more", data.text);
        break;
      case "transcript":
        this.onTranscript(data.text);
        break;
      case "synthesize":
        this.onAnswer(data.text);
        break;
      case "audio-start":
        this.onSoundStart(data);
        break;
      case "audio-stop":
        if (this.hasSound) {
          this.outputs.endSound();
        }
        break;
      case "user-event":
        this.onUserEvent(data);
        break;
      case "error":
        this.onError(data.code);
        break;
    }
  }

  onListening() {
    this.isSpoken = true;
    if (this.state !== State.LISTENING) { // the wake word was heard, perhaps while an answer was spoken
      this.forgetAnswer();
      this.outputs.show("partial", "");
      this.outputs.show("woken", true);
      this.setState(State.LISTENING);
    }
    this.isWaitingForWake = false;
  }

  onSpeechEnded() {
    if (this.state === State.LISTENING) {
      this.setState(State.THINKING);
      this.awaitWakeWord();
      this.updateMicrophone();
    }
  }

  onTranscript(text) {
    this.outputs.show("transcript", text);
    this.setState(State.THINKING);
  }

  onAnswer(text) {
    this.onSpeechEnded(); // listening may have failed before anything was said
    this.outputs.show("answer", text);
  }

  onSoundStart(format) {
    this.onSpeechEnded();
    this.hasSound = true;
    this.outputs.startSound(format);
    this.setState(State.SPEAKING);
  }

  onUserEvent(data) {
    if (data.name === "listen-again") {
      this.expectsReply = true;
    } else if (data.name === "filler") {
      this.isFiller = true;
    }
  }

  onError(code) {
    if (code === WAKE_UNAVAILABLE) {
      this.isWaitingForWake = false;
      this.outputs.show("wake-lost", true);
      if (this.state === State.WAITING) {
        this.setState(State.IDLE);
      }
      this.updateMicrophone();
      return;
    }
    const isQuiet = code === NOTHING_TO_SAY;
    if (!isQuiet) {
      this.outputs.show("error", code);
    }
    this.forgetAnswer();
    this.settle(isQuiet);
  }

  /** Ask the hub to detect the wake word from now on; it leaves an answer that is being spoken alone until then. */
  awaitWakeWord() {
    if (this.isHandsFree && !this.isMuted && !this.isWaitingForWake && this.state !== State.OFFLINE && this.state !== State.LISTENING) {
      this.isWaitingForWake = true;
      const context = { interrupts: false };
      this.outputs.send("run-pipeline", { start_stage: "wake", end_stage: "tts", restart_on_end: false, context: context });
      if (this.state === State.IDLE) {
        this.setState(State.WAITING);
      }
    }
    this.updateMicrophone();
  }

  stopWaiting() {
    if (this.isWaitingForWake) {
      this.isWaitingForWake = false;
      this.outputs.send("audio-stop", {});
    }
    if (this.state === State.WAITING) {
      this.setState(State.IDLE);
    }
    this.updateMicrophone();
  }

  /** Go back to rest; `isWaiting` tells whether the hub still awaits the wake word that it was asked for. */
  settle(isWaiting) {
    this.isWaitingForWake = this.isWaitingForWake && isWaiting;
    this.setState(this.isWaitingForWake ? State.WAITING : State.IDLE);
    this.awaitWakeWord();
  }

  forgetAnswer() {
    this.expectsReply = this.isFiller = this.hasSound = false;
    this.outputs.stopSound();
  }

  setState(state) {
    if (state !== this.state) {
      this.state = state;
      this.outputs.show("state", state);
    }
  }

  updateMicrophone() {
    const isNeeded = this.state === State.LISTENING || this.isWaitingForWake;
    this.outputs.setMicrophone(isNeeded && !this.isMuted);
  }
}
