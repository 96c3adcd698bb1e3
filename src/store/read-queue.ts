// Group reading: what is asked for while the store is answering is asked for together next. Looking up one key costs
// LevelDB little, handing it to a thread and waiting for that one costs most.

export type Value = Uint8Array | undefined;

/** So many keys are asked for at once. */
const keysMax = 1024;

interface Waiting {
  readonly key: Uint8Array;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

export class ReadQueue {
  private readonly waiting: Waiting[] = [];
  private isRunning = false;

  /** @param read one value for each key, or throws. */
  constructor(private readonly read: (keys: readonly Uint8Array[]) => Promise<readonly Value[]>) {}

  get(key: Uint8Array): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      if (!this.isRunning) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    await Promise.resolve(); // what is asked for in one go is read in one go
    while (this.waiting.length > 0) await this.answer(this.waiting.splice(0, keysMax));
    this.isRunning = false;
  }

  private async answer(group: readonly Waiting[]): Promise<void> {
    try {
      const values = await this.read(group.map(({ key }) => key));
      for (const [index, reader] of group.entries()) reader.resolve(values[index]);
    } catch (error) {
      // One key that can't be read is not the matter of those who ask for others.
      if (group.length > 1) for (const reader of group) await this.answer([reader]);
      else group[0]?.reject(error);
    }
  }
}
