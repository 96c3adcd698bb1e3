// Shows what some work prints only once something else has passed (`npm test`: the tests run beside the checks, whose core would have
// nothing to do at the end).

type Print = (text: string) => void;

/** @returns what came of the work; 1, when the checks have failed: nothing of what it printed is shown, and it may still go on. */
export async function shownAfter(
  checks: Promise<boolean>,
  work: (print: Print) => Promise<0 | 1>,
  print: Print,
): Promise<0 | 1> {
  const held: string[] = [];
  let havePassed = false;
  const working = work((text) => {
    if (havePassed) print(text);
    else held.push(text);
  });
  if (!(await checks)) return 1;
  havePassed = true;
  for (const text of held) print(text);
  return working;
}
