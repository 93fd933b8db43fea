// What the JSDoc of the lab's part of the console may name (tests/console/api.d.ts).

/** The description leaves open what a report on a data set holds, and what a job was asked for and has made. */
type Dataset = Omit<Api["DatasetView"], "report"> & { report: DatasetReport };
/** Some of many. */
type Listed<T> = { count: number; shown: T[] };
/** What one label of a data set was taken for. */
type MappedLabel = { label: string; count: number; published_as: string | null; known_as: string | null };
/** As the check of a data set writes it; one that was ended early says less. */
type DatasetReport = {
  classes?: Record<string, { pictures: number; lesions: number }>;
  labels?: MappedLabel[];
  unknown_labels?: { label: string; count: number; offered: string | null }[];
  too_small_to_split?: string[];
  modalities?: Record<string, number>;
  sources?: { name: string; pictures: number }[];
  lesions?: { known?: boolean; count: number; largest: number; with_several_labels?: Listed<{ lesion: string; labels: string[] }> };
  patients?: { count: number; largest: number; pictures_without: number; with_several_labels?: Listed<{ patient: string; labels: string[] }> };
  unreadable?: Listed<{ name: string; reason: string }>;
  missing?: Listed<string>;
  without_label?: Listed<string>;
  named_twice?: Listed<string>;
  skipped_files?: Record<string, number>;
  duplicates?: { exact?: Listed<string[]>; contradicting?: Listed<string[]> };
  elsewhere?: Partial<Record<"same", Listed<{ name: string; dataset: string; dataset_name: string | null }>>>;
  seen_by_model?: Partial<Record<"train" | "validation" | "test", Listed<string>>>;
  reviews?: { labels_from: string; reviewed: number; taken: number; with_histology: number; left_out: Record<string, number>;
    dropped?: { version: number; erased: number; withdrawn: number } };
};
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
type Epoch = { epoch: number; seconds?: number } & Record<"loss" | "accuracy" | "val_loss" | "val_accuracy", number | null>;
