// Two sides edit one document at the same time, at random; the patch of one is carried over the edits of the other.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { carryIndices } from '../../src/core/carry-indices.ts';
import { diff } from '../../src/core/diff.ts';
import { applyEdits, type Edit } from '../../src/core/edits.ts';
import { planPatch } from '../../src/core/plan-patch.ts';
import { RejoinError } from '../../src/errors.ts';
import { escapeKey, isJsonArray, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { markOf, marked, markedIn, namesGone, namesOn } from '../support/marked-json.ts';
import { changedObject, frozen, oddVocabulary, randomJson, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';

const carry = suite('carry-indices-property');

/** What the other side has done: the present state, and what is gone of the older one. */
interface Theirs {
  readonly view: JsonObject;
  readonly edits: readonly Edit[];
  readonly gone: ReadonlySet<string>;
}

class Round {
  private marks = 0;
  /** The older state, and what the own side makes of it. */
  private own: JsonObject;
  private readonly theirs: Theirs;
  private patch: Operation[] = [];
  /** Label → the mark of the element that it was given to. */
  private readonly labels = new Map<string, number>();
  private tries = 0;

  constructor(
    private readonly random: prng.PRNG,
    private readonly counts: Record<'carried' | 'labels' | 'refused', number>,
  ) {
    const start = { list: randomList(random), ...randomObject(random, oddVocabulary, 5) };
    this.own = frozen(this.withMarks(start));
    this.theirs = this.otherSide(this.own);
  }

  run(): void {
    while (this.tries++ < 14) this.tryStep(this.randomOperations());
    const carried = carryIndices(this.patch, this.theirs.edits);
    this.counts.carried += carried.filter(({ path }, i) => path !== this.patch[i]?.path).length;
    this.checkLabels(planPatch(this.theirs.view, carried).view);
  }

  private otherSide(before: JsonObject): Theirs {
    let view = before;
    const edits: Edit[] = [];
    const gone = new Set<string>();
    for (let steps = prng.int32(this.random, 1, 6); steps > 0; steps--) {
      const step = this.otherStep(view);
      if (step.some((edit) => edit.type !== 'splice' && edit.key === 'mark')) continue; // another took its place
      for (const edit of step) {
        for (const name of namesGone(view, edit)) gone.add(name);
        view = applyEdits(view, [edit]);
        edits.push(edit);
      }
    }
    return { view, edits, gone };
  }

  private otherStep(view: JsonObject): Edit[] {
    if (prng.bool(this.random))
      return diff(view, this.withMarks(changedObject(this.random, oddVocabulary, view)), []);
    const operation = this.structuralOperation(view);
    return operation ? (tryPlan(view, [operation])?.edits ?? []) : [];
  }

  /** Adds the operations to the patch, unless they are refused, which has to be right. */
  private tryStep(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const after = tryPlan(this.own, [operation])?.view;
      if (!after) return;
      const patch = [...this.patch, operation];
      const problem = problemOf(() => planPatch(this.theirs.view, carryIndices(patch, this.theirs.edits)));
      if (problem) {
        assert.match(problem.message, `Operation ${this.patch.length} (`);
        // Carried, the paths of a move out of a list and below another element of it may read like one into itself.
        const isUnsayable = /moved into itself$/.test(problem.message);
        assert.ok(isUnsayable || this.isGone(operation), `refused, but nothing is gone: ${problem.message}`);
        this.counts.refused++;
        return;
      }
      this.patch = patch;
      this.own = after;
    }
  }

  private isGone(operation: Operation): boolean {
    const isGoneIn = (view: JsonObject, pointer: string): boolean =>
      namesOn(view, pointer).some((name) => this.theirs.gone.has(name));
    if (!('from' in operation)) return isGoneIn(this.own, operation.path);
    // What is moved isn't there any more when its new place is looked for.
    const left = operation.op === 'move' && tryPlan(this.own, [{ op: 'remove', path: operation.from }])?.view;
    return isGoneIn(this.own, operation.from) || isGoneIn(left || this.own, operation.path);
  }

  private randomOperations(): Operation[] {
    if (prng.bool(this.random)) return this.label();
    const operation = this.structuralOperation(this.own);
    if (operation?.op !== 'copy') return operation ? [operation] : [];
    // The copy is another element.
    const value = this.remarked(valueAt(this.own, operation.from));
    return [operation, { op: 'replace', path: operation.path, value }];
  }

  private label(): Operation[] {
    const element = this.anyOf(elementsOf(this.own));
    if (!element) return [];
    const label = `label ${this.labels.size}`;
    this.labels.set(label, markOf(element.value) ?? 0);
    return [{ op: 'add', path: `${element.pointer}/label`, value: label }];
  }

  private structuralOperation(view: JsonObject): Operation | undefined {
    const element = this.anyOf(elementsOf(view));
    const array = this.anyOf(arraysOf(view));
    if (!array) return undefined;
    const last = (of: typeof array): string => `${prng.int32(this.random, 0, (of.value as Json[]).length)}`;
    const path = `${array.pointer}/${last(array)}`;
    switch (prng.int32(this.random, 0, 7)) {
      case 0:
      case 1:
        return element && { op: 'remove', path: element.pointer };
      case 2:
        return { op: 'replace', path: array.pointer, value: this.withMarks(randomList(this.random)) };
      case 3:
        return element && { op: 'move', from: element.pointer, path };
      case 4:
        if (!element || isWithin(path, element.pointer)) return undefined;
        return { op: 'copy', from: element.pointer, path };
      case 5:
        return { op: 'add', path: `${array.pointer}/-`, value: this.newElement() };
      default:
        return { op: 'add', path, value: this.newElement() };
    }
  }

  private newElement(): Json {
    return this.withMarks([randomJson(this.random, oddVocabulary, 3)])[0] ?? null;
  }

  private withMarks<T extends Json>(value: T): T {
    return marked(value, () => this.marks++);
  }

  /** The same value with marks of its own, and no labels. */
  private remarked(value: Json): Json {
    return JSON.parse(JSON.stringify(value), (key, part: Json) => {
      if (key === 'label') return undefined;
      return key === 'mark' ? this.marks++ : part;
    }) as Json;
  }

  private anyOf<T>(choices: readonly T[]): T | undefined {
    return choices.length === 0 ? undefined : prng.oneOf(this.random, [...choices]);
  }

  /** Each label is on its element, and all elements that the own side sees labelled are there. */
  private checkLabels(result: JsonObject): void {
    const labelled = new Set<string>();
    for (const element of markedIn(result)) {
      if (typeof element.label !== 'string') continue;
      assert.is(markOf(element), this.labels.get(element.label), element.label);
      labelled.add(element.label);
    }
    for (const { label } of markedIn(this.own)) {
      if (typeof label !== 'string') continue;
      assert.ok(labelled.has(label), `${label} is missing`);
      this.counts.labels++;
    }
  }
}

interface Found {
  readonly pointer: string;
  readonly value: Json;
}

function* partsOf(value: Json, pointer = ''): Generator<Found> {
  yield { pointer, value };
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) yield* partsOf(part, `${pointer}/${escapeKey(key)}`);
}

function elementsOf(view: JsonObject): Found[] {
  return [...partsOf(view)].filter(({ value }) => markOf(value) !== undefined);
}

function arraysOf(view: JsonObject): Found[] {
  return [...partsOf(view)].filter(({ value }) => isJsonArray(value));
}

function valueAt(view: JsonObject, pointer: string): Json {
  return [...partsOf(view)].find((part) => part.pointer === pointer)?.value ?? null;
}

function isWithin(pointer: string, other: string): boolean {
  return `${pointer}/`.startsWith(`${other}/`);
}

function randomList(random: prng.PRNG): Json[] {
  return Array.from({ length: prng.int32(random, 0, 8) }, () => randomJson(random, oddVocabulary, 3));
}

function tryPlan(
  view: JsonObject,
  operations: readonly Operation[],
): { edits: Edit[]; view: JsonObject } | undefined {
  let plan;
  problemOf(() => (plan = planPatch(view, operations)));
  return plan;
}

function problemOf(act: () => unknown): RejoinError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof RejoinError && error.code === 'conflict') return error;
    throw error;
  }
}

carry('UDT-11 every label lands on its element, or is refused because that is gone', () => {
  const random = seededPrng('carry-indices, labels');
  const counts = { carried: 0, labels: 0, refused: 0 };
  for (let round = 0; round < 400; round++) new Round(random, counts).run();
  for (const count of Object.values(counts)) assert.ok(count > 120, JSON.stringify(counts));
});

/** The patch of one side of a flat list, each operation made to what those before it have left. */
function listPatch(
  random: prng.PRNG,
  list: Json[],
  steps: number,
  own: string,
): { operations: Operation[]; list: Json[] } {
  const operations: Operation[] = [];
  const after = [...list];
  for (let step = 0; step < steps; step++) {
    const at = prng.int32(random, 0, after.length);
    const choice = prng.int32(random, 0, 3);
    if (choice < 2 || at === after.length) {
      const value = `${own}${step}`;
      operations.push({ op: 'add', path: choice === 0 ? '/list/-' : `/list/${at}`, value });
      after.splice(choice === 0 ? after.length : at, 0, value);
    } else if (choice === 2) {
      operations.push({ op: 'remove', path: `/list/${at}` });
      after.splice(at, 1);
    } else {
      const to = prng.int32(random, 0, after.length - 1);
      operations.push({ op: 'move', from: `/list/${at}`, path: `/list/${to}` });
      after.splice(to, 0, ...after.splice(at, 1));
    }
  }
  return { operations, list: after };
}

carry('UDT-11 of what two sides insert and remove, each survivor is there once', () => {
  const random = seededPrng('carry-indices, lists');
  let all = 0;
  for (let round = 0; round < 1000; round++) {
    const before = Array.from({ length: prng.int32(random, 0, 12) }, (_, i) => `start${i}`);
    const theirs = listPatch(random, before, prng.int32(random, 0, 8), 'their');
    const { edits, view } = planPatch({ list: before }, theirs.operations);
    const touched = new Set(before.filter((_, i) => hasTouched(edits, i)));

    let { operations, list } = listPatch(random, before, prng.int32(random, 0, 8), 'own');
    const problem = problemOf(() => carryIndices(operations, edits));
    if (problem) {
      assert.ok(touched.size > 0, problem.message);
      operations = operations.slice(0, Number(/^Operation (\d+)/.exec(problem.message)?.[1]));
      list = planPatch({ list: before }, operations).view.list as Json[];
    } else all++;

    const result = planPatch(view, carryIndices(operations, edits)).view.list as Json[];
    const gone = new Set(before.filter((item) => !list.includes(item) || !theirs.list.includes(item)));
    const expected = new Set(
      [...before, ...list, ...theirs.list].filter((item) => !gone.has(item as string)),
    );
    assert.equal([...result].sort(), [...expected].sort());
  }
  assert.ok(all > 333, `${all} patches were carried as a whole`);
});

/** Whether the element was removed, perhaps to be inserted elsewhere. */
function hasTouched(edits: readonly Edit[], index: number): boolean {
  const [carried] = [
    problemOf(() => carryIndices([{ op: 'test', path: `/list/${index}`, value: 0 }], edits)),
  ];
  return carried !== undefined;
}

carry.run();
