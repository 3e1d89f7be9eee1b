// The two wire types of protobuf that Substrate's request-response protocols use: varint and length-delimited.
import { DevnetError } from '../errors.ts';
import { type Bytes, concat } from './bytes.ts';
import { decodeVarint, encodeVarint } from './varint.ts';

const VARINT = 0;
const LENGTH_DELIMITED = 2;

export function encodeBytesField(field: number, value: Bytes): Bytes {
  return concat(encodeVarint(field * 8 + LENGTH_DELIMITED), encodeVarint(value.length), value);
}

export function encodeVarintField(field: number, value: number): Bytes {
  return concat(encodeVarint(field * 8 + VARINT), encodeVarint(value));
}

/** One decoded message. A field that is absent is undefined or an empty list. */
export class ProtobufMessage {
  readonly #varints = new Map<number, number>();
  readonly #bytes = new Map<number, Bytes[]>();

  /** @throws DevnetError `devnet.bad_input` or `devnet.unsupported` (other wire types) */
  constructor(message: Bytes) {
    const varint = (position: number) => {
      const decoded = decodeVarint(message, position);
      if (decoded === undefined) throw new DevnetError('devnet.bad_input', 'protobuf message is too short');
      return decoded;
    };
    for (let position = 0; position < message.length;) {
      const tag = varint(position);
      const { value, end } = varint(tag.end);
      const field = Math.floor(tag.value / 8);
      const wireType = tag.value % 8;
      if (wireType === LENGTH_DELIMITED) {
        if (end + value > message.length)
          throw new DevnetError('devnet.bad_input', 'protobuf field is too short');
        this.#bytes.set(field, [...this.#all(field), message.slice(end, end + value)]);
        position = end + value;
      } else if (wireType === VARINT) {
        this.#varints.set(field, value);
        position = end;
      } else {
        throw new DevnetError('devnet.unsupported', `protobuf wire type ${wireType}`);
      }
    }
  }

  varint(field: number): number | undefined {
    return this.#varints.get(field);
  }

  bytes(field: number): Bytes | undefined {
    return this.#bytes.get(field)?.at(-1);
  }

  repeatedBytes(field: number): readonly Bytes[] {
    return this.#all(field);
  }

  #all(field: number): Bytes[] {
    return this.#bytes.get(field) ?? [];
  }
}
