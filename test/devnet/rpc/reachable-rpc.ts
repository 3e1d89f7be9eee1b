// The JSON-RPC server behind its door.
import { type Chain } from '../chain/chain.ts';
import { type RpcStatus } from '../devnet.ts';
import { Door } from '../link/door.ts';
import { type SharedLink } from '../link/shared-link.ts';
import { checkRpcFaults, noRpcFaults, type RpcFaults } from './rpc-faults.ts';
import { RpcServer } from './rpc-server.ts';

export interface ReachableRpcOptions {
  /** Chain specifications, as JSON. */
  readonly relaySpec: string;
  readonly paraSpec: string;
  readonly chain: Chain;
  readonly link: SharedLink;
  /** 0: any that is free. */
  readonly port: number;
  readonly log: (line: string) => void;
}

export class ReachableRpc {
  readonly #server: RpcServer;
  readonly #door: Door;
  readonly #faults: RpcFaults;

  private constructor(server: RpcServer, door: Door, faults: RpcFaults) {
    this.#server = server;
    this.#door = door;
    this.#faults = faults;
  }

  /** @throws DevnetError `devnet.bad_input` when the port is taken */
  static async open({ link, port, ...rest }: ReachableRpcOptions): Promise<ReachableRpc> {
    const faults = noRpcFaults();
    const server = await RpcServer.listen({ ...rest, faults });
    const door = await Door.open({ name: 'rpc', link, serverPort: server.port, port });
    return new ReachableRpc(server, door, faults);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#door.port}`;
  }

  cut(): Promise<void> {
    return this.#door.close();
  }

  restore(): Promise<void> {
    return this.#door.open();
  }

  /** Those that are not named stay as they are. @throws DevnetError `devnet.bad_input` */
  setFaults(faults: Partial<RpcFaults>): void {
    checkRpcFaults(faults);
    Object.assign(this.#faults, faults);
  }

  status(): RpcStatus {
    const { url } = this;
    return { url, up: this.#door.isOpen, ...this.#server.counts(), faults: { ...this.#faults } };
  }
}
