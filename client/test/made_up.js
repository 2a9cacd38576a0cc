// Sockets and servers that are made up, for tests that run in Node alone.

import {Parley} from '../parley.js';

export const URL_ = 'http://example.com/chat';
export const QUICK = {backoffMin: 1, backoffMax: 2, remember: false};
export const WAITS = {backoffMin: 600_000, backoffMax: 600_000}; // a state that does not pass

/** Waits until look returns something. */
export async function until(look) {
	for (;;) {
		const found = look();
		if (found) return found;
		await new Promise(done => setTimeout(done, 1));
	}
}

/** A socket that does what the test says. */
export class Socket {
	static all = [];
	readyState = 0;
	bufferedAmount = 0;
	protocol = 'chat.v1';
	sent = [];

	constructor(url, protocols) {
		Object.assign(this, {url, protocols});
		Socket.all.push(this);
		setTimeout(() => {
			this.readyState = 1;
			this.onopen?.();
		}, 1);
	}

	send(data) { this.sent.push(data); }
	close(code, reason) { this.closed = {code, reason}; }
	says(message) { this.onmessage({data: JSON.stringify(message)}); }

	breaks(code = 1006, reason = '') {
		this.readyState = 3;
		this.onclose({code, reason});
	}
}

export async function socket({url = URL_, ...options} = {}) {
	Socket.all = [];
	const chat = new Parley(url, {...QUICK, transports: ['websocket'], WebSocket: Socket, ...options});
	await chat.connect();
	return {chat, link: Socket.all[0]};
}

/** A server of polls. What answers has for a number of a request is the answer to it. */
export function server(answers = {}) {
	const heard = [];
	const reply = (status, headers = {}, body = null) => new Response(body, {status, headers});
	const fetch = async (url, {method, headers, body, signal}) => {
		heard.push({method, url: new URL(url), headers: Object.fromEntries(headers), body});
		const same = heard.filter(one => one.method === method).length;
		const answer = answers[`${method} ${same}`];
		if (answer instanceof Error) throw answer;
		if (answer) return reply(...answer);
		if (method !== 'GET') return reply(204);
		if (same === 1) {
			return reply(200, {'Parley-Secret': 'secret'},
				'{"session":"S","cursor":0,"messages":[]}');
		}
		await new Promise((_, gone) => signal.addEventListener('abort', () => gone(signal.reason)));
	};
	return {heard, fetch, posts: () => heard.filter(one => one.method === 'POST')};
}
