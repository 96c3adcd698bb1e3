// Sockets handed over by a supervisor, as far as the environment says.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readListenFds } from '../../src/cli/listen-fds.ts';

const test = suite('listen-fds');

test('as many sockets as LISTEN_FDS says, from file descriptor 3 on', () => {
  assert.equal(readListenFds({ LISTEN_FDS: '1', LISTEN_PID: '77' }, 77), { fds: [3], warning: null });
  const two = { LISTEN_FDS: '2', LISTEN_PID: '77', LISTEN_FDNAMES: 'a:b' };
  assert.equal(readListenFds(two, 77), { fds: [3, 4], warning: null });
  assert.equal(readListenFds({ LISTEN_FDS: '0', LISTEN_PID: '77' }, 77), { fds: [], warning: null });
  assert.equal(readListenFds({}, 77), { fds: [], warning: null });
  assert.equal(readListenFds({ LISTEN_PID: '77' }, 77), { fds: [], warning: null });
});

test('those of another process are left alone, and it is said', () => {
  for (const LISTEN_PID of ['78', '', '077', undefined]) {
    const { fds, warning } = readListenFds({ LISTEN_FDS: '1', LISTEN_PID }, 77);
    assert.equal(fds, []);
    assert.match(warning ?? '', /LISTEN_PID names process .* and this one is 77/);
  }
});

test('a number that is none, or too many, is refused', () => {
  for (const LISTEN_FDS of ['', 'one', '-1', '1.5', '17']) {
    const read = () => readListenFds({ LISTEN_FDS, LISTEN_PID: '77' }, 77);
    assert.throws(read, /LISTEN_FDS=.* should be a number of sockets, 16 at most/);
  }
});

test.run();
