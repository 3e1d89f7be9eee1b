import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, LISTENED, TOPICS, type TopicRule } from '../../../src/telemetry/index.ts';
import { EXAMPLES } from '../../support/telemetry/telemetry-examples.ts';

const FILE = new URL('../../../docs/telemetry.md', import.meta.url);
const EXAMPLE = /<!-- example: (.+?) -->\s+```json\n([^]*?)```/g;
if (process.env['UPDATE_GOLDEN'] === '1') {
  const shown = (name: string): string => JSON.stringify(EXAMPLES[name] ?? {}, null, 2);
  const page = readFileSync(FILE, 'utf8').replace(
    EXAMPLE,
    (_all, name: string) => `<!-- example: ${name} -->\n\n\`\`\`json\n${shown(name)}\n\`\`\``,
  );
  writeFileSync(FILE, page);
}
const PAGE = readFileSync(FILE, 'utf8');

const cells = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

function section(title: string): string {
  return new RegExp(`\\n## ${title}\\n([^]*?)(?=\\n## |$)`).exec(PAGE)?.[1] ?? '';
}

describe('docs/telemetry.md', () => {
  it('lists exactly the topics of the code, with their QoS, retain and expiry', () => {
    const documented = section('Topics')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map(cells);
    const coded = Object.values<TopicRule>(TOPICS).map(({ pattern, qos, retain, expiry, holds }) => [
      `\`${pattern}\``,
      `${qos}`,
      retain ? 'yes' : 'no',
      expiry,
      holds,
    ]);
    expect(documented).toEqual(coded);
  });

  const shown = [...PAGE.matchAll(EXAMPLE)];

  it('shows an example of every document', () => {
    expect(shown.map(([, name]) => name).sort()).toEqual(Object.keys(EXAMPLES).sort());
  });

  it.each(shown.map(([, name = '', json = '']) => [name, json]))(
    'shows "%s" as the code writes it',
    (name, json) => {
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(EXAMPLES[name])));
    },
  );

  it('states the bounds of the code', () => {
    const kib = (bytes: number): string => `${bytes / 1024} KiB`;
    const seconds = (ms: number): string => `${ms / 1000} s`;
    const limits = DEFAULT_LIMITS;
    const stated = section('Bounds')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
      .slice(1)
      .map((row) => cells(row)[1]);
    expect(stated).toEqual([
      `${limits.maxSamples} or ${kib(limits.maxSampleBytes)}`,
      `${limits.maxReplies} or ${kib(limits.maxReplyBytes)}`,
      `${limits.maxBackfill} or ${kib(limits.maxBackfillBytes)}`,
      `${limits.maxNotes} or ${kib(limits.maxNoteBytes)}`,
      seconds(limits.windowMs),
      `${limits.maxHistoryValues}`,
      seconds(limits.maxWatchMs),
      `${limits.sampleExpiryMs / 3_600_000} h`,
      seconds(limits.replyExpiryMs),
      `${limits.maxStates}, latest of each`,
      kib(limits.maxPayloadBytes),
      `${limits.maxInFlight}`,
      seconds(limits.connectTimeoutMs),
      seconds(limits.reconnectDebtMs),
      seconds(limits.acknowledgeTimeoutMs),
      kib(limits.maxInboundBytes),
      `${limits.maxInboundBurst} at once, ${limits.maxInboundPerSecond}/s`,
      kib(LISTENED.configuration.maxPayloadBytes),
      kib(LISTENED.request.maxPayloadBytes),
      seconds(limits.closeTimeoutMs),
    ]);
    const session = section('The session');
    expect(session).toContain(`**Keep alive** ${seconds(limits.keepAliveMs)}`);
    expect(session).toContain(
      `after ${seconds(limits.reconnectMinMs)}, doubling to ${seconds(limits.reconnectMaxMs)}`,
    );
    expect(PAGE).toContain(`silent for ${(limits.keepAliveMs * 1.5) / 1000} seconds`);
  });
});
