import type { Protocol } from 'devtools-protocol';
import type { ProtocolMapping } from 'devtools-protocol/types/protocol-mapping.js';
import type { PipeTransport } from './PipeTransport.js';

export type { Protocol };
type Commands = ProtocolMapping.Commands;
type Events = ProtocolMapping.Events;

/** A command can no longer be answered, because the browser, or the part of it that the command was for, is gone. */
export class ConnectionLost extends Error {}

/** A message from the browser: the answer to a command, or an event. */
interface Message {
  id?: number;
  sessionId?: string;
  result?: unknown;
  error?: { message: string; data?: string };
  method?: string;
  params?: unknown;
}

/** A command that has not been answered yet. */
interface PendingCommand {
  method: string;
  session: CDPSession | undefined;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * The client's side of the DevTools protocol: commands and their answers, events, and the sessions that the browser
 * announces. It sets no deadlines; its callers do.
 */
export class Connection {
  readonly #sessions = new Map<string, CDPSession>();
  readonly #pending = new Map<number, PendingCommand>();
  #lastId = 0;
  #isClosed = false;

  constructor(readonly transport: PipeTransport) {
    transport.onmessage = (message) => this.#receive(message as Message);
    transport.onclose = () => {
      this.#isClosed = true;
      this.clear();
    };
  }

  /** An announced session that has not ended. */
  session(sessionId: string): CDPSession | undefined {
    return this.#sessions.get(sessionId);
  }

  /** Sends a command to the browser, or to the part of it that the session belongs to. */
  send<Name extends keyof Commands>(
    method: Name,
    params?: Commands[Name]['paramsType'][0],
    session?: CDPSession,
  ): Promise<Commands[Name]['returnType']> {
    if (this.#isClosed) return Promise.reject(new ConnectionLost(`${method}: the connection is closed`));
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { method, session, resolve: resolve as PendingCommand['resolve'], reject });
      this.transport.send({ id, method, params, sessionId: session?.id });
    });
  }

  /** Ends all sessions and rejects all pending commands, so that the browser can be used anew. */
  clear(): void {
    for (const sessionId of this.#sessions.keys()) this.#forget(sessionId);
    this.#reject(undefined);
    this.transport.clear();
  }

  #receive({ id, sessionId, result, error, method, params }: Message): void {
    if (method === 'Target.attachedToTarget') {
      const attached = (params as Protocol.Target.AttachedToTargetEvent).sessionId;
      this.#sessions.set(attached, new CDPSession(this, attached));
    } else if (method === 'Target.detachedFromTarget') {
      this.#forget((params as Protocol.Target.DetachedFromTargetEvent).sessionId);
    }
    if (id === undefined) {
      if (sessionId !== undefined && method !== undefined) this.#sessions.get(sessionId)?.emit(method, params);
      return;
    }
    const command = this.#pending.get(id);
    this.#pending.delete(id);
    if (!error) return command?.resolve(result);
    const details = error.data === undefined ? '' : ` ${error.data}`;
    command?.reject(new Error(`Protocol error (${command.method}): ${error.message}${details}`));
  }

  #forget(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (!session) return;
    session.isOver = true;
    this.#sessions.delete(sessionId);
    this.#reject(session);
  }

  /** Rejects the pending commands of a session, or those outside of all sessions. */
  #reject(session: CDPSession | undefined): void {
    for (const [id, command] of this.#pending) {
      if (command.session !== session) continue;
      this.#pending.delete(id);
      command.reject(new ConnectionLost(`${command.method}: the target of the command is gone`));
    }
  }
}

/** The session with one part of a browser: a page, a worker, a frame in another process, or the browser itself. */
export class CDPSession {
  /** Whether the part or the whole browser has ended, so that no command is answered any more. */
  isOver = false;
  readonly #listeners = new Map<string, ((params: never) => void)[]>();

  constructor(
    readonly connection: Connection,
    readonly id: string,
  ) {}

  /** Sends a command. Rejects with a ConnectionLost if the part is gone or ends before it answers. */
  send<Name extends keyof Commands>(
    method: Name,
    ...[params]: Commands[Name]['paramsType']
  ): Promise<Commands[Name]['returnType']> {
    if (this.isOver) return Promise.reject(new ConnectionLost(`${method}: the target of the command is gone`));
    return this.connection.send(method, params, this);
  }

  /** Adds a listener for an event. Listeners are called in the order in which they were added. */
  on<Name extends keyof Events>(event: Name, listener: (params: Events[Name][0]) => void): void {
    const listeners = this.#listeners.get(event);
    if (listeners) listeners.push(listener);
    else this.#listeners.set(event, [listener]);
  }

  /** Used by the connection: calls the listeners of an event that has arrived. */
  emit(event: string, params: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(params as never);
  }
}
