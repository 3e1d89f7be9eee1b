import type { HeardMessage, ReplyTopic } from '../../telemetry/index.ts';

/** Where an answer goes. */
export interface Destination {
  readonly topic: ReplyTopic;
  /** Sent back with every part (MQTT 5 §3.3.2.3.6). */
  readonly correlationData?: Uint8Array;
}

const MAX_CORRELATION_BYTES = 64;
/** Without what a broker may take for a malformed topic, and end the session for (MQTT 5 §1.5.4): controls and what is no character. */
const ONE_LEVEL = /^[^/+#\p{Cc}\p{Cn}\p{Cs}]{1,64}$/u;

/**
 * The response topic of the request (MQTT 5 §3.3.2.3.5) where that is below `response/` of this station: an operator's key must
 * not make the station publish to anybody else's topics. Otherwise, and with MQTT 3.1.1, `response/<nonce>`. Pure.
 * @param prefix of the station, `delmonicos/v1/<station>`
 */
export function destinationOf(
  { responseTopic, correlationData }: Pick<HeardMessage, 'responseTopic' | 'correlationData'>,
  prefix: string,
  nonce: string,
): Destination {
  const below = `${prefix}/response/`;
  const asked = responseTopic?.startsWith(below) === true ? responseTopic.slice(below.length) : '';
  const fits = correlationData !== undefined && correlationData.length <= MAX_CORRELATION_BYTES;
  return {
    topic: `response/${ONE_LEVEL.test(asked) ? asked : nonce}`,
    ...(fits && { correlationData }),
  };
}
