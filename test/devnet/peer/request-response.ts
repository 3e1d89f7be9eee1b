import type { Libp2p } from 'libp2p';
import { type Bytes } from '../encoding/bytes.ts';
import { FramedStream } from './framed-stream.ts';

/** Requests of one client that may be open at once; a client under sync has a few dozen. */
const MAX_OPEN_REQUESTS = 256;

/** What it throws refuses the request; undefined leaves it unanswered for good. */
export type RequestHandler = (request: Bytes) => Bytes | Promise<Bytes> | undefined;

/** A protocol in which each stream is one request and its answer. */
export async function answerRequests(
  node: Libp2p,
  protocol: string,
  handler: RequestHandler,
  onRefused: (reason: Error) => void,
): Promise<void> {
  await node.handle(
    protocol,
    async (stream) => {
      const frames = new FramedStream(stream);
      try {
        const request = await frames.next();
        if (request === undefined) return;
        const answer = await handler(request);
        if (answer === undefined) return;
        await frames.send(answer);
        await frames.close();
      } catch (thrown) {
        const reason = thrown instanceof Error ? thrown : new Error(String(thrown));
        frames.abort(reason);
        onRefused(reason);
      }
    },
    { maxInboundStreams: MAX_OPEN_REQUESTS },
  );
}
