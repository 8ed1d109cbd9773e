/* Sentences that the page says to people, in one place. */

import { Problem } from "./microphone.js";
import { State } from "./satellite.js";

export const STATES = {
  [State.OFFLINE]: "Not connected",
  [State.IDLE]: "Ready",
  [State.WAITING]: "Say the wake word",
  [State.LISTENING]: "Listening…",
  [State.THINKING]: "Thinking…",
  [State.SPEAKING]: "Speaking",
};

export const HINTS = {
  [State.OFFLINE]: "The house cannot be reached at the moment.",
  [State.IDLE]: "Tap and speak, or hold the button or Space.",
  [State.WAITING]: "The microphone is on. Only this house listens.",
  [State.LISTENING]: "Speak now. Tap when you are done, Escape to stop.",
  [State.THINKING]: "Tap to ask something else, Escape to stop.",
  [State.SPEAKING]: "Tap to interrupt, Escape to stop.",
};

export const TALK = {
  [State.OFFLINE]: "Talk, not connected",
  [State.IDLE]: "Talk",
  [State.WAITING]: "Talk",
  [State.LISTENING]: "Done speaking",
  [State.THINKING]: "Ask something else",
  [State.SPEAKING]: "Interrupt and talk",
};

export const PROBLEMS = {
  [Problem.NO_WORKLET]: "This browser cannot record sound in the way that is needed here. Write instead, or use a newer browser.",
  [Problem.DENIED]: "This page may not use the microphone. Allow it at the lock sign beside the address, then tap the button again. Writing works meanwhile.",
  [Problem.MISSING]: "There is no microphone at this device. Plug one in and tap the button again. Writing works meanwhile.",
  [Problem.BUSY]: "The microphone could not be opened; perhaps another program uses it. Close that and tap the button again.",
  [Problem.TAKEN]: "The microphone was taken away. Plug it in again and tap the button. Writing works meanwhile.",
};

export const CODES = {
  "no-speech": "I heard nothing. Tap and speak again.",
  "wake-unavailable": "The wake word cannot be heard at the moment: the wake daemon does not answer. The button works.",
  "tts-unavailable": "The answer could not be spoken: the tts daemon does not answer.",
};

export const OTHER_CODE = "That did not work. Look at the hub’s log for the reason: ";
export const RECONNECTING = "Reconnecting…";
export const CONNECTED = "Connected";
export const CONNECTING = "Connecting…";
export const REPLACED = "Rosie is open in another tab or window of this browser, which has taken over.";
export const USE_HERE = "Use it here";
export const SOUND_BLOCKED = "The browser allows no sound until you touch the page.";
export const ALLOW_SOUND = "Allow sound";
export const ASLEEP = "This page was asleep, and its microphone with it. It listens again now.";
export const AWAY = "The house cannot be reached. I keep trying.";

/** Return what to do on a page without HTTPS, where browsers give no microphone. */
export function insecureSentence(place) {
  const host = place.hostname;
  return "Browsers give the microphone only to pages opened over HTTPS. Open https://" + host + (place.port ? ":" + place.port : "") +
    " instead; if nothing answers there, start the hub with --web.tls. Writing works here.";
}
