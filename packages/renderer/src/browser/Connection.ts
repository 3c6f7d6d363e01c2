import type { Protocol } from 'devtools-protocol';
import type { ProtocolMapping } from 'devtools-protocol/types/protocol-mapping.js';
import type { PipeTransport } from './PipeTransport.js';

export type { Protocol };
type Commands = ProtocolMapping.Commands;
type Events = ProtocolMapping.Events;

/** A command cannot be answered any more: the browser, or the part of it that it was for, is gone. */
export class ConnectionLost extends Error {}

/** A message of the browser: the answer to a command, or an event. */
interface Message {
  id?: number;
  sessionId?: string;
  result?: unknown;
  error?: { message: string; data?: string };
  method?: string;
  params?: unknown;
}

interface Asked {
  method: string;
  session: CDPSession | undefined;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * The client's side of the DevTools protocol: commands and their answers, events, and the sessions that the browser
 * tells of. It waits for ever; whoever asks has a deadline.
 */
export class Connection {
  readonly #sessions = new Map<string, CDPSession>();
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #isClosed = false;

  constructor(readonly transport: PipeTransport) {
    transport.onmessage = (message) => this.#receive(message as Message);
    transport.onclose = () => {
      this.#isClosed = true;
      this.clear();
    };
  }

  /** A session that the browser has told of, and not told the end of. */
  session(sessionId: string): CDPSession | undefined {
    return this.#sessions.get(sessionId);
  }

  /** Sends a command to the browser, or to the part that the session is with. */
  send<Name extends keyof Commands>(
    method: Name,
    params?: Commands[Name]['paramsType'][0],
    session?: CDPSession,
  ): Promise<Commands[Name]['returnType']> {
    if (this.#isClosed) return Promise.reject(new ConnectionLost(`${method}: the connection is closed`));
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#asked.set(id, { method, session, resolve: resolve as Asked['resolve'], reject });
      this.transport.send({ id, method, params, sessionId: session?.id });
    });
  }

  /** Forgets all sessions and whatever was asked, for the next who has the browser. */
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
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (!error) return asked?.resolve(result);
    const details = error.data === undefined ? '' : ` ${error.data}`;
    asked?.reject(new Error(`Protocol error (${asked.method}): ${error.message}${details}`));
  }

  #forget(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (!session) return;
    session.isOver = true;
    this.#sessions.delete(sessionId);
    this.#reject(session);
  }

  /** What was asked in a session, or outside of all, gets no answer. */
  #reject(session: CDPSession | undefined): void {
    for (const [id, asked] of this.#asked) {
      if (asked.session !== session) continue;
      this.#asked.delete(id);
      asked.reject(new ConnectionLost(`${asked.method}: what it was asked of is gone`));
    }
  }
}

/** The conversation with one part of a browser: a page, a worker, a frame of another process, the browser itself. */
export class CDPSession {
  /** The part has ended, or the browser: nothing is answered any more. */
  isOver = false;
  readonly #listeners = new Map<string, ((params: never) => void)[]>();

  constructor(
    readonly connection: Connection,
    readonly id: string,
  ) {}

  /** Sends a command. Rejects with a ConnectionLost when the part is gone, or goes before it has answered. */
  send<Name extends keyof Commands>(
    method: Name,
    ...[params]: Commands[Name]['paramsType']
  ): Promise<Commands[Name]['returnType']> {
    if (this.isOver) return Promise.reject(new ConnectionLost(`${method}: what it is asked of is gone`));
    return this.connection.send(method, params, this);
  }

  /** Calls the listener at each such event, in the order in which listeners came. */
  on<Name extends keyof Events>(event: Name, listener: (params: Events[Name][0]) => void): void {
    const listeners = this.#listeners.get(event);
    if (listeners) listeners.push(listener);
    else this.#listeners.set(event, [listener]);
  }

  /** For the connection: an event has come. */
  emit(event: string, params: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(params as never);
  }
}
