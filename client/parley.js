/**
 * A client for apps that are served by Parley: it comes back by itself, by WebSocket, by
 * server-sent events or by long-poll, and goes on where it was. See README.md.
 *
 * This file has more than 1000 lines because it is one ES module, without a build step.
 *
 * @license MIT
 * @module
 */

const DEFAULTS = {
	protocols: [],
	transports: ['websocket', 'sse', 'poll'],
	headers: {},
	credentials: 'same-origin',
	positions: {},
	finalCodes: [1000, 1008, 4401, 4403],
	backoffMin: 500,
	backoffMax: 30_000,
	stableAfter: 10_000,
	openTimeout: 10_000,
	requestTimeout: 15_000, // a server gives up after 10 s, and its word goes first
	pingAfter: 30_000,
	pongTimeout: 10_000,
	queueMessages: 256,
	queueBytes: 1 << 20,
	retrySocketAfter: 300_000,
	remember: true,
	WebSocket: undefined,
	fetch: undefined,
};

const ADDRESS = 4000; // bytes of an address at most: a proxy may refuse one of 4 KiB
const BUFFERED = 64 << 10; // bytes that a socket may hold before the next message waits here
const ITERATED = 1024; // messages that wait for a loop
const POSTED = 40_000; // ms for one message to be taken, of which a server waits 25 s
const LOST = 6; // failures in a row, within 8 s: a server keeps a session for 15 s
const LONGEST = 2 ** 31 - 1; // ms of a timer: one with more would be over at once
const ABNORMAL = 1006;
const LATER = [1001, 1012, 1013]; // codes of a server that is to be spared for a moment
const REFUSED = [1002, 1003, 1007, 1009]; // what was sent may not be sent again
const PRESENCE = ['presence.state', 'presence.join', 'presence.leave'];
const PING = '{"type":"parley.ping"}';

/** What a request is rejected with, and send throws. Its code is for programs. */
export class ParleyError extends Error {
	constructor(code, message) {
		super(message);
		this.name = 'ParleyError';
		this.code = code;
	}
}

/** An event of the connection. */
class ParleyEvent extends Event {
	constructor(type, fields) {
		super(type);
		Object.defineProperties(this, Object.getOwnPropertyDescriptors(fields));
	}
}

/** A connection that lasts, over however many sockets and sessions it takes. */
export class Parley extends EventTarget {
	#url;
	#options;
	#backoff;
	#ladder;
	#positions;
	#outbox;
	#presence = new Presence();
	#handlers = new Map();
	#state = 'idle';
	#link = null;
	#transport = '';
	#protocol = '';
	#openedAt = 0; // 0: the link has not been open yet
	#heardAt = 0;
	#heard = false; // anything since then
	#notBefore = 0; // the server has said
	#retryAt = 0;
	#anew = false; // the network has changed during a try, which says nothing of this one
	#asleep = false; // the page is in the back-forward cache, or goes
	#timer; // of the next try, or of one that takes too long
	#pulse; // of the heartbeat
	#opening = null;
	#listening = null;
	#lastID = 0;

	constructor(url, options = {}) {
		super();
		if (typeof url !== 'function') resolved(url);
		this.#url = url;
		this.#options = checked(options);
		this.#backoff = new Backoff(this.#options.backoffMin, this.#options.backoffMax);
		this.#positions = new Positions(this.#options.positions);
		this.#outbox = new Outbox(this.#options.queueMessages, this.#options.queueBytes);
		this.#ladder = new Ladder(this.#options.transports, this.#options.retrySocketAfter,
			this.#options.remember ? storage() : null);
	}

	get state() { return this.#state; }
	get transport() { return this.#state === 'open' ? this.#transport : ''; }
	get protocol() { return this.#protocol; }
	get retryAt() { return this.#retryAt; }
	get queued() { return this.#outbox.size; }
	get positions() { return this.#positions.all(); }

	/** Who is in a group: a Map from the member's id to what it shows. */
	members(group) { return new Map(this.#presence.of(group)); }

	/** Forgets a group that the app has left: its position and its members. */
	forget(group) {
		this.#positions.set(group);
		this.#presence.forget(group);
	}

	/** Connects, or tries again now. The promise is kept once it is open. */
	connect() {
		if (this.#state === 'idle' || this.#state === 'closed') {
			this.#backoff.reset();
			this.#notBefore = 0;
			this.#asleep = false;
			this.#listen();
			this.#try();
		} else {
			this.#notBefore = 0;
			this.#wake();
		}
		if (this.#state === 'open') return Promise.resolve();
		if (this.#state === 'closed') return Promise.reject(failure('closed'));
		this.#opening ??= deferred();
		return this.#opening.promise;
	}

	/** Ends the connection for good, or until the next connect. */
	close(code = 1000, reason = '') {
		if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
			throw new RangeError('parley: a client closes with 1000, or 3000 to 4999');
		}
		if (bytesIn(reason) > 123) throw new RangeError('parley: a reason has at most 123 bytes');
		if (this.#state === 'closed') return;
		const link = this.#link;
		this.#link = null;
		link?.close(code, reason);
		this.#finish({code, reason});
	}

	/** Sends a message, at most once. While there is no connection it waits in the queue. */
	send(message) {
		this.#enqueue({message, data: encoded(message)});
	}

	/** Sends a message and waits for its answer. */
	request(message, {timeout = this.#options.requestTimeout, resend = false, signal} = {}) {
		return new Promise((resolve, reject) => {
			if (typeof message === 'string' || isBytes(message)) {
				throw new TypeError('parley: a request is an object');
			}
			signal?.throwIfAborted();
			const id = ++this.#lastID;
			const item = {message, id, resend, data: encoded(message, id), resolve, reject};
			this.#enqueue(item);
			const giveUp = error => this.#outbox.settle(id)?.reject(error);
			if (timeout > 0) {
				item.timer = after(timeout, () => giveUp(failure('timeout')));
			}
			item.abort = () => giveUp(signal.reason);
			item.signal = signal;
			signal?.addEventListener('abort', item.abort);
		});
	}

	/** Has handler called with every message of a type. Returns what ends that. */
	on(type, handler) {
		if (typeof handler !== 'function') throw new TypeError('parley: the handler is no function');
		if (!this.#handlers.has(type)) this.#handlers.set(type, new Set());
		this.#handlers.get(type).add(handler);
		return () => this.off(type, handler);
	}

	off(type, handler) {
		const handlers = this.#handlers.get(type);
		if (handlers?.delete(handler) && !handlers.size) this.#handlers.delete(type);
	}

	/** Goes through the messages that come from now on, until it is closed. */
	[Symbol.asyncIterator]() { return iterate(this); }

	// How a connection is made.

	#try() {
		clearTimeout(this.#timer);
		this.#retryAt = 0;
		this.#become('connecting');
		if (this.#state === 'connecting') this.#climb(this.#ladder.names());
	}

	/** Tries a transport, and the others if that one cannot be had. */
	#climb([name, ...others]) {
		const link = new LINKS[name](this.#options, begins => this.#address(begins, link));
		const mine = handler => value => { if (link === this.#link) handler(value); };
		link.on = {
			open: mine(protocol => this.#linked(name, protocol)),
			life: mine(() => this.#lives(name)),
			message: mine(data => {
				this.#lives(name);
				reporting(() => this.#hear(data));
			}),
			lost: mine(() => this.#become('connecting')),
			end: mine(end => this.#unlinked(end, name, others)),
		};
		this.#link = link;
		this.#openedAt = 0;
		this.#timer = after(this.#options.openTimeout,
			() => link.end({code: ABNORMAL, reason: 'no answer', other: true}));
		link.open().catch(error => {
			link.end({code: ABNORMAL, reason: String(error), error});
		});
	}

	/** That of a beginning names positions, if its link has not ended: what counts is named last. */
	async #address(begins, link) {
		const address = resolved(typeof this.#url === 'function' ? await this.#url(begins) : this.#url);
		if (!begins || link.ended) return address;
		address.searchParams.set('parley-resume', '');
		const named = this.#positions.name(ADDRESS - address.href.length);
		if (named) address.searchParams.set('parley-resume', named);
		else address.searchParams.delete('parley-resume');
		return address;
	}

	/** A link is open: a new one, or one whose stream was lost and is there again. */
	#linked(name, protocol) {
		const isNew = this.#openedAt === 0;
		clearTimeout(this.#timer);
		this.#heardAt = now();
		if (isNew) {
			this.#openedAt = this.#heardAt;
			this.#heard = false;
			this.#transport = name;
			this.#protocol = protocol ?? '';
			this.#ladder.worked(name);
		}
		this.#anew = false;
		this.#watch();
		this.#become('open');
		if (isNew && this.#state === 'open') {
			this.#opening?.resolve();
			this.#opening = null;
			this.#emit('open', {transport: name, protocol: this.#protocol});
		}
		this.#pump();
	}

	#unlinked(end, name, others) {
		const lived = this.#openedAt && now() - this.#openedAt;
		this.#link = null;
		clearTimeout(this.#timer);
		clearTimeout(this.#pulse);
		if (!this.#openedAt && end.other && others.length) return this.#climb(others);
		if (!this.#openedAt) this.#ladder.failed();
		else if (!this.#heard && end.code === ABNORMAL) this.#ladder.silent(name);
		const good = this.#openedAt && lived >= this.#options.stableAfter;
		if (good) this.#backoff.reset();
		this.#outbox.lost(failure(REFUSED.includes(end.code) ? 'refused' : 'disconnected'),
			REFUSED.includes(end.code));
		if (this.#options.finalCodes.includes(end.code)) this.#finish(end);
		else if (end.anew && good) this.#try(); // a session that was forgotten
		else this.#wait(end);
	}

	#wait({code, reason = '', status, retry, error}) {
		const hint = retry ?? (LATER.includes(code) ? 1000 + Math.random() * 2000 : 0);
		const pause = Math.max(hint, this.#anew ? 0 : this.#backoff.next());
		this.#anew = false;
		this.#notBefore = now() + hint;
		this.#retryAt = Date.now() + pause;
		this.#timer = after(pause, () => this.#try());
		this.#become('waiting', {code, reason, status, error, retryAt: this.#retryAt});
	}

	#finish({code, reason = '', status}) {
		this.#listening?.abort();
		clearTimeout(this.#timer);
		clearTimeout(this.#pulse);
		this.#retryAt = 0;
		this.#presence = new Presence();
		const error = Object.assign(failure('closed'), {closeCode: code, reason});
		const unsent = this.#outbox.clear(error);
		this.#opening?.reject(error);
		this.#opening = null;
		this.#become('closed', {code, reason, status});
		this.#emit('close', {code, reason, status, unsent});
	}

	// What the page and its machine tell.

	#listen() {
		this.#listening = new AbortController();
		const {signal} = this.#listening;
		const on = (target, type, handler) => target?.addEventListener?.(type, handler, {signal});
		const {document} = globalThis;
		on(globalThis, 'online', () => {
			this.#ladder.reset();
			this.#anew = this.#state === 'connecting';
			this.#wake();
		});
		on(globalThis, 'offline', () => this.#wake());
		on(globalThis, 'pagehide', () => this.#sleep());
		on(globalThis, 'pageshow', () => { if (this.#asleep) this.#rise(); });
		on(document, 'resume', () => this.#rise());
		on(document, 'visibilitychange', () => {
			if (document.visibilityState === 'visible') this.#rise(); // even if it had left
		});
	}

	/** Looks whether the connection lives, or makes one at once. */
	#wake() {
		if (this.#asleep) return;
		if (this.#link && this.#openedAt) this.#check();
		if (this.#state !== 'waiting') return;
		const pause = this.#notBefore - now();
		if (pause <= 0) return this.#try();
		clearTimeout(this.#timer);
		this.#retryAt = Date.now() + pause;
		this.#timer = after(pause, () => this.#try());
	}

	/** Leaves, as the page does. It may come back as it was. */
	#sleep() {
		if (this.#state === 'closed' || this.#asleep) return;
		const link = this.#link;
		this.#asleep = true;
		this.#link = null;
		clearTimeout(this.#timer);
		clearTimeout(this.#pulse);
		link?.close();
		this.#outbox.lost(failure('disconnected'));
		this.#retryAt = 0;
		this.#become('waiting', {code: 1001, reason: 'the page is hidden'});
	}

	/** Is there again, if it had left. */
	#rise() {
		this.#asleep = false;
		this.#wake();
	}

	// The heartbeat.

	#lives(name) {
		this.#heardAt = now();
		if (!this.#heard) this.#ladder.heard(name);
		this.#heard = true;
	}

	/** Sees to it that silence is noticed. */
	#watch() {
		const {pingAfter} = this.#options;
		if (!pingAfter) return;
		clearTimeout(this.#pulse);
		const quiet = now() - this.#heardAt;
		if (quiet >= pingAfter) return this.#check();
		this.#pulse = after(pingAfter - quiet, () => this.#watch());
	}

	#check() {
		const {pingAfter, pongTimeout} = this.#options, link = this.#link;
		if (!pingAfter) return link.renew?.();
		const {backlog} = link, asked = now();
		clearTimeout(this.#pulse);
		this.#heardAt = Math.min(this.#heardAt, asked - 1);
		link.check();
		this.#pulse = after(pongTimeout, () => {
			// A slow line that still takes something lives.
			if (this.#heardAt >= asked || link.backlog < backlog) this.#watch();
			else link.end({code: ABNORMAL, reason: 'silence'});
		});
	}

	// What is sent.

	#enqueue(item) {
		if (this.#state === 'closed') throw failure('closed');
		this.#outbox.add(item);
		this.#pump();
	}

	/** Hands the link what waits, as fast as it takes it. */
	#pump() {
		const link = this.#link;
		while (link && link === this.#link && this.#state === 'open' && !link.busy) {
			const item = this.#outbox.next();
			if (!item) return;
			const taken = link.send(item.data);
			if (typeof taken === 'boolean') {
				if (!this.#outbox.handed(item, taken)) return;
				continue;
			}
			link.busy = true;
			taken.then(really => {
				link.busy = false;
				if (link === this.#link && this.#outbox.handed(item, really)) this.#pump();
			});
		}
	}

	// What is heard.

	#hear(data) {
		const message = typeof data === 'string' ? parsed(data) : data;
		const {type, group, position} = message ?? {};
		switch (type) {
		case 'parley.message':
			if (!this.#positions.admit(group, position)) return;
			return this.#deliver(message.binary ? fromBase64(message.data) : message.data,
				group, position);
		case 'parley.position':
			if (!this.#positions.passed(group, position)) return this.#positions.set(group, position);
			message.reason = 'not named';
			// falls through
		case 'parley.gap':
			this.#positions.set(group, position);
			return this.#emit('gap', {group, position, reason: message.reason});
		case 'parley.reply':
			return this.#answer(message);
		}
		if (typeof type !== 'string' || !type.startsWith('parley.')) this.#deliver(message);
	}

	#answer({id, result, error}) {
		const item = this.#outbox.settle(id);
		if (error) item?.reject(new ParleyError(error.code, error.message ?? error.code));
		else item?.resolve(result);
	}

	#deliver(data, group, position) {
		const type = data?.type;
		if (type === 'channel.resync') return this.#emit('resync', {groups: data.groups});
		if (PRESENCE.includes(type)) {
			const news = this.#presence.take(data, group);
			if (news) this.#emit('presence', news);
			return;
		}
		this.#emit('message', {data, group, position});
		for (const handler of [...this.#handlers.get(type) ?? []]) {
			reporting(() => handler(data, {group, position}));
		}
	}

	#become(state, fields) {
		const previous = this.#state;
		if (state === previous) return;
		this.#state = state;
		this.#emit('state', {state, previous, ...fields});
	}

	#emit(type, fields) { this.dispatchEvent(new ParleyEvent(type, fields)); }
}

export default Parley;

// The parts that know nothing of a network.

/** How long to wait before the next try: longer each time, and not all at once. */
class Backoff {
	#tries = 0;

	constructor(min, max, random = Math.random) {
		Object.assign(this, {min, max, random});
	}

	next() {
		const most = Math.min(this.max, this.min * 2 ** Math.min(this.#tries++, 30));
		return most / 2 + this.random() * most / 2;
	}

	reset() { this.#tries = 0; }
}

/** Which transports to try: what has worked, and from time to time what is better. */
class Ladder {
	#from = 0;
	#until = 0;
	#failures = 0;
	#silences = 0;
	#proven = false; // the best one has worked on this network

	constructor(names, retryAfter, store, now = Date.now) {
		Object.assign(this, {transports: names, retryAfter, store, now});
		const {name, until} = store?.read() ?? {};
		if (until > now() && until <= now() + retryAfter && names.includes(name)) {
			this.#from = names.indexOf(name);
			this.#until = until;
		}
	}

	names() {
		const left = this.#until - this.now();
		if (left <= 0 || left > this.retryAfter) this.#from = 0; // or the clock was put back
		// A server that restarts is no reason to leave what has worked.
		const patient = this.#from === 0 && this.#proven && this.#failures < 2;
		return this.transports.slice(this.#from, patient ? 1 : undefined);
	}

	/** The transport is open, which a proxy may say of a socket that it swallows. */
	worked(name) {
		this.#failures = 0;
		this.#settle(this.transports.indexOf(name));
	}

	heard(name) {
		this.#silences = 0;
		if (name === this.transports[0]) this.#proven = true;
	}

	failed() { this.#failures++; }

	/** The transport was open, and nothing came until it broke. */
	silent(name) {
		if (++this.#silences < 2) return;
		this.#silences = 0;
		this.#settle((this.transports.indexOf(name) + 1) % this.transports.length);
	}

	reset() {
		this.#proven = false;
		this.#settle(0);
	}

	#settle(at) {
		if (at === this.#from) return;
		this.#from = at;
		this.#until = at ? this.now() + this.retryAfter : 0;
		this.store?.write(at ? {name: this.transports[at], until: this.#until} : null);
	}
}

/** How far each group has been heard. A position is "epoch:offset". */
class Positions {
	#known; // the group that was heard last is the last
	#unnamed = new Set(); // those that found no room in the last handshake

	constructor(initial = {}) { this.#known = new Map(Object.entries(initial)); }

	all() { return Object.fromEntries(this.#known); }

	/** Takes note of a position and reports whether it is news. */
	admit(group, position) {
		const known = this.#known.get(group);
		if (known !== undefined && !isAfter(position, known)) return false;
		this.#move(group, position);
		return true;
	}

	set(group, position) {
		this.#unnamed.delete(group);
		if (position) this.#move(group, position);
		else this.#known.delete(group);
	}

	#move(group, position) {
		this.#known.delete(group);
		this.#known.set(group, position);
	}

	/**
	 * Names positions in so many bytes of a query, of those groups first that were heard
	 * last: where nothing is said, nothing is missed.
	 */
	name(bytes) {
		const named = [];
		this.#unnamed.clear();
		for (const [group, position] of [...this.#known].reverse()) {
			const one = `${JSON.stringify(group)}:${JSON.stringify(position)}`;
			const size = inQuery(named.length ? `,${one}` : `{${one}}`);
			if (size > bytes) {
				this.#unnamed.add(group);
				continue;
			}
			bytes -= size;
			named.push(one);
		}
		return named.length ? `{${named.join()}}` : '';
	}

	/** Reports whether a group that was not named is not where it was. */
	passed(group, position) {
		return this.#unnamed.has(group) && position !== this.#known.get(group);
	}
}

/** The bytes that a text takes in a query. */
function inQuery(text) { return new URLSearchParams({a: text}).toString().length - 'a='.length; }

/** A position of another epoch is news; whether it fits is the server's to say. */
function isAfter(position, known) {
	const [a, b] = [position, known].map(text => /^(.*):(\d+)$/s.exec(text));
	if (!a || !b || a[1] !== b[1]) return position !== known;
	return BigInt(a[2]) > BigInt(b[2]);
}

/** Who is where. */
class Presence {
	#groups = new Map();

	of(group) { return this.#groups.get(group) ?? new Map(); }

	forget(group) { this.#groups.delete(group); }

	/** Takes a message of a group and returns what is news. */
	take(message, from) {
		const {type, group = from, member, show} = message;
		const members = this.of(group), known = members.has(member), shown = members.get(member);
		this.#groups.set(group, members);
		if (type === 'presence.leave') {
			members.delete(member);
			return known ? news(group, members, [], [{member, show: shown}]) : null;
		}
		if (type === 'presence.join') {
			members.set(member, show);
			if (known && JSON.stringify(shown) === JSON.stringify(show)) return null;
			return news(group, members, known ? [] : [{member, show}], []);
		}
		const before = new Map(members);
		members.clear();
		for (const one of message.members ?? []) members.set(one.member, one.show);
		return news(group, members, missing(members, before), missing(before, members));
	}
}

/** Members are many, and most handlers do not look at all of them. */
function news(group, members, joined, left) {
	let all;
	return {group, joined, left, get members() { return all ??= new Map(members); }};
}

/** Members that are in one map and not in the other. */
function missing(members, others) {
	return [...members].filter(([id]) => !others.has(id)).map(([member, show]) => ({member, show}));
}

/**
 * What is to be sent, and requests that wait for their answers. Both count against the
 * bounds, so that neither grows while there is no connection.
 */
class Outbox {
	#waiting = [];
	#asked = new Map(); // id -> request that the link has
	#inHand = 0;
	#bytes = 0;

	constructor(messages, bytes) { Object.assign(this, {messages, bytes}); }

	get size() { return this.#waiting.length; }

	add(item) {
		item.size = bytesIn(item.data);
		const count = this.#waiting.length + this.#asked.size + this.#inHand;
		if (count >= this.messages || this.#bytes + item.size > this.bytes) throw failure('full');
		this.#bytes += item.size;
		this.#waiting.push(item);
	}

	/** Takes out what is to be handed to the link now. */
	next() {
		const item = this.#waiting.shift();
		if (item?.id) this.#asked.set(item.id, item);
		else if (item) this.#inHand++;
		return item;
	}

	/** Notes whether the link has taken an item, and reports it. */
	handed(item, taken) {
		if (!item.id && this.#inHand) this.#inHand--;
		if (item.id && !taken && !this.#asked.delete(item.id)) return false; // settled
		if (!taken) this.#waiting.unshift(item);
		else if (!item.id) this.#bytes -= item.size;
		return taken;
	}

	/** Ends a request, and returns it if it is there. */
	settle(id) {
		if (!id) return undefined;
		const at = this.#waiting.findIndex(item => item.id === id);
		const item = at < 0 ? this.#asked.get(id) : this.#waiting.splice(at, 1)[0];
		if (!item) return undefined;
		this.#asked.delete(id);
		this.#bytes -= item.size;
		clearTimeout(item.timer);
		item.signal?.removeEventListener('abort', item.abort);
		return item;
	}

	/** The link is gone, and nobody knows what has become of what it had. */
	lost(error, refused = false) {
		const again = [];
		for (const item of [...this.#asked.values()]) {
			if (item.resend && !refused) again.push(item);
			else this.settle(item.id).reject(error);
		}
		this.#asked.clear();
		this.#inHand = 0;
		this.#waiting.unshift(...again.sort((a, b) => a.id - b.id));
		this.#bytes = this.#waiting.reduce((sum, item) => sum + item.size, 0);
	}

	/** Empties it, and returns the messages that nobody waits for an answer to. */
	clear(error) {
		this.lost(error, true);
		const unsent = [];
		for (const item of [...this.#waiting]) {
			if (item.id) this.settle(item.id).reject(error);
			else unsent.push(item.message);
		}
		this.#waiting = [];
		this.#bytes = 0;
		return unsent;
	}
}

/** Takes a stream of server-sent events apart. */
class EventReader {
	#rest = []; // of a line that has not ended yet, in pieces: it may be long
	#returned = false; // by what came last, which is half of an end of line or a whole one
	#event = {data: []};

	/** Returns the events that end in text. */
	take(text) {
		if (this.#returned) text = '\r' + text;
		this.#returned = text.endsWith('\r');
		const lines = (this.#returned ? text.slice(0, -1) : text).split(/\r\n|\n|\r/);
		this.#rest.push(lines[0]);
		if (lines.length === 1) return [];
		lines[0] = this.#rest.join('');
		this.#rest = [lines.pop()];
		return lines.map(line => this.#line(line)).filter(Boolean);
	}

	#line(line) {
		if (line === '') {
			const {name = 'message', data, id} = this.#event;
			this.#event = {data: []};
			return data.length ? {name, id, data: data.join('\n')} : null;
		}
		const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
		if (field === 'event') this.#event.name = value;
		if (field === 'id') this.#event.id = value;
		if (field === 'data') this.#event.data.push(value);
		return null;
	}
}

// The transports. Each is one conversation with the app, which ends once.

class Link {
	ended = false;
	busy = false;
	on = {};

	constructor(options, address) { Object.assign(this, {options, address}); }

	get backlog() { return 0; }

	/** The conversation is over. */
	end(how) {
		if (this.ended) return;
		this.ended = true;
		this.stop();
		this.on.end(how);
	}

	/** The page leaves. */
	close(code, reason) {
		if (this.ended) return;
		this.ended = true;
		this.leave(code, reason);
	}
}

class SocketLink extends Link {
	#socket;

	get backlog() { return this.#socket?.bufferedAmount ?? 0; }

	async open() {
		const [url, protocols] = [await this.address(true), await value(this.options.protocols)];
		if (this.ended) return;
		url.protocol = url.protocol.replace(/^http/, 'ws');
		const socket = this.#make(url.href, protocols);
		if (!socket) return this.end({code: ABNORMAL, reason: 'no socket', other: true});
		socket.binaryType = 'arraybuffer';
		socket.onopen = () => this.on.open(socket.protocol);
		socket.onmessage = ({data}) => {
			this.on.message(typeof data === 'string' ? data : new Uint8Array(data));
		};
		socket.onclose = ({code, reason}) => this.end({code, reason, other: true});
	}

	/** A page that is secure may make none to a server that is not. */
	#make(url, protocols) {
		try {
			return this.#socket = new this.options.WebSocket(url, protocols);
		} catch (error) {
			if (error.name === 'SecurityError') return null;
			throw error;
		}
	}

	send(data) {
		const socket = this.#socket;
		if (socket.readyState !== 1) return false;
		socket.send(data);
		return socket.bufferedAmount <= BUFFERED || this.#room();
	}

	async #room() {
		while (this.#socket.readyState === 1 && this.backlog > BUFFERED) await sleep(50);
		return true;
	}

	check() { if (this.#socket.readyState === 1) this.#socket.send(PING); }

	/** Waits for no goodbye, which one that is dead would never give. */
	stop() { this.leave(); }

	leave(code, reason) {
		const socket = this.#socket;
		if (!socket) return;
		socket.onopen = socket.onmessage = socket.onclose = null;
		socket.onerror = () => {};
		if (code) socket.close(code, reason);
		else socket.close();
	}
}

/** A session of the fallback, which docs/fallback.md describes. */
class SessionLink extends Link {
	id = '';
	#secret = '';
	#number = 0;
	#sending = null;
	#reading = null; // the request that brings messages
	#saying = new Set(); // those that take some there
	#naps = new Set();
	#goOn = () => {};

	/** Asks for messages. */
	async get(accept, headers, query) {
		this.#reading = new AbortController();
		const {signal} = this.#reading;
		const response = await this.request('GET',
			{headers: {Accept: accept, ...headers}, query, signal});
		this.#secret = response.headers.get('Parley-Secret') ?? this.#secret;
		return response;
	}

	/** Makes the request that brings messages once more, and now. */
	renew() {
		this.#reading?.abort();
		this.#goOn();
	}

	/** Waits before the next request, longer each time, or gives up. */
	async pause(failures, reason) {
		if (failures >= LOST) return this.end({code: ABNORMAL, reason});
		await this.nap(moment(failures), wake => { this.#goOn = wake; });
	}

	/** Waits, but not beyond the end. */
	nap(ms, begins = () => {}) {
		if (this.ended) return Promise.resolve();
		return new Promise(done => {
			const wake = () => {
				clearTimeout(timer);
				this.#naps.delete(wake);
				done();
			};
			const timer = after(ms, wake);
			this.#naps.add(wake);
			begins(wake);
		});
	}

	#rouse() { for (const wake of [...this.#naps]) wake(); }

	get renews() { return this.#reading.signal.aborted; }

	async request(method, {headers, query, ...init}) {
		const {options} = this;
		const [url, own] = [await this.address(!this.id), await value(options.headers)];
		url.protocol = url.protocol.replace(/^ws/, 'http');
		for (const [name, text] of Object.entries(query ?? {})) url.searchParams.set(name, text);
		const all = new Headers(own);
		const offer = this.id ? [] : [await value(options.protocols)].flat();
		const ours = {'Parley-Session': this.id, 'Parley-Secret': this.#keeps(url),
			'Parley-Protocols': offer.join(', '), ...headers};
		for (const [name, text] of Object.entries(ours)) if (text) all.set(name, text);
		const {credentials, fetch} = options;
		return fetch(url.href, {method, headers: all, credentials, cache: 'no-store', ...init});
	}

	/** A page of another origin, and a program, has no cookie that is the secret. */
	#keeps(url) {
		if (globalThis.location?.origin === url.origin) return '';
		return this.#secret || (this.id ? '' : 'new');
	}

	/** The session was refused, or is gone. */
	refused({status, headers}) {
		const code = {401: 4401, 403: 4403}[status] ?? ABNORMAL;
		this.end({code, status, retry: retryAfter(headers), reason: `HTTP ${status}`,
			anew: status === 404 && this.id !== ''});
	}

	send(data) {
		this.#sending = this.#post(data, ++this.#number);
		return this.#sending;
	}

	/** Its number has a message heard once, though answers are lost. */
	async #post(data, number) {
		const type = typeof data === 'string' ? 'text/plain' : 'application/octet-stream';
		for (let failures = 0, busy = 0; !this.ended;) {
			const {status, pause} = await this.#say(data, {
				'Content-Type': type, 'Parley-Message': String(number)});
			if (status === 204 || status === 400 || status === 413) return true; // or it is told
			if ([401, 403, 404, 410].includes(status)) {
				// What is over has a code, which may be under way.
				setTimeout(() => this.refused({status}), status < 404 ? 0 : 1000);
				return false;
			}
			// A server that says when to come again lives, and may say so for long.
			if (pause === undefined) await this.pause(++failures, 'nothing can be sent');
			else await this.nap(Math.max(pause, moment(Math.min(busy++, 6))));
		}
		return true;
	}

	async #say(body, headers) {
		const saying = new AbortController(), timer = setTimeout(() => saying.abort(), POSTED);
		this.#saying.add(saying);
		try {
			const response = await this.request('POST', {body, headers, signal: saying.signal});
			return {status: response.status, pause: retryAfter(response.headers)};
		} catch {
			return {status: 0};
		} finally {
			clearTimeout(timer);
			this.#saying.delete(saying);
		}
	}

	/** A message without a number, beside those that wait. */
	async ping() {
		const {status} = await this.#say(PING, {'Content-Type': 'text/plain'});
		if (status === 204 && !this.ended) this.on.open();
	}

	stop() {
		this.#rouse();
		this.#reading?.abort();
		for (const request of this.#saying) request.abort();
	}

	leave(code, reason) {
		const goodbye = async () => {
			this.stop();
			const query = code ? {code, ...reason && {reason}} : {};
			if (this.id) await this.request('DELETE', {query, keepalive: true}).catch(() => {});
		};
		this.#rouse();
		if (code && this.busy) this.#sending.then(goodbye);
		else goodbye();
	}

	/** What a session is over with, as the server tells it. */
	closed({code, reason, retry}) {
		this.end({code, reason, retry: retry >= 0 ? Number(retry) : undefined});
	}
}

class StreamLink extends SessionLink {
	#last = 0;

	async open() {
		for (let failures = 0; !this.ended;) {
			const began = now(), before = this.#last;
			try {
				const response = await this.get('text/event-stream',
					this.id && {'Last-Event-ID': `${this.id}.${this.#last}`});
				if (response.status !== 200) {
					if (!this.id || response.status < 500) return this.refused(response);
				} else if (!isType(response, 'text/event-stream')) {
					return this.end({code: ABNORMAL, reason: 'no stream', other: true});
				} else {
					await this.#read(response.body);
				}
			} catch (error) {
				if (!this.id) return this.end({code: ABNORMAL, reason: String(error), error});
			}
			if (this.ended) return;
			if (this.renews) continue;
			this.on.lost();
			const good = this.#last > before || now() - began > 2000;
			failures = good ? 0 : failures + 1;
			if (failures) await this.pause(failures, 'the stream is lost');
		}
	}

	async #read(body) {
		const events = new EventReader(), text = new TextDecoder(), reader = body.getReader();
		for (;;) {
			const {done, value: bytes} = await reader.read();
			if (done || this.ended) return;
			this.on.life();
			for (const event of events.take(text.decode(bytes, {stream: true}))) this.#take(event);
		}
	}

	#take({name, data, id}) {
		if (this.ended) return;
		if (name === 'open') {
			const {session, protocol} = JSON.parse(data);
			this.id = session;
			return this.on.open(protocol);
		}
		if (name === 'close') return this.closed(JSON.parse(data));
		this.#last = Number(id.slice(id.lastIndexOf('.') + 1));
		if (name === 'binary') this.on.message(fromBase64(data));
		else this.on.message(name === 'text' ? JSON.parse(data) : data);
	}

	check() { this.renew(); }
}

class PollLink extends SessionLink {
	#cursor = 0;

	async open() {
		for (let failures = 0, hasty = 0; !this.ended;) {
			const began = now();
			try {
				const response = await this.get('application/json', {},
					this.id && {cursor: this.#cursor});
				if (response.status === 200) {
					const news = this.#take(await response.json());
					failures = 0;
					// A server that holds no poll is not asked as fast as it answers.
					hasty = news || now() - began > 1000 ? 0 : hasty + 1;
					if (hasty > 1) await this.nap(moment(Math.min(hasty, 3)));
					continue;
				}
				if (!this.id || response.status < 500) return this.refused(response);
			} catch (error) {
				if (!this.id) return this.end({code: ABNORMAL, reason: String(error), error});
			}
			if (this.ended) return;
			if (this.renews || !failures++) continue; // once is none: a server ends what is idle
			this.on.lost();
			await this.pause(failures, 'polls are not answered');
			// A poll that works may tell nothing for long.
			if (this.options.pingAfter && !this.ended) this.ping();
		}
	}

	/** Reports whether there was news. */
	#take({session, protocol, cursor, messages, closed}) {
		this.id ||= session;
		this.#cursor = cursor;
		this.on.open(protocol);
		for (const {text, binary} of messages) {
			this.on.message(binary === undefined ? text : fromBase64(binary));
		}
		if (closed) this.closed(closed);
		return messages.length > 0;
	}

	check() {
		this.renew();
		this.ping();
	}
}

const LINKS = {websocket: SocketLink, sse: StreamLink, poll: PollLink};

// Small things.

function checked(given) {
	for (const name of Object.keys(given)) {
		if (!(name in DEFAULTS)) throw new TypeError(`parley: there is no option ${name}`);
	}
	const options = {...DEFAULTS};
	for (const name of Object.keys(given)) {
		if (given[name] !== undefined) options[name] = given[name];
		const number = typeof DEFAULTS[name] === 'number';
		if (number && !(Number.isFinite(options[name]) && options[name] >= 0)) {
			throw new RangeError(`parley: ${name} is no number from 0 on`);
		}
	}
	options.WebSocket ??= globalThis.WebSocket;
	options.fetch ??= (...request) => globalThis.fetch(...request);
	for (const name of options.transports) {
		if (!(name in LINKS)) throw new TypeError(`parley: there is no transport ${name}`);
	}
	options.transports = options.transports.filter(
		name => name !== 'websocket' || options.WebSocket);
	if (!options.transports.length) throw new TypeError('parley: no transport is left to use');
	return options;
}

const FAILURES = {
	closed: 'the connection is closed',
	disconnected: 'the connection was lost before the answer; the request may have been heard',
	full: 'too much waits to be sent',
	refused: 'the server refuses what was sent',
	timeout: 'no answer came in time',
};

function failure(code) { return new ParleyError(code, `parley: ${FAILURES[code]}`); }

function deferred() {
	const made = {};
	made.promise = new Promise((resolve, reject) => Object.assign(made, {resolve, reject}));
	made.promise.catch(() => {}); // whoever does not wait need not hear of it
	return made;
}

/** An error is told as one that nobody catches, and stops nothing. */
function reporting(action) {
	try {
		action();
	} catch (error) {
		queueMicrotask(() => { throw error; });
	}
}

/** A pause that grows, in ms, and not all at once. */
function moment(failures) { return 125 * 2 ** failures * (0.5 + Math.random() / 2); }

/** A clock that only goes forward, unlike that of the machine; never 0. */
function now() { return performance.now() + 1; }

function after(ms, action) { return setTimeout(action, Math.min(ms, LONGEST)); }

function sleep(ms) { return new Promise(done => after(ms, done)); }

/** An address that a client can have, without its fragment. */
function resolved(url) {
	const address = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
	if (!/^(http|ws)s?:$/.test(address.protocol)) {
		throw new TypeError(`parley: ${address.protocol} is no scheme of an app`);
	}
	address.hash = '';
	return address;
}

function value(option) { return typeof option === 'function' ? option() : option; }

function isBytes(data) { return data instanceof ArrayBuffer || ArrayBuffer.isView(data); }

/** Whoever sends bytes may write into them, while they wait. */
function copied(data) {
	const {buffer, byteOffset, byteLength} = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
	return new Uint8Array(buffer, byteOffset, byteLength).slice();
}

function bytesIn(data) {
	return typeof data === 'string' ? new TextEncoder().encode(data).length : data.byteLength;
}

/** An object is sent as JSON, text and bytes as they are. */
function encoded(message, id) {
	if (typeof message === 'string') return message;
	if (isBytes(message)) return copied(message);
	if (message instanceof globalThis.Blob) {
		throw new TypeError('parley: a blob is not sent as it is: send its bytes or its text');
	}
	if (typeof message?.type !== 'string') throw new TypeError('parley: a message has a type');
	if (message.type.startsWith('parley.')) {
		throw new TypeError('parley: types that begin with parley. are its own');
	}
	if ('id' in message) throw new TypeError('parley: the field id is that of requests');
	return JSON.stringify(id ? {...message, id} : message);
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function isType(response, type) {
	return (response.headers.get('Content-Type') ?? '').split(';')[0].trim() === type;
}

/** The milliseconds of a Retry-After, which has seconds or a date. */
function retryAfter(headers) {
	const text = headers?.get('Retry-After');
	if (!text) return undefined;
	const there = Date.parse(headers.get('Date') ?? '') || Date.now(); // by the server's clock
	const ms = /^\d+$/.test(text) ? text * 1000 : Date.parse(text) - there;
	return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function fromBase64(text) {
	return Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
}

/** What a page remembers of its transports, where it may. */
function storage() {
	const key = 'parley-transport';
	const quietly = action => {
		try {
			return action(globalThis.sessionStorage);
		} catch { // pages may be denied it
			return null;
		}
	};
	return {
		read: () => quietly(store => JSON.parse(store?.getItem(key) ?? null)),
		write: kept => quietly(store => kept ? store?.setItem(key, JSON.stringify(kept)) :
			store?.removeItem(key)),
	};
}

async function* iterate(parley) {
	const messages = [];
	let wake = () => {}, failed = null, ended = parley.state === 'closed';
	const stop = new AbortController();
	const on = (type, handler) => parley.addEventListener(type, event => {
		handler(event);
		wake();
	}, {signal: stop.signal});
	on('message', ({data}) => {
		if (messages.length < ITERATED) messages.push(data);
		else failed ??= failure('full');
	});
	on('close', () => { ended = true; });
	try {
		for (;;) {
			while (messages.length) yield messages.shift();
			if (failed) throw failed;
			if (ended) return;
			await new Promise(done => { wake = done; });
		}
	} finally {
		stop.abort();
	}
}

/** For the tests of this file. What is in it may change. */
export const internals = {Backoff, Ladder, Positions, Presence, Outbox, EventReader};
