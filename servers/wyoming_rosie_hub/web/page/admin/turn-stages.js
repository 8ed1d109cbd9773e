/* Turn stages: the intervals between the steps of a turn. Rules without a page. */

/** What happened until a step: its name, and the state whose colour it has. */
const STAGES = {
  announced: ["Announced", "speaking"],
  arbitrated: ["Heard it too", "waiting"],
  "speech-start": ["Until you spoke", "waiting"],
  "speech-end": ["You spoke", "listening"],
  decided: ["Silence, to be sure", "listening"],
  transcript: ["Speech to text", "thinking"],
  intent: ["Understanding", "thinking"],
  filler: ["Said “one moment”", "speaking"],
  "first-audio": ["First sound", "speaking"],
  done: ["Spoke", "speaking"],
  failed: ["Failed", "problem"],
};

/** Return the stages of a turn in order: name, state, from and until in ms since the turn began, ms, detail. */
export function stagesOf(steps) {
  const ordered = steps.slice().sort((one, other) => one.ms - other.ms);
  let from = 0;
  const stages = [];
  ordered.forEach((step) => {
    const known = STAGES[step.step];
    if (known !== undefined) {
      stages.push({ step: step.step, name: known[0], state: known[1], from: from, until: step.ms, ms: step.ms - from, detail: step.detail });
    }
    from = Math.max(from, step.ms);
  });
  return stages;
}

/** Return the milliseconds from the end of speech to the first sound of the answer, null if there was none. */
export function answerMs(turn) {
  const first = turn.steps.find((step) => step.step === "first-audio" && step.ms_after_speech !== null);
  return first === undefined ? null : first.ms_after_speech;
}

/** Return the last failure's reason, null if none failed. */
export function failureOf(turn) {
  const failed = turn.steps.find((step) => step.step === "failed");
  return failed === undefined ? null : failed.detail || turn.outcome;
}
