// The part of the published v2 client that tests drive. The package has no types of its own.

declare module 'udt-dataset-managers/src/CollaborationServerDatasetManager.js' {
  import type { EventEmitter } from 'node:events';

  interface Dataset {
    readonly [key: string]: unknown;
  }

  export default class CollaborationServerDatasetManager extends EventEmitter {
    constructor(options: { serverUrl: string });
    sessionId: string | null;
    summaryVersion: number | null;
    /** Milliseconds. */
    pollingInterval: number;
    requestTimeout: number;
    diffPollingTimeout: NodeJS.Timeout | undefined;
    /** Makes a session, or sends what differs from the one there is. */
    setDataset(dataset: Dataset): Promise<void>;
    getDataset(): Promise<Dataset>;
    loadSession(sessionId: string): Promise<void>;
    pollDiffs: () => Promise<void>;
    getSummary(): Promise<{
      readonly samples: readonly {
        readonly _id: string;
        readonly hasAnnotation: boolean;
        readonly version: number;
      }[];
    }>;
    getDatasetProperty(key: string): Promise<unknown>;
    setDatasetProperty(key: string, value: unknown): Promise<void>;
    getSampleByIndex(index: number): Promise<Dataset & { readonly _id: string }>;
    getSample(id: string): Promise<Dataset & { readonly _id: string }>;
    setSample(id: string, sample: Dataset): Promise<void>;
    addSamples(samples: readonly Dataset[]): Promise<void>;
    removeSamples(ids: readonly string[]): Promise<void>;
  }
}

declare module 'seamless-immutable-patch' {
  /** Applies a JSON Patch as both generations of UDT's clients do. It decodes and checks nothing. */
  export default function applyPatch(document: object, patch: readonly object[]): unknown;
}
