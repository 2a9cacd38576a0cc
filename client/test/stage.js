// What the scenarios are made with: clients, a door to their server, and patience.

import {Parley} from '../parley.js';

// Clients come back soon, and give nothing up for being slow: a machine may be busy.
const QUICK = {backoffMin: 20, backoffMax: 200, openTimeout: 120_000, requestTimeout: 0,
	pingAfter: 120_000, pongTimeout: 120_000, remember: false};

export function same(got, want, what = '') {
	const [a, b] = [got, want].map(value => JSON.stringify(value));
	if (a !== b) throw new Error(`${what}: got ${a}, want ${b}`);
}

/** What a promise is rejected with. */
export async function rejection(promise) {
	const value = await promise.then(kept => ({kept}), error => ({error}));
	if (!value.error) throw new Error(`not rejected, but ${JSON.stringify(value.kept)}`);
	return value.error;
}

export function thrown(action) {
	try {
		action();
	} catch (error) {
		return error;
	}
	throw new Error('nothing is thrown');
}

/** Waits for an event that passes. */
export function next(target, type, passes = () => true) {
	return new Promise(done => target.addEventListener(type, function look(event) {
		if (!passes(event)) return;
		target.removeEventListener(type, look);
		done(event);
	}));
}

export async function becomes(chat, state) {
	if (chat.state !== state) await next(chat, 'state', event => event.state === state);
}

/** Waits until look returns something. */
export async function until(look) {
	for (;;) {
		const found = await look();
		if (found) return found;
		await new Promise(done => setTimeout(done, 10));
	}
}

export class Stage {
	constructor({room, door, transport}) {
		Object.assign(this, {room, door, transport});
		this.clients = [];
		this.story = []; // of a test that fails
	}

	make({url = this.room, ...options} = {}) {
		const chat = new Parley(url, {...QUICK, transports: [this.transport], ...options});
		this.clients.push(chat);
		const began = Date.now();
		chat.addEventListener('state', ({state, reason = ''}) => {
			this.story.push(`${Date.now() - began} ${state} ${reason}`);
		});
		return chat;
	}

	async open(options) {
		const chat = this.make(options);
		await chat.connect();
		return chat;
	}

	/** Opens a client and waits until it knows where the room is. */
	async listen(options) {
		const chat = this.make(options), heard = [];
		chat.on('said', ({n}) => heard.push(n));
		await chat.connect();
		await until(() => chat.positions.room);
		return {chat, heard};
	}

	async control(what, body) {
		const response = await fetch(this.door + what, {method: 'POST', body});
		if (!response.ok) throw new Error(`${what}: ${response.status}`);
		return response.json();
	}
}

export const count = n => [...Array(n).keys()];

/** The transports that there are where this runs. */
export const AVAILABLE = ['websocket', 'sse', 'poll'].filter(
	name => name !== 'websocket' || globalThis.WebSocket);
