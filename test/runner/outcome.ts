// What came of a test file, from what uvu printed of it.

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** @param endedWell whether the file ended by itself, and uvu with it. A file that ran no test has failed. */
export function outcomeOf(output: string, endedWell: boolean): Outcome & { readonly total: number } {
  const total = numberAfter('Total:', output);
  const passed = numberAfter('Passed:', output);
  // uvu swallows what a hook throws: tests that did not run are missing from Passed.
  const skipped = numberAfter('Skipped:', output);
  const failed = Math.max(total - passed, endedWell && total + skipped > 0 ? 0 : 1);
  return { total, passed, failed, skipped };
}

/** Seeds of random tests, and what was skipped: shown also of a file that passed. */
export function notesIn(output: string): string[] {
  return output.split('\n').filter((line) => /^(seed of|skipped:) /.test(line));
}

/** Of the last line that has the label: a test may print such lines of its own. */
function numberAfter(label: string, output: string): number {
  const lines = output.replace(/\u001b\[\d+m/g, '').split('\n');
  const line = lines.findLast((text) => text.trim().startsWith(label));
  return line === undefined ? 0 : Number(line.replace(label, '').trim());
}
