// REP-11: who may open a link.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { authorizationOf, checkPeer, checkToken, type PeerRules } from '../../src/replication/peer-token.ts';

const tokens = suite('peer tokens');

function refusedWith(code: string, header: string | undefined, rules: PeerRules, sentence: RegExp): void {
  assert.throws(
    () => checkPeer(header, rules),
    (error: unknown) => error instanceof RejoinError && error.code === code && sentence.test(error.message),
  );
}

tokens('REP-11 with a token only who shows it is let in', () => {
  for (const isReachable of [false, true]) {
    const rules = { token: 's3cret', isReachable };
    checkPeer(authorizationOf('s3cret'), rules);
    checkPeer('bearer  s3cret', rules);
    for (const missing of [undefined, '', 'Bearer', 'Bearer ', 'Basic s3cret', 's3cret'])
      refusedWith(
        'unauthorized',
        missing,
        rules,
        /with its token only: start the peer with the same --peer-token/,
      );
    for (const wrong of ['s3cre', 's3cret2', 'S3CRET', 'x'.repeat(100_000)])
      refusedWith('unauthorized', authorizationOf(wrong), rules, /not the one of this server/);
  }
});

tokens(
  'REP-11 without a token everybody on this machine is let in, and nobody where others can reach it',
  () => {
    checkPeer(undefined, { token: null, isReachable: false });
    checkPeer(authorizationOf('any'), { token: null, isReachable: false });
    for (const header of [undefined, authorizationOf('any')])
      refusedWith('not-allowed', header, { token: null, isReachable: true }, /start it with --peer-token/);
  },
);

tokens('a token that no header can hold is refused, and not repeated', () => {
  for (const token of ['', 'two words', 'Schlüssel', 'a\nb', 'x'.repeat(1001)])
    assert.throws(
      () => checkToken(token),
      (error: unknown) =>
        error instanceof RejoinError &&
        error.code === 'usage' &&
        (token === '' || !error.message.includes(token)),
    );
  assert.is(checkToken('a-b_c=/+~'), 'a-b_c=/+~');
});

tokens.run();
