// RFC 6902 in full: each case of the public suite, planned here and sent to a real server as a PATCH.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits } from '../../src/core/edits.ts';
import { planPatch } from '../../src/core/plan-patch.ts';
import { RejoinError } from '../../src/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import { parsePatchRequest } from '../../src/wire/udt.ts';
import { hasObjectRoot, suiteCases, wrapped, type SuiteCase } from '../support/json-patch-suite.ts';
import { frozen } from '../support/random-json.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient } from '../support/udt-client.ts';

let server: TestServer;
const rfc = suite('rfc6902');
rfc.before(async () => void (server = await startServer()));
rfc.after(() => server.remove());

const enabled = [...suiteCases('spec_tests'), ...suiteCases('tests')];
const asTheyAre = enabled.filter(hasObjectRoot);
const inMembers = enabled.flatMap((each) => [wrapped(each, 'doc'), wrapped(each, 'a/b~1')]);

const ran = { planned: new Set<SuiteCase>(), sent: new Set<SuiteCase>() };

function objectOf(doc: Json): JsonObject {
  if (!isJsonObject(doc)) throw new Error(`no object: ${JSON.stringify(doc)}`);
  return doc;
}

function planCase(each: SuiteCase): void {
  const { doc, patch, outcome, name } = each;
  ran.planned.add(each);
  const view = frozen(objectOf(doc));
  const run = () => planPatch(view, parsePatchRequest({ patch }).operations);
  if ('expected' in outcome) {
    const planned = run();
    assert.equal(planned.view, outcome.expected, name);
    assert.equal(applyEdits(view, planned.edits), outcome.expected, name);
    return;
  }
  assert.throws(run, (error: unknown) => error instanceof RejoinError && error.code === outcome.error, name);
}

async function sendCase(each: SuiteCase): Promise<void> {
  const { doc, patch, outcome, name } = each;
  ran.sent.add(each);
  const client = await UdtClient.create(server.url, objectOf(doc));
  const reply = await client.tryPatch({ patch });
  const { udt_json, version } = await client.get();
  if ('expected' in outcome) {
    assert.is(reply.status, 200, `${name}: ${reply.text}`);
    assert.equal(udt_json, outcome.expected, name);
    return;
  }
  assert.is(reply.status, outcome.error === 'conflict' ? 409 : 400, `${name}: ${reply.text}`);
  assert.match(reply.text, /\boperation 0\b/i, name);
  assert.equal(udt_json, doc, name);
  assert.is(version, 0, name);
}

rfc('RFC 6902 the suite is there as a whole', () => {
  assert.equal([suiteCases('spec_tests').length, suiteCases('tests').length], [16, 75]);
  assert.is(inMembers.length, 2 * enabled.length);
  assert.is(asTheyAre.length, 62, 'with objects as their roots');
});

rfc('RFC 6902 every case of the suite, planned', () => {
  for (const each of [...asTheyAre, ...inMembers]) planCase(each);
});

rfc('RFC 6902 every case of the suite, over HTTP', async () => {
  for (const each of [...asTheyAre, ...inMembers.filter((_, index) => index % 2 === 0)]) await sendCase(each);
});

rfc('UDT-4 where our rules are others than those of RFC 6902', async () => {
  const doc = { foo: { bar: 1 } };
  const ours: readonly SuiteCase[] = [
    {
      name: 'the member that `remove` names need not be there',
      doc,
      patch: [
        { op: 'remove', path: '/baz' },
        { op: 'remove', path: '/foo/baz' },
      ],
      outcome: { expected: doc },
    },
    {
      name: 'the top-level key that `replace` names need not be there',
      doc,
      patch: [{ op: 'replace', path: '/baz', value: 2 }],
      outcome: { expected: { ...doc, baz: 2 } },
    },
    {
      name: 'any other member has to',
      doc,
      patch: [{ op: 'replace', path: '/foo/baz', value: 2 }],
      outcome: { error: 'conflict' },
    },
    ...[[], 'text', null].map((value): SuiteCase => ({
      name: 'the root stays an object',
      doc,
      patch: [{ op: 'replace', path: '', value }],
      outcome: { error: 'conflict' },
    })),
    { name: 'the root stays', doc, patch: [{ op: 'remove', path: '' }], outcome: { error: 'conflict' } },
    ...['/__proto__', '/foo/__proto__/x', '/constructor', '/foo/prototype'].map((path): SuiteCase => ({
      name: `nothing is called as what objects inherit: ${path}`,
      doc,
      patch: [{ op: 'add', path, value: {} }],
      outcome: { error: 'bad-request' },
    })),
  ];
  for (const each of ours) {
    planCase(each);
    await sendCase(each);
  }
});

rfc('RFC 6902 every case has run', () => {
  for (const each of [...asTheyAre, ...inMembers]) assert.ok(ran.planned.has(each), each.name);
  assert.is([...asTheyAre, ...inMembers].filter((each) => ran.sent.has(each)).length, 62 + 91);
});

rfc.run();
