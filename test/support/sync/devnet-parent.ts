// A process that starts a dev network, tells whose process serves it, and is then killed by its test.
import { startDevnet } from '../../devnet/index.ts';

const devnet = await startDevnet({ heartbeatMs: false });
process.send?.((await devnet.status()).processId);
