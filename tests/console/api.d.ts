// What the console's JSDoc may name everywhere. This file is for the check alone: nothing of it is served.
import type { components } from "../../docs/typescript/schema";
import type { ApiError } from "/console/api.js";

declare global {
  /** What the API sends and takes, from its own description: `Api["LetterView"]`. */
  type Api = components["schemas"];
  /** The description leaves open what a report on a data set holds, and what a job was asked for and has made. */
  type Dataset = Omit<Api["DatasetView"], "report"> & { report: any };
  type Job = Omit<Api["JobView"], "request" | "metrics" | "result"> & {
    request: AskedOf["training"] & AskedOf["import"];
    metrics: Epoch[];
    result: { version?: string } | null;
  };
  /** What a job of each kind was asked for. */
  type AskedOf = {
    training: {
      dataset: string; dataset_name: string; architecture: string; epochs: number; batch_size: number; optimizer: string;
      learning_rate: number; class_balancing: boolean;
    };
    import: { upload: string; labels: string[]; scaling: string; side: number | null; licence: string };
  };
  type Epoch = { epoch: number } & Record<"loss" | "accuracy" | "val_loss" | "val_accuracy", number | null>;
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
    version: string; architecture: string; licence: string; limits: string[];
    sources?: { name: string; modality?: string | string[]; pictures?: { train?: number; test?: number }; licence?: string }[];
    figures?: { test?: TestedOn };
  };
  /** The report on a stored finding, which `getReport` gives. */
  type FindingReport = Api["FullReport"] & { headline: Api["HeadlineView"]; time: string };
  /** A key of the console's words. */
  type WordKey = keyof typeof import("/console/words.en.js").english | keyof typeof import("/console/words.staff.en.js").english;
  /** What a request was refused with, or whatever else went wrong. */
  type Failed = Pick<ApiError, "status" | "code" | "message"> & Partial<ApiError>;
  /** An event of a field. One of a list has a value too, and is written as this. */
  type FieldEvent = Event & { target: HTMLInputElement };
  /** An event that brings files: they were chosen, or dropped. */
  type FilesEvent = Event & { dataTransfer?: DataTransfer; target: { files: FileList; value: string } };
  /** An event that an element listens to. */
  type On<E extends Event> = E & { currentTarget: HTMLElement; target: HTMLElement };
  /** An event of a `<details>`. */
  type DetailsEvent = Event & { target: HTMLDetailsElement };
}
