// What happened in a run, line by line: two runs of one seed have the same, and a run that fails shows its end.

export class Trace {
  private readonly last: string[] = [];
  private sum = 0;
  lines = 0;

  /** @param nowMs of the simulation. */
  constructor(
    private readonly nowMs: () => number,
    private readonly linesKept: number,
  ) {}

  note(what: string): void {
    const line = `${this.nowMs()} ${what}`;
    for (let i = 0; i < line.length; i++) this.sum = (Math.imul(this.sum, 31) + line.charCodeAt(i)) | 0;
    this.lines++;
    this.last.push(line);
    if (this.last.length > this.linesKept) this.last.shift();
  }

  /** Of all lines. */
  get hash(): number {
    return this.sum;
  }

  /** The last lines. */
  get end(): readonly string[] {
    return this.last;
  }
}
