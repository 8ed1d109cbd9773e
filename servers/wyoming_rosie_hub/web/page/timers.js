/* Timers: what the hub reported, counted down by this page. Rules without a page. */

export class Timers {
  constructor() {
    this.all = new Map(); // by id: name, total, left, countedAt, isActive, isRinging
  }

  /** Apply an event of the hub; return whether it was about timers. `now` is in milliseconds. */
  onEvent(type, data, now) {
    switch (type) {
      case "timer-started":
        this.all.set(data.id, this.timer(data, now));
        return true;
      case "timer-updated":
        this.update(data, now);
        return true;
      case "timer-cancelled":
        this.all.delete(data.id);
        return true;
      case "timer-finished":
        this.finish(data.id, now);
        return true;
    }
    return false;
  }

  timer(data, now) {
    const seconds = data.total_seconds;
    return { id: data.id, name: data.name || "", total: seconds, left: seconds, countedAt: now, isActive: true, isRinging: false };
  }

  update(data, now) {
    const timer = this.all.get(data.id) || this.timer(data, now);
    timer.left = data.total_seconds;
    timer.total = Math.max(timer.total, timer.left);
    timer.isActive = data.is_active;
    timer.countedAt = now;
    this.all.set(data.id, timer);
  }

  finish(id, now) {
    const timer = this.all.get(id) || this.timer({ id: id, total_seconds: 0 }, now);
    timer.left = 0;
    timer.isActive = false;
    timer.isRinging = true;
    this.all.set(id, timer);
  }

  silence() {
    this.all.forEach((timer) => {
      if (timer.isRinging) {
        this.all.delete(timer.id);
      }
    });
  }

  clear() {
    this.all.clear();
  }

  get isRinging() {
    return Array.from(this.all.values()).some((timer) => timer.isRinging);
  }

  /** Return the timers, the next one first, with `seconds` left. */
  list(now) {
    const counted = Array.from(this.all.values()).map((timer) => {
      const passed = timer.isActive ? (now - timer.countedAt) / 1000 : 0;
      return Object.assign({ seconds: Math.max(0, timer.left - passed) }, timer);
    });
    return counted.sort((one, other) => one.seconds - other.seconds);
  }
}

/** Return a duration as people read it: 4:59, 1:02:03. */
export function formatDuration(seconds) {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const minutes = hours > 0 ? [hours, String(parts[0]).padStart(2, "0")] : [parts[0]];
  return minutes.concat(String(parts[1]).padStart(2, "0")).join(":");
}
