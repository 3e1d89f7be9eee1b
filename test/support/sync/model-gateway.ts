// A gateway in this process, to a chain of which each block is final at once: for what the sync service does with time and
// with answers that are late, wrong or forged. What it says is encoded for real, because the service checks every byte.
import {
  blake2b256,
  buildExtrinsicProof,
  bytesToHex,
  ChainError,
  concatBytes,
  encodeBytes,
  encodeCompact,
  type GatewayEvent,
  type Hex,
  hexToBytes,
  type OperationName,
  type OperationParams,
  type OperationResult,
  type SigningFields,
} from '../../../src/chain/index.ts';
import type { Gateway } from '../../../src/sync/index.ts';
import { naiveOrderedRoot } from './naive-trie.ts';

const GENESIS: Hex = `0x${'6e'.repeat(32)}`;
const hashOf = (number: number): Hex => bytesToHex(blake2b256(headerOf(number, [])));

function headerOf(number: number, extrinsics: readonly Uint8Array[]): Uint8Array {
  const root = extrinsics.length === 0 ? blake2b256(Uint8Array.of(0)) : naiveOrderedRoot(extrinsics, 'V0');
  return concatBytes([new Uint8Array(32), encodeCompact(number), new Uint8Array(32), root, encodeCompact(0)]);
}

type Fault = (operation: OperationName, result: unknown) => unknown;

export class ModelWorld {
  readonly genesisHash = GENESIS;
  readonly gateways: ModelGateway[] = [];
  readonly submitted: Hex[] = [];
  free = '1000';
  /** Sees each answer before it is given; may throw, change it, or never return. */
  fault: Fault = (_operation, result) => result;
  /** What opening a gateway does before it is there. */
  opening: () => void = () => {};
  #blocks: Uint8Array[][] = [[]];
  #pool: Uint8Array[] = [];

  readonly open = (onEvent: (event: GatewayEvent) => void): Promise<Gateway> => {
    this.opening();
    const gateway = new ModelGateway(this, onEvent);
    this.gateways.push(gateway);
    return Promise.resolve(gateway);
  };

  get alive(): ModelGateway[] {
    return this.gateways.filter(({ stopped }) => !stopped);
  }

  get finalized(): { number: number; hash: Hex } {
    const number = this.#blocks.length - 1;
    return { number, hash: hashOf(number) };
  }

  get nonce(): number {
    return this.#blocks.flat().length;
  }

  /** How many extrinsics of an account are in the chain. */
  nonceOf(publicKey: Hex): number {
    return this.#blocks.flat().filter((extrinsic) => bytesToHex(extrinsic).includes(publicKey.slice(2)))
      .length;
  }

  submit(extrinsic: Hex): void {
    this.submitted.push(extrinsic);
    this.#pool.push(hexToBytes(extrinsic));
  }

  forget(): void {
    this.#pool = [];
  }

  mine(): void {
    const included = new Set(this.#blocks.flat().map(bytesToHex));
    const fresh = new Map(this.#pool.splice(0).map((extrinsic) => [bytesToHex(extrinsic), extrinsic]));
    for (const known of included) fresh.delete(known); // its nonce is used
    this.#blocks.push([...fresh.values()]);
    for (const gateway of this.alive) gateway.tell({ type: 'finalized', block: this.finalized });
  }

  locate(wanted: Hex): OperationResult<'locate'> {
    for (const [blockNumber, extrinsics] of this.#blocks.entries()) {
      const extrinsicIndex = extrinsics.findIndex((candidate) => bytesToHex(candidate) === wanted);
      if (extrinsicIndex < 0) continue;
      const header = headerOf(blockNumber, extrinsics);
      const proof = buildExtrinsicProof(extrinsics, extrinsicIndex, naiveOrderedRoot(extrinsics, 'V0'));
      const evidence = {
        via: 'rpc' as const,
        genesisHash: GENESIS,
        blockNumber,
        blockHash: bytesToHex(blake2b256(header)),
        header: bytesToHex(header),
        extrinsicIndex,
        extrinsic: wanted,
        extrinsicProof: proof.map(bytesToHex),
      };
      return { outcome: 'found', evidence };
    }
    return { outcome: 'absent', from: 1, to: this.finalized.number };
  }
}

export class ModelGateway implements Gateway {
  readonly pid = undefined;
  readonly rssBytes = 0;
  readonly traffic = { bytesIn: 0, bytesOut: 0 };
  readonly ended: Promise<Error>;
  readonly tell: (event: GatewayEvent) => void;
  stopped = false;
  readonly #world: ModelWorld;
  #end: (reason: Error) => void = () => {};

  constructor(world: ModelWorld, tell: (event: GatewayEvent) => void) {
    this.#world = world;
    this.tell = tell;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  stop(): Promise<void> {
    this.crash('stopped');
    return Promise.resolve();
  }

  crash(why = 'crashed'): void {
    this.stopped = true;
    this.#end(new ChainError('chain.gateway_exited', why));
  }

  async request<O extends OperationName>(
    operation: O,
    params: OperationParams<O>,
  ): Promise<OperationResult<O>> {
    if (this.stopped) throw new ChainError('chain.gateway_exited', 'gone');
    const answer = this.#world.fault(operation, this.#answer(operation, params));
    return (await answer) as OperationResult<O>;
  }

  #answer(operation: OperationName, params: unknown): unknown {
    switch (operation) {
      case 'connect':
      case 'facts':
        return {
          genesisHash: GENESIS,
          specName: 'model',
          specVersion: 1,
          transactionVersion: 1,
          ss58Format: 42,
          token: null,
          signedExtensions: EXTENSIONS,
          call: { index: [0, 7], arguments: [{ name: 'remark', encoding: 'bytes' }] },
          missing: null,
          remark: { index: [0, 7] },
          limits: { extrinsicBytes: 3_000_000, refTime: null, proofSize: null },
          existentialDeposit: '1',
        } satisfies OperationResult<'connect'>;
      case 'account':
        return {
          finalized: this.#world.finalized,
          nonce: this.#world.nonceOf((params as OperationParams<'account'>).publicKey),
          free: this.#world.free,
        };
      case 'prepare':
        return prepare(params as OperationParams<'prepare'>);
      case 'assemble':
        return assemble(params as OperationParams<'assemble'>);
      case 'estimate':
        return { fee: '1', refTime: '1', proofSize: '1' } satisfies OperationResult<'estimate'>;
      case 'outcome':
        return { success: true, fee: '1', error: null } satisfies OperationResult<'outcome'>;
      case 'save':
        return { bytes: 0 } satisfies OperationResult<'save'>;
      case 'doubtMetadata':
        return { doubted: true } satisfies OperationResult<'doubtMetadata'>;
      case 'submit':
        this.#world.submit((params as OperationParams<'submit'>).extrinsic);
        return { accepted: true };
      case 'locate':
        return this.#world.locate((params as OperationParams<'locate'>).extrinsic);
      case 'checkBlock':
        return { verdict: 'unknown', finalized: this.#world.finalized };
    }
  }
}

const EXTENSIONS = ['CheckGenesis', 'CheckMortality', 'CheckNonce'];

function extraOf({ era, nonce }: SigningFields): Uint8Array {
  return concatBytes([hexToBytes(era), encodeCompact(nonce)]);
}

function prepare({ call, nonce, birth }: OperationParams<'prepare'>): OperationResult<'prepare'> {
  const era = bytesToHex(Uint8Array.of(5 | (((birth.number % 64) & 15) << 4), (birth.number % 64) >> 4));
  const versions = { specVersion: 1, transactionVersion: 1, tip: '0' as const, signedExtensions: EXTENSIONS };
  const metadataHash = null;
  const fields = {
    metadataHash,
    genesisHash: GENESIS,
    nonce,
    era,
    birth,
    deathNumber: birth.number + 64,
    ...versions,
  };
  const payload = concatBytes([
    hexToBytes(call),
    extraOf(fields),
    hexToBytes(GENESIS),
    hexToBytes(birth.hash),
  ]);
  return { fields, payload: bytesToHex(payload) };
}

function assemble({
  publicKey,
  call,
  fields,
  signature,
}: OperationParams<'assemble'>): OperationResult<'assemble'> {
  const body = concatBytes([
    Uint8Array.of(0x84, 0),
    hexToBytes(publicKey),
    Uint8Array.of(0),
    hexToBytes(signature),
    extraOf(fields),
    hexToBytes(call),
  ]);
  return { extrinsic: bytesToHex(encodeBytes(body)) };
}
