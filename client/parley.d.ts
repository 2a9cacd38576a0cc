/** A message of an app: an object with a type. */
export interface Message {
	type: string;
	[field: string]: unknown;
}

/** What each member of a group shows of itself. */
export interface Member {
	member: string;
	show: unknown;
}

export type State = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';
export type Transport = 'websocket' | 'sse' | 'poll';

type Now<T> = T | Promise<T>;

// Of the DOM's types none is used that TypeScript's Node does not have.

type Fields = Headers | [string, string][] | Record<string, string>;

type Listener = ((event: Event) => void) | {handleEvent(event: Event): void};

interface ListenerOptions {
	capture?: boolean;
	once?: boolean;
	passive?: boolean;
	signal?: AbortSignal;
}

/** All durations are in milliseconds. */
export interface Options {
	/** Subprotocols that are offered, or what gives them before each try. */
	protocols?: string | string[] | (() => Now<string | string[]>);
	/** What to connect by, the best first. */
	transports?: Transport[];
	/** Headers of the requests without a socket, or what gives them for each. */
	headers?: Fields | (() => Now<Fields>);
	/** Whether those requests show cookies. */
	credentials?: 'omit' | 'same-origin' | 'include';
	/** Where to go on, as `parley.positions` was. */
	positions?: Record<string, string>;
	/** Close codes after which it does not come back. */
	finalCodes?: number[];
	backoffMin?: number;
	backoffMax?: number;
	stableAfter?: number;
	openTimeout?: number;
	requestTimeout?: number;
	pingAfter?: number;
	pongTimeout?: number;
	queueMessages?: number;
	queueBytes?: number;
	retrySocketAfter?: number;
	/** Whether the tab remembers, in sessionStorage, that sockets do not get through. */
	remember?: boolean;
	/** In place of the global one. */
	WebSocket?: new (url: string, protocols?: string | string[]) => any;
	/** In place of the global one. */
	fetch?: typeof fetch;
}

export interface RequestOptions {
	/** Milliseconds from now; 0: no limit. */
	timeout?: number;
	/** Sends it again after a reconnect, until it is answered: it may be heard twice. */
	resend?: boolean;
	/** Gives it up. */
	signal?: AbortSignal;
}

/** What is known of a message beside itself, if its group has a history. */
export interface Meta {
	group?: string;
	position?: string;
}

export interface StateEvent extends Event {
	readonly state: State;
	readonly previous: State;
	/** Of what has ended, where something has. */
	readonly code?: number;
	readonly reason?: string;
	/** The HTTP status, where one was told. */
	readonly status?: number;
	/** When the next try is, as of Date.now(). */
	readonly retryAt?: number;
	/** What has kept it from trying. */
	readonly error?: unknown;
}

export interface OpenEvent extends Event {
	readonly transport: Transport;
	readonly protocol: string;
}

export interface CloseEvent extends Event {
	readonly code: number;
	readonly reason: string;
	readonly status?: number;
	/** Messages that were never handed over. */
	readonly unsent: unknown[];
}

export interface MessageEvent<M = unknown> extends Event, Meta {
	/** An object, or whatever else the server has sent; bytes are a Uint8Array. */
	readonly data: M;
}

export interface GapEvent extends Event {
	readonly group: string;
	readonly reason: string;
	readonly position?: string;
}

export interface ResyncEvent extends Event {
	readonly groups: string[];
}

export interface PresenceEvent extends Event {
	readonly group: string;
	readonly joined: Member[];
	readonly left: Member[];
	/** All who are there, as a copy that is made when it is first read. */
	readonly members: Map<string, unknown>;
}

export interface Events<M = unknown> {
	state: StateEvent;
	open: OpenEvent;
	close: CloseEvent;
	message: MessageEvent<M>;
	gap: GapEvent;
	resync: ResyncEvent;
	presence: PresenceEvent;
}

/**
 * What a request is rejected with, and send throws. The code is 'closed',
 * 'disconnected', 'full', 'refused' or 'timeout', or one of the server.
 */
export class ParleyError extends Error {
	constructor(code: string, message: string);
	readonly code: string;
	/** Of 'closed'. */
	readonly closeCode?: number;
	readonly reason?: string;
}

/** A connection that lasts. M are the messages that the server sends. */
export class Parley<M extends {type: string} = any> extends EventTarget {
	/** A function is told whether a conversation begins with what it returns. */
	constructor(url: string | URL | ((begins: boolean) => Now<string | URL>), options?: Options);

	readonly state: State;
	/** What it is open by now. */
	readonly transport: Transport | '';
	/** The subprotocol that the app has chosen. */
	readonly protocol: string;
	/** When the next try is, as of Date.now(); 0: none is planned. */
	readonly retryAt: number;
	/** How many messages wait to be sent. */
	readonly queued: number;
	/** How far each group with a history has been heard. */
	readonly positions: Record<string, string>;

	connect(): Promise<void>;
	close(code?: number, reason?: string): void;
	/** Bytes are copied. */
	send(message: string | ArrayBuffer | ArrayBufferView): void;
	/** An object with a type is sent as JSON. */
	send<S extends {type: string}>(message: S): void;
	request<R = any>(message: {type: string; [field: string]: any}, options?: RequestOptions): Promise<R>;
	members(group: string): Map<string, any>;
	forget(group: string): void;

	on<T extends M['type']>(
		type: T, handler: (message: Extract<M, {type: T}>, meta: Meta) => void): () => void;
	off(type: string, handler: (message: any, meta: Meta) => void): void;
	[Symbol.asyncIterator](): AsyncGenerator<M, void, void>;

	addEventListener<T extends keyof Events>(
		type: T, listener: (this: this, event: Events<M>[T]) => void,
		options?: boolean | ListenerOptions): void;
	addEventListener(
		type: string, listener: Listener | null,
		options?: boolean | ListenerOptions): void;
	removeEventListener<T extends keyof Events>(
		type: T, listener: (this: this, event: Events<M>[T]) => void,
		options?: boolean | {capture?: boolean}): void;
	removeEventListener(
		type: string, listener: Listener | null,
		options?: boolean | {capture?: boolean}): void;
}

export default Parley;
