// A station's telemetry and desk at a real broker, and a reader's way to them: the command itself goes straight to the desk, for how
// commands come over MQTT is another test's.
import { randomBytes } from 'node:crypto';
import { connectAsync } from 'mqtt';
import type { EntriesLink } from '../../../src/fleet/index.ts';
import { openJournalReader, signCheckpoint } from '../../../src/journal/index.ts';
import type { ResponsePart } from '../../../src/remote/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { TransferDesk } from '../../../src/station/backfill/transfer-desk.ts';
import { ReplyRoom } from '../../../src/station/remote/reply-room.ts';
import { LISTENED } from '../../../src/telemetry/index.ts';
import { SIGNER } from '../journal/journal-fixture.ts';
import { startTelemetry } from '../telemetry/telemetry-station.ts';

const PREFIX = 'delmonicos/v1/DE-ACME-0001';
const BYTES_PER_SECOND = 100_000_000;

export interface MqttStation {
  readonly link: EntriesLink;
  /** Commands that came. */
  readonly commands: () => number;
  close(): Promise<void>;
}

export async function stationAtBroker(directory: string, url: string): Promise<MqttStation> {
  const clock = systemMonotonicClock;
  const size = (): number => withReader(directory, (reader) => reader.size);
  const room = new ReplyRoom((reply) => telemetry.reply(reply));
  const desk = new TransferDesk({
    ...{
      directory,
      clock,
      logSize: size,
      bytesPerSecond: BYTES_PER_SECOND,
      isHeldBack: () => false,
      isDaySpent: () => false,
    },
    send: (reply, signal) => room.send(reply, signal),
    signTree: (wanted = size()) =>
      Promise.resolve(
        withReader(directory, (reader) => {
          const root = reader.rootAt(wanted);
          return {
            text: signCheckpoint({ origin: reader.origin, size: wanted, root }, SIGNER),
            size: wanted,
            root,
          };
        }),
      ),
  });
  const { telemetry } = startTelemetry(url, {
    listeners: [{ ...LISTENED.credit, receive: ({ payload }) => desk.credit(payload) }],
  });
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 20, clean: true });
  client.on('error', () => {}); // the broker cuts its connections below us
  let [commands, heard] = [0, (_topic: string, _payload: Buffer): void => {}];
  let broken = (): void => {};
  client.on('message', (topic, payload) => heard(topic, payload));
  client.on('close', () => broken());
  await client.subscribeAsync([`${PREFIX}/response/+`, `${PREFIX}/entries/+/+`], { qos: 1 });
  const link: EntriesLink = {
    async open(parameters, reader) {
      while (!client.connected) await new Promise((resolve) => client.once('connect', resolve));
      const request = randomBytes(16).toString('hex');
      commands++;
      broken = () => reader.broken();
      heard = (topic, payload) => {
        const [kind, name, index] = topic.slice(PREFIX.length + 1).split('/');
        if (name !== request) return;
        if (kind === 'entries') reader.chunk(Number(index), payload);
        else reader.part(JSON.parse(payload.toString()) as ResponsePart);
      };
      const signal = new AbortController().signal;
      let part = 0;
      const send = (last: boolean, result: object): Promise<void> => {
        const payload = Buffer.from(JSON.stringify({ request, part: part++, last, ok: true, result }));
        return room.send({ topic: `response/${request}`, payload }, signal);
      };
      desk
        .handle(parameters, { request, operator: 'desk', signal, part: (result) => send(false, result) })
        .then((result) => send(true, result))
        .catch(() => {}); // superseded by a second try
      return {
        request,
        credit: (message) => {
          client.publish(`${PREFIX}/${LISTENED.credit.topic}`, JSON.stringify(message), { qos: 1 });
        },
        end: () => {
          heard = () => {};
          broken = () => {};
          return Promise.resolve();
        },
      };
    },
  };
  const close = async (): Promise<void> => {
    await client.endAsync(true);
    await telemetry.close();
  };
  return { link, commands: () => commands, close };
}

function withReader<T>(directory: string, read: (reader: ReturnType<typeof openJournalReader>) => T): T {
  const reader = openJournalReader(directory);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}
