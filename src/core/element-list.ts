// A long row of elements in chunks, so that one can be put in or taken out anywhere without moving all behind it: patches of
// 100,000 operations are planned on it.

export class ElementList<Element> {
  private readonly chunks: Element[][] = [];
  private count: number;

  constructor(elements: readonly Element[]) {
    for (let from = 0; from < elements.length; from += chunkSize)
      this.chunks.push(elements.slice(from, from + chunkSize));
    this.count = elements.length;
  }

  get length(): number {
    return this.count;
  }

  at(index: number): Element | undefined {
    const { chunk, offset } = this.locate(index);
    return chunk?.[offset];
  }

  /** Replaces an element that there is. */
  set(index: number, element: Element): void {
    const { chunk, offset } = this.locate(index);
    if (chunk && offset < chunk.length) chunk[offset] = element;
  }

  /** As an array's: what lies beyond the end isn't removed, and is inserted at the end. */
  splice(start: number, remove: number, insert: readonly Element[]): void {
    const index = Math.min(start, this.count);
    let rest = Math.min(remove, this.count - index);
    this.count += insert.length - rest;
    let { at, offset } = this.locate(index);
    while (rest > 0) {
      const chunk = this.chunks[at] ?? [];
      const taken = Math.min(rest, chunk.length - offset);
      chunk.splice(offset, taken);
      rest -= taken;
      if (chunk.length === 0) this.chunks.splice(at, 1);
      else at++;
      if (rest > 0) offset = 0;
    }
    if (insert.length > 0) this.insert(index, insert);
  }

  toArray(): Element[] {
    return this.chunks.flat();
  }

  /** The index of the first element that passes, where whole chunks can be passed over. */
  findIndex(mayHave: (chunk: readonly Element[]) => boolean, passes: (element: Element) => boolean): number {
    let start = 0;
    for (const chunk of this.chunks) {
      const found = mayHave(chunk) ? chunk.findIndex(passes) : -1;
      if (found >= 0) return start + found;
      start += chunk.length;
    }
    return -1;
  }

  private insert(index: number, elements: readonly Element[]): void {
    const { at, offset } = this.locate(index);
    const chunk = this.chunks[at] ?? [];
    const whole = chunk.slice(0, offset).concat(elements, chunk.slice(offset));
    const chunks: Element[][] = [];
    // A chunk that is filled up one by one is cut in two: neither is full then.
    const size = whole.length > chunkSize * 2 ? chunkSize : whole.length;
    for (let from = 0; from < whole.length; from += size) chunks.push(whole.slice(from, from + size));
    const after = this.chunks.splice(at).slice(1);
    for (const added of chunks) this.chunks.push(added);
    for (const kept of after) this.chunks.push(kept);
  }

  /** The end of a chunk is the beginning of the next, but behind the last element. */
  private locate(index: number): { at: number; offset: number; chunk: Element[] | undefined } {
    let start = 0;
    const last = this.chunks.length - 1;
    for (let at = 0; at <= last; at++) {
      const chunk = this.chunks[at];
      if (chunk && (index < start + chunk.length || at === last)) return { at, offset: index - start, chunk };
      start += chunk?.length ?? 0;
    }
    return { at: 0, offset: 0, chunk: undefined };
  }
}

const chunkSize = 512;
