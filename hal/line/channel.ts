/** What the actor needs from a serial port or a socket: bytes out, bytes in, and the news that it is gone. */
export interface ByteChannel {
  /** Resolves when the operating system has taken the bytes; rejects when the device refuses them. */
  write(bytes: Uint8Array): Promise<void>;
  /** Throws away what the device has received and not yet handed over. */
  discardInput(): Promise<void>;
  /** Frees the device; never rejects. */
  close(): Promise<void>;
}

export interface ChannelEvents {
  onBytes(bytes: Uint8Array): void;
  /** Called once, whoever closed it. */
  onClosed(cause: Error | undefined): void;
}

/** Opens the device, or rejects with what the operating system said, or soon after `signal` was aborted. */
export type OpenChannel = (events: ChannelEvents, signal: AbortSignal) => Promise<ByteChannel>;
