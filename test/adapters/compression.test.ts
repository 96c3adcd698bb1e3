// Which encoding an Accept-Encoding header asks for, and that compressing gives back what it was given.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { compress, encodingFor } from '../../src/adapters/compression.ts';

const test = suite('compression');

test('UDT-21 the encoding that a client likes best', () => {
  const cases: readonly [string | undefined, 'br' | 'gzip' | null][] = [
    [undefined, null],
    ['', null],
    ['identity', null],
    ['deflate, zstd', null],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['br; q=0.50 ,gzip ;q=0.5', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0,gzip;q=0', null],
    ['*', 'br'],
    ['*;q=0', null],
    ['br;q=0, *', 'gzip'],
    ['*;q=0, gzip;q=0.1', 'gzip'],
    ['identity, gzip;q=0.5', null],
    ['identity;q=0.5, gzip', 'gzip'],
    ['gzip;q=abc', null],
    ['gzip;q=2', null],
    [',,;q=1,', null],
  ];
  for (const [header, encoding] of cases) assert.is(encodingFor(header), encoding, header);
});

test('UDT-21 what is compressed reads as before, and is smaller', async () => {
  const text = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ document: `sample ${i} é` })));
  const bytes = Buffer.from(text);
  const br = await compress(bytes, 'br');
  const gzip = await compress(bytes, 'gzip');
  assert.is(brotliDecompressSync(br).toString(), text);
  assert.is(gunzipSync(gzip).toString(), text);
  assert.ok(br.length < bytes.length / 3 && gzip.length < bytes.length / 3);
});

test.run();
