// A program in the gateway's place. The protocol's version, shapes and frames are written out here on purpose: a change of them
// that forgets its number shows as a failing test. How it misbehaves is said by the variable TZ: see test/fault/chain.
import { Socket } from 'node:net';

const mode = process.env.TZ ?? '';
const channel = new Socket({ fd: 3, readable: true, writable: true });
channel.on('error', () => process.exit(0));
channel.on('close', () => process.exit(0));
const frame = (/** @type {string} */ text) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};
const send = (/** @type {object} */ message) => channel.write(frame(JSON.stringify({ v: 3, ...message })));
const beat = (/** @type {number} */ rssBytes) =>
  setInterval(
    () => send({ kind: 'heartbeat', pid: process.pid, rssBytes, traffic: { bytesIn: 0, bytesOut: 0 } }),
    50,
  );

switch (mode) {
  case 'never-ready':
    setInterval(() => {}, 1_000);
    break;
  case 'wrong-version':
    send({ v: 1, kind: 'ready' });
    setInterval(() => {}, 1_000);
    break;
  case 'dies-at-once':
    process.stderr.write('no light today\n', () => process.exit(3));
    break;
  case 'claims-the-core':
    send({ kind: 'ready' });
    send({ kind: 'heartbeat', pid: process.ppid, rssBytes: 2 ** 40, traffic: { bytesIn: 0, bytesOut: 0 } });
    break;
  case 'ignores-sigterm':
    process.on('SIGTERM', () => {});
    send({ kind: 'ready' });
    beat(1);
    break;
  default:
    send({ kind: 'ready' });
}
/** Writes until the other side stops reading, and then whenever it reads again. @param {import('node:stream').Writable} to @param {Buffer} piece */
function flood(to, piece) {
  const more = () => {
    while (to.write(piece));
    to.once('drain', more);
  };
  more();
}
/** @param {{ id: number, operation: string, params: { publicKey: string } }} request */
function misbehave({ id, operation, params }) {
  switch (mode) {
    case 'spins':
      for (;;);
    case 'dies':
      process.stderr.write('the light client has crashed\n', () => process.exit(7));
      break;
    case 'garbage':
      channel.write(frame('\u0000 nonsense'));
      break;
    case 'unframed':
      channel.write('{"v":3,"kind":"ready"}\n'.repeat(100));
      break;
    case 'announces-a-gigabyte':
      channel.write(Buffer.from([0x40, 0, 0, 0]));
      break;
    case 'a-frame-without-end':
      channel.write(Buffer.from([0, 0x0f, 0xff, 0xff]));
      beat(1);
      break;
    case 'floods-with-messages':
      flood(channel, Buffer.concat(Array(1_000).fill(frame('{"v":3,"kind":"ready"}'))));
      break;
    case 'floods-with-bytes':
      flood(channel, frame(JSON.stringify({ v: 3, kind: 'result', id: 9_999, result: 'x'.repeat(900_000) })));
      break;
    case 'floods-its-output':
      beat(1);
      flood(process.stdout, Buffer.alloc(65_536, 'x'));
      break;
    case 'deeply-nested':
      channel.write(frame(`{"v":3,"kind":"result","id":${id},"result":${'['.repeat(400_000)}`));
      break;
    case 'lies':
      send({ kind: 'result', id, result: { nonce: -1 } });
      break;
    case 'lies-at-length':
      send({ kind: 'result', id, result: { nonce: 'x'.repeat(900_000) } });
      break;
    case 'is-of-an-unheard-kind':
      send({ kind: 'y'.repeat(900_000) });
      break;
    case 'grows':
      beat(10 * 2 ** 30);
      break;
    case 'grows-and-lies': {
      const kept = [];
      beat(1);
      setInterval(() => kept.push(Buffer.alloc(16 * 2 ** 20, 1)), 20);
      break;
    }
    case 'mute':
      beat(1);
      break;
    case 'refuses':
      send({
        kind: 'failure',
        id,
        failure: {
          code: 'chain.refused',
          message: `${operation} ${params.publicKey}`,
          remedy: 'retry',
          effect: 'unknown',
          hint: null,
        },
      });
      break;
    case 'answers': {
      const finalized = { number: 5, hash: `0x${'ab'.repeat(32)}` };
      send({ kind: 'event', event: { type: 'finalized', block: finalized } });
      send({ kind: 'result', id: id + 1_000, result: {} });
      send({ kind: 'result', id, result: { finalized, nonce: 7, free: '1' } });
      break;
    }
  }
}
let held = Buffer.alloc(0);
channel.on('data', (piece) => {
  held = Buffer.concat([held, piece]);
  while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
    const end = 4 + held.readUInt32BE();
    const body = held.subarray(4, end).toString();
    held = held.subarray(end);
    /** @type {unknown} */
    const request = JSON.parse(body);
    misbehave(/** @type {Parameters<typeof misbehave>[0]} */ (request));
  }
});
