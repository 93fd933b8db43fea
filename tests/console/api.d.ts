// What the console's JSDoc may name everywhere. This file is for the check alone: nothing of it is served.
import type { components } from "../../docs/typescript/schema";
import type { ApiError } from "/console/api.js";

declare global {
  /** What the API sends and takes, from its own description: `Api["LetterView"]`. */
  type Api = components["schemas"];
  /** The card of a model as its training writes it; other measures, and the interval of each, stand among the figures by name. */
  type Measures = { n?: number; condition?: string; [measure: string]: unknown };
  type TestedOn = Measures & {
    lesions: number;
    per_class?: Record<string, Measures>;
    by_modality?: Record<string, Measures>;
    by_source?: Record<string, Measures>;
    gates?: { uncertain?: number };
    points?: Record<string, Record<string, Measures & { by_source?: Record<string, Measures> }>>;
    malignant_caught?: Record<string, { lesions: number; malignant: number; caught: number; caught_interval?: number[] }>;
    one_per_lesion?: TestedOn;
  };
  type ModelCard = {
    version: string; architecture: string; licence: string; limits: string[]; taken_back?: Api["TakenBackView"][];
    sources?: { name: string; modality?: string | string[]; pictures?: { train?: number; test?: number }; licence?: string }[];
    figures?: { test?: TestedOn };
    left_out?: { figures: Measures & { by_modality?: Record<string, Measures> } }[];
  };
  /** The report on a stored finding, which `getReport` gives. */
  type FindingReport = Api["FullReport"] & { headline: Api["HeadlineView"]; time: string };
  /** A key of the console's words. */
  type WordKey = import("../../build/words").WordKey;
  /** What a request was refused with, or whatever else went wrong. */
  type Failed = Pick<ApiError, "status" | "code" | "message"> & Partial<ApiError>;
  /** A column of a `Table` (lists.js): its name, and what stands there in a row. `head` takes the place of the name above it. */
  type Column<T> = [name: string, show: (row: T, at: number) => unknown, head?: unknown];
  /** A list of the API as far as it has been read, as `usePages` gives it. */
  type PagesOf<T> = { items?: T[]; next: string | null; error?: Failed; loading: boolean; refresh: () => Promise<void>; reload: () => void; more: () => void };
  /** Where on the body a spot is, as `views/body_map.js` asks for it. */
  type Place = import("/console/views/body_map.js").Place;
  /** An event of a field. One of a list has a value too, and is written as this. */
  type FieldEvent = Event & { target: HTMLInputElement };
  /** An event that brings files: they were chosen, or dropped. */
  type FilesEvent = Event & { dataTransfer?: DataTransfer; target: { files: FileList; value: string } };
  /** An event that an element listens to. */
  type On<E extends Event> = E & { currentTarget: HTMLElement; target: HTMLElement };
  /** An event of a `<details>`. */
  type DetailsEvent = Event & { target: HTMLDetailsElement };
}
