// A program in the gateway's place. The protocol's version and shapes are written out here on purpose: a change of them that
// forgets its number shows as a failing test. How it misbehaves is said by the variable TZ: see test/fault/chain.
const mode = process.env.TZ ?? '';
const send = (/** @type {object} */ message) => process.send?.({ v: 2, ...message });
const beat = (/** @type {number} */ rssBytes) =>
  setInterval(() => send({ kind: 'heartbeat', rssBytes, traffic: { bytesIn: 0, bytesOut: 0 } }), 50);

process.on('disconnect', () => process.exit(0));
switch (mode) {
  case 'never-ready':
    setInterval(() => {}, 1_000);
    break;
  case 'wrong-version':
    process.send?.({ v: 1, kind: 'ready' });
    setInterval(() => {}, 1_000);
    break;
  case 'dies-at-once':
    process.stderr.write('no light today\n', () => process.exit(3));
    break;
  default:
    send({ kind: 'ready' });
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
      process.send?.('\u0000 nonsense');
      break;
    case 'lies':
      send({ kind: 'result', id, result: { nonce: -1 } });
      break;
    case 'grows':
      beat(10 * 2 ** 30);
      break;
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
process.on('message', misbehave);
