import { decode, encode, Tagged } from 'cborg';
import { judgeCommand, parseCommand, readCommand, RemoteError } from '../../src/remote/index.ts';
import { CHALLENGE, commandOf, FACTS, STATION, TestOperator } from '../support/remote/command-fixture.ts';
import { foundUnless, mustHold, type FuzzTarget } from './fuzz-target.ts';
import { mutateJson } from './mutate.ts';

const MILLION = 1_000_000;
const operator = new TestOperator('anna');
const LAW = {
  ...{ station: STATION, challenge: CHALLENGE, usedNonces: new Set<string>() },
  operators: [operator.as('act')],
};
const isRefusal = (error: unknown): boolean => error instanceof RemoteError;

const ORDERS: readonly (readonly [command: string, parameters: object])[] = [
  ['doctor', {}],
  ['meter trace', { meter: 'evse1', forMs: 10_000 }],
  ['journal proof', { index: 7, size: 9 }],
  ['journal receipt', { indices: [1, 2, 41] }],
  ['journal receipt', { session: 's-1' }],
  ['journal entries', { from: 0, to: 100, credit: 8, next: 5, size: 100, known: 7 }],
  ['log level', { level: 'debug', forMs: 600_000 }],
];
const MESSAGES = ORDERS.map(([command, parameters]) => commandOf(operator, { command, parameters }));
const HEADER = partsOf(MESSAGES[0] ?? new Uint8Array(0)).header;
const KNOWN = new Set(MESSAGES.map((bytes) => Buffer.from(bytes).toString('hex')));

/** A signed command, as it comes from a broker that may be anybody's. */
const command: FuzzTarget = {
  name: 'command',
  seeds: MESSAGES,
  // One that is whole is verified with Ed25519, a fraction of a millisecond each.
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    const judged = judgeCommand(input, FACTS, LAW);
    const isKnown = KNOWN.has(Buffer.from(input).toString('hex'));
    mustHold((judged.verdict === 'accepted') === isKnown, 'what is obeyed was signed, byte for byte');
    mustHold(judged.verdict === 'accepted' || !judged.isAnswered, 'what nobody signed is not answered');
    const isRead = foundUnless(isRefusal, () => readCommand(input));
    mustHold(isRead || judged.verdict === 'refused', 'what is obeyed can be read');
    return isRead;
  },
};

/** What stands in it, signed whatever it is: everything behind the signature is reached. */
const payload: FuzzTarget = {
  name: 'command-payload',
  seeds: MESSAGES.map((bytes) => partsOf(bytes).payload),
  // Each is signed and verified, a fraction of a millisecond.
  fullRuns: 200_000,
  maxMs: 500,
  run(input) {
    const sigStructure = encode(['Signature1', HEADER, new Uint8Array(0), input]);
    const parts = encode([HEADER, new Map(), input, operator.sign(sigStructure)]);
    const judged = judgeCommand(Buffer.concat([Buffer.of(0xd2), parts]), FACTS, LAW);
    if (judged.verdict === 'accepted') return true;
    mustHold(JSON.stringify(judged.error).length < 2_000, 'a refusal is small');
    return false;
  },
};

/** Parameters, as an operator's program that is wrong may sign them: the signature is behind them already. */
const parameters: FuzzTarget = {
  name: 'command-parameters',
  seeds: ORDERS.map(([name, given]) => new Uint8Array(Buffer.from(`${name}\n${JSON.stringify(given)}`))),
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    const [name = '', ...lines] = Buffer.from(input).toString().split('\n');
    const json = lines.join('\n');
    return foundUnless(isRefusal, () => {
      const parsed = parseCommand(name, json);
      mustHold(parsed.name === name, 'the command is the one that was asked for');
      const again = JSON.stringify(parsed.parameters);
      mustHold(
        JSON.stringify(parseCommand(name, again).parameters) === again,
        'what was taken is taken again',
      );
    });
  },
  mutate(seed, random) {
    const text = Buffer.from(seed).toString();
    const cut = text.indexOf('\n') + 1;
    const changed = mutateJson(new Uint8Array(Buffer.from(text.slice(cut))), random);
    return new Uint8Array(Buffer.concat([Buffer.from(text.slice(0, cut)), changed]));
  },
};

export const COMMAND_TARGETS: readonly FuzzTarget[] = [command, payload, parameters];

/** Header and payload of a message. */
function partsOf(bytes: Uint8Array): { header: Uint8Array; payload: Uint8Array } {
  const options = { useMaps: true, tags: Tagged.preserve(18) };
  const [header, , content] = (decode(bytes, options) as Tagged).value as Uint8Array[];
  if (header === undefined || content === undefined) throw new TypeError('no COSE_Sign1');
  return { header: Uint8Array.from(header), payload: Uint8Array.from(content) };
}
