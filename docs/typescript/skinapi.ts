// A typed client of SkinAPI, for Angular or any other TypeScript. The types in schema.ts are
// generated from the API's own description: `make client` writes them anew.

import type { components } from "./schema";

type Schemas = components["schemas"];
export type LoggedIn = Schemas["LoggedIn"];
export type Submission = Schemas["FindingView"];
export type Report = Schemas["FullReport"];
export type Problem = Schemas["Problem"];
type PhotoForm = Schemas["PhotoForm"];
/** What may be known of a photo besides its pixels. */
export type Context = Partial<Omit<PhotoForm, "image" | "file">>;

/** An answer above 399; `problem` has the sentence for people and the code for programs. */
export class SkinApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    readonly retryAfterSeconds: number | null,
  ) {
    super(problem.detail);
  }
}

export class SkinApi {
  private token: string | null = null;

  constructor(
    private readonly address: string,
    private readonly send: typeof fetch = fetch,
  ) {}

  /** Log in; later calls carry the token. */
  async logIn(email: string, password: string): Promise<LoggedIn> {
    const answer = await this.request<LoggedIn>("POST", "/login", { email, password });
    this.token = answer.access_token;
    return answer;
  }

  /** A photo in, a finding out. The same `key` sent again is answered as before. */
  async predict(photo: Blob, context: Context = {}, key?: string): Promise<Submission> {
    const form = new FormData();
    form.set("image", photo, "photo.jpg");
    for (const [name, value] of Object.entries(context))
      if (value !== undefined && value !== null) form.set(name, String(value));
    return this.request<Submission>("POST", "/predict", form, key);
  }

  async report(number: number, language: "en" | "fr"): Promise<Report> {
    return this.request<Report>("GET", `/submissions/${number}/report.json?lang=${language}`);
  }

  async reportPdf(number: number, language: "en" | "fr"): Promise<Blob> {
    const path = `/submissions/${number}/report.pdf?lang=${language}`;
    return (await this.fetch("GET", path)).blob();
  }

  private async request<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
    return (await this.fetch(method, path, body, key)).json() as Promise<T>;
  }

  private async fetch(
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.token) headers["Authorization"] = `Bearer ${this.token}`;
    if (key) headers["Idempotency-Key"] = key;
    const isForm = body instanceof FormData;
    if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
    const sent = isForm ? body : body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.send(this.address + path, { method, headers, body: sent });
    if (answer.ok) return answer;
    const wait = answer.headers.get("Retry-After");
    const problem = (await answer.json()) as Problem;
    throw new SkinApiError(answer.status, problem, wait ? Number(wait) : null);
  }
}
