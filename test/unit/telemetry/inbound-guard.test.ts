import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInboundGuard } from '../../../src/telemetry/session/inbound-guard.ts';

const CONNACK = [0x20, 3, 0, 0, 0];
const PUBACK = [0x40, 2, 0, 1];
const PINGRESP = [0xd0, 0];
const inspect = (...bytes: number[]): string | undefined =>
  createInboundGuard(100).inspect(Uint8Array.from(bytes));

describe('the inbound guard', () => {
  it('lets pass what a broker may say to a station that subscribes to nothing', () => {
    expect(inspect(...CONNACK, ...PUBACK, ...PINGRESP, ...PUBACK, 0xe0, 2, 0x8e, 0)).toBeUndefined();
  });

  it.each([
    ['a packet before CONNACK', PUBACK],
    ['a second CONNACK', [...CONNACK, ...CONNACK]],
    ['a PUBLISH that nobody subscribed to', [...CONNACK, 0x30, 4, 0, 1, 0x61, 0x62]],
    ['reserved flags', [...CONNACK, 0x41, 2, 0, 1]],
    ['an HTTP server', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n')]],
    ['a TLS alert', [0x15, 3, 1, 0, 2, 2, 70]],
    ['a remaining length that never ends', [0x20, 0xff, 0xff, 0xff, 0xff]],
    ['a packet of 256 MB', [0x20, 0xff, 0xff, 0xff, 0x7f]],
    ['a CONNACK without its two bytes', [0x20, 1, 0]],
    ['an acknowledgement of nothing', [...CONNACK, 0x40, 0]],
  ])('complains of %s', (_what, bytes) => {
    expect(inspect(...bytes)).toBeTypeOf('string');
  });

  it('lets UNSUBACK through to one that unsubscribes, and to nobody else', () => {
    const told = (unsubscribes: boolean) =>
      createInboundGuard(100, 200, unsubscribes).inspect(Uint8Array.of(0x20, 2, 0, 0, 0xb0, 2, 0, 1));
    expect(told(true)).toBeUndefined();
    expect(told(false)).toMatch(/0xb0/);
  });

  it('lets messages pass to a station that has subscribed, up to their bound', () => {
    const subscribed = (...bytes: number[]) => createInboundGuard(100, 200).inspect(Uint8Array.from(bytes));
    const publish = (flags: number, length: number) => [
      0x30 | flags,
      length & 0x7f,
      ...Array<number>(length).fill(0),
    ];
    const SUBACK = [0x90, 3, 0, 1, 1];
    expect(
      subscribed(...CONNACK, ...SUBACK, ...publish(2, 20), ...publish(0xb, 20), ...PUBACK),
    ).toBeUndefined();
    expect(subscribed(...CONNACK, 0x32, 0x80 | 72, 1)).toBeUndefined(); // 200 bytes
    for (const bytes of [
      [...CONNACK, 0x32, 0x80 | 73, 1], // 201 bytes
      [...CONNACK, ...publish(4, 20)], // QoS 2
      [...CONNACK, ...publish(8, 20)], // DUP at QoS 0
      [...CONNACK, 0x90, 2, 0, 1],
      SUBACK,
    ])
      expect(subscribed(...bytes)).toBeTypeOf('string');
  });

  it('says the same however the bytes are cut into chunks', () => {
    const packet = fc.oneof(
      fc.constantFrom(PUBACK, PINGRESP),
      fc.uint8Array({ maxLength: 40 }).map((body) => [0xe0, body.length, ...body]),
      fc.uint8Array({ maxLength: 6 }).map((noise) => [...noise]),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 8 }), cuts, (packets, sizes) => {
        const bytes = Uint8Array.from([...CONNACK, ...packets.flat()]);
        const whole = createInboundGuard(100).inspect(bytes);
        const guard = createInboundGuard(100);
        let piecewise: string | undefined;
        for (let at = 0, turn = 0; at < bytes.length && piecewise === undefined; turn++) {
          const end = at + (sizes[turn % sizes.length] ?? 1);
          piecewise = guard.inspect(bytes.subarray(at, end));
          at = end;
        }
        expect(piecewise).toBe(whole);
      }),
    );
  });
});
