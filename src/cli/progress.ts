// A progress bar on standard error for who sits at a terminal; everybody else is spared it. `import` and `export` have
// one each.

import type { Ora } from 'ora';

const barUnits = 24;

export class Progress {
  private constructor(private readonly spinner: Ora | null) {}

  /** @param isWanted false shows nothing, as anything but a terminal does. */
  static async open(isWanted: boolean): Promise<Progress> {
    const { stderr } = process;
    if (!isWanted || !stderr.isTTY) return new Progress(null);
    const { default: ora } = await import('ora'); // who has no terminal doesn't wait for it to load
    return new Progress(ora({ stream: stderr, discardStdin: false, indent: 0 }));
  }

  /** Begins the next part of the work, such as "Reading film.udt.json". */
  start(what: string): (done: number, total: number) => void {
    if (!this.spinner) return () => undefined;
    this.spinner.start(what);
    this.spinner.render(); // what follows may hold up the timer for a while
    return (done, total) => {
      if (this.spinner) this.spinner.text = `${what}  ${bar(done / Math.max(total, 1))}`;
    };
  }

  /** Leaves nothing of it on the terminal. */
  stop(): void {
    this.spinner?.stop();
  }
}

/** @param share from 0 to 1. */
function bar(share: number): string {
  const filled = Math.min(barUnits, Math.floor(share * barUnits));
  const percent = Math.min(100, Math.floor(share * 100));
  return `${'━'.repeat(filled)}${'─'.repeat(barUnits - filled)} ${percent} %`;
}
