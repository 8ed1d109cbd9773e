/* API: requests to the hub. What the hub refuses becomes an ApiError with the hub's sentence. */

import { text as t } from "../text.js";

const BASE = "/api/v1/";
const REQUEST_MS = 20000;
const UPLOAD_MS = 120000;
const UNAUTHORIZED = 401;

export const AWAY = "The hub cannot be reached. This page keeps trying.";

export class ApiError extends Error {
  /** `status` is 0 if the hub did not answer; `key` names the value that is wrong. */
  constructor(text, status, code, key) {
    super(text);
    this.status = status;
    this.code = code;
    this.key = key;
  }

  get isAway() {
    return this.status === 0;
  }
}

export class Api {
  /** `onLoggedOut` is called when the hub asks for a log-in. */
  constructor(onLoggedOut) {
    this.onLoggedOut = onLoggedOut;
  }

  async get(path) {
    return decode(await this.request("GET", path));
  }

  async post(path, body) {
    return decode(await this.request("POST", path, JSON.stringify(body), "application/json"));
  }

  async delete(path) {
    return decode(await this.request("DELETE", path));
  }

  /** Return the sound that the hub answers with. */
  async postForSound(path, body) {
    return (await this.request("POST", path, JSON.stringify(body), "application/json")).blob();
  }

  async upload(path, file) {
    return decode(await this.request("POST", path, file, "application/gzip", UPLOAD_MS));
  }

  async request(method, path, body, type, longestMs = REQUEST_MS) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), longestMs);
    const headers = type === undefined ? {} : { "Content-Type": type };
    try {
      const answer = await fetch(BASE + path, { method: method, body: body, headers: headers, signal: abort.signal });
      return await this.check(answer);
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError(t(AWAY), 0, "away");
    } finally {
      clearTimeout(timer);
    }
  }

  async check(answer) {
    if (answer.ok) {
      return answer;
    }
    if (answer.status === UNAUTHORIZED) {
      this.onLoggedOut();
    }
    const problem = await decode(answer).catch(() => ({}));
    const text = problem.error || t("The hub answered with the status {status}.", { status: answer.status });
    throw new ApiError(text, answer.status, problem.code, problem.key);
  }
}

/** Return a part of an address. */
export function part(name) {
  return encodeURIComponent(name);
}

async function decode(answer) {
  const text = await answer.text();
  return text === "" ? null : JSON.parse(text);
}
