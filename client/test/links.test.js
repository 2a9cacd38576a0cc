// Tests of the transports with sockets and requests that are made up.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {Parley, ParleyError} from '../parley.js';

const URL_ = 'http://example.com/chat';
const QUICK = {backoffMin: 1, backoffMax: 2, remember: false};
const WAITS = {backoffMin: 600_000, backoffMax: 600_000}; // a state that does not pass

/** Waits until look returns something. */
async function until(look) {
	for (;;) {
		const found = look();
		if (found) return found;
		await new Promise(done => setTimeout(done, 1));
	}
}

/** A socket that does what the test says. */
class Socket {
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

async function socket(options) {
	Socket.all = [];
	const chat = new Parley(URL_, {...QUICK, transports: ['websocket'], WebSocket: Socket, ...options});
	await chat.connect();
	return {chat, link: Socket.all[0]};
}

describe('options', () => {
	for (const [name, options, error] of [
		['an unknown one', {transport: 'sse'}, TypeError],
		['a negative number', {pingAfter: -1}, RangeError],
		['no number', {backoffMin: '1'}, RangeError],
		['an unknown transport', {transports: ['pigeon']}, TypeError],
		['no transport', {transports: []}, TypeError],
	]) {
		test(`refuses ${name}`, () => assert.throws(() => new Parley(URL_, options), error));
	}
	test('takes undefined for the default', () => new Parley(URL_, {pingAfter: undefined}));
	test('closes with codes that a client may use', () => {
		const chat = new Parley(URL_, {fetch});
		for (const code of [1001, 1006, 999, 5000]) assert.throws(() => chat.close(code), RangeError);
		assert.throws(() => chat.close(1000, 'x'.repeat(124)), RangeError);
	});
});

describe('socket', () => {
	test('is given what was offered, and where to go on', async () => {
		const {chat, link} = await socket({protocols: async () => ['a', 'b'], positions: {room: 'x:1'}});
		assert.equal(link.url, 'ws://example.com/chat?parley-resume=%7B%22room%22%3A%22x%3A1%22%7D');
		assert.deepEqual(link.protocols, ['a', 'b']);
		assert.equal(chat.protocol, 'chat.v1');
		chat.close(4000, 'bye');
		assert.deepEqual(link.closed, {code: 4000, reason: 'bye'});
	});
	test('holds no more than a little', async () => {
		const {chat, link} = await socket();
		link.bufferedAmount = 100_000;
		for (const text of ['a', 'b', 'c']) chat.send(text);
		assert.deepEqual([link.sent, chat.queued], [['a'], 2]);
		link.bufferedAmount = 0;
		await until(() => link.sent.length === 3);
		assert.deepEqual(link.sent, ['a', 'b', 'c']);
		chat.close();
	});
	test('that is closing takes nothing', async () => {
		const {chat, link} = await socket();
		link.readyState = 2;
		chat.send('a');
		link.breaks();
		const again = await until(() => Socket.all[1]);
		await until(() => again.sent.length);
		assert.deepEqual([link.sent, again.sent], [[], ['a']]);
		chat.close();
	});
	test('is not asked for where it is forbidden', async () => {
		const forbidden = class { constructor() { throw new DOMException('no', 'SecurityError'); } };
		const chat = new Parley(URL_, {...QUICK, WebSocket: forbidden, fetch: server().fetch,
			transports: ['websocket', 'poll']});
		await chat.connect();
		assert.equal(chat.transport, 'poll');
		chat.close();
	});
	test('answers requests by their ids', async () => {
		const {chat, link} = await socket();
		const answers = [1, 2, 3].map(n => chat.request({type: 'x', n}));
		const [a, b, c] = link.sent.map(text => JSON.parse(text).id);
		for (const id of [99, undefined, 'x']) link.says({type: 'parley.reply', id, result: 'no'});
		link.says({type: 'parley.reply', id: b, result: 'b'});
		link.says({type: 'parley.reply', id: b, result: 'twice'});
		link.says({type: 'parley.reply', id: a, error: {code: 'bad', message: 'worse'}});
		assert.equal(await answers[1], 'b');
		await assert.rejects(answers[0], new ParleyError('bad', 'worse'));
		link.breaks(1009);
		await assert.rejects(answers[2], {code: 'refused'});
		assert.ok(c);
		chat.close();
	});
	test('is alive while pings are answered, and silent then', async t => {
		t.mock.timers.enable({apis: ['setTimeout', 'Date']});
		const opening = socket({pingAfter: 100, pongTimeout: 300});
		await new Promise(setImmediate);
		t.mock.timers.tick(1);
		const {chat, link} = await opening, reasons = [];
		chat.addEventListener('state', ({reason}) => reasons.push(reason));
		t.mock.timers.tick(100);
		for (let beats = 1; beats <= 3; beats++) {
			assert.deepEqual([link.sent.length, reasons], [beats, []]);
			link.says({type: 'parley.pong'});
			t.mock.timers.tick(300);
		}
		t.mock.timers.tick(299);
		assert.deepEqual(reasons, []);
		t.mock.timers.tick(1);
		assert.deepEqual(reasons, ['silence']);
		chat.close();
	});
	test('spares a server that says so', async t => {
		t.mock.method(Date, 'now', () => 5000); // it stands still
		for (const code of [1012, 1013]) {
			const {chat, link} = await socket();
			link.breaks(code);
			const pause = chat.retryAt - 5000;
			assert.ok(chat.state === 'waiting' && pause >= 1000 && pause <= 3000, `${pause}`);
			chat.close();
		}
	});
});

describe('page', () => {
	const show = t => {
		const page = new EventTarget(), document = new EventTarget();
		Object.assign(document, {visibilityState: 'visible', baseURI: URL_});
		Object.assign(globalThis, {document, addEventListener: page.addEventListener.bind(page)});
		t.after(() => { delete globalThis.document; delete globalThis.addEventListener; });
		return {tell: type => page.dispatchEvent(new Event(type)), document};
	};
	for (const [name, back] of [
		['restored', ({tell}) => tell('pageshow')],
		['only seen again', ({document}) => document.dispatchEvent(new Event('visibilitychange'))],
		['thawed', ({document}) => document.dispatchEvent(new Event('resume'))],
	]) {
		test(`connects anew when it is ${name}`, async t => {
			const page = show(t), {chat} = await socket();
			page.tell('pagehide');
			assert.equal(chat.state, 'waiting');
			back(page);
			await until(() => chat.state === 'open' && Socket.all.length === 2);
			chat.close();
			back(page);
			assert.equal(chat.state, 'closed');
		});
		test(`spares a server that has said so when it is ${name}`, async t => {
			t.mock.method(Date, 'now', () => 5000); // it stands still
			const page = show(t), {chat, link} = await socket();
			link.breaks(1013);
			page.tell('pagehide');
			back(page);
			assert.ok(chat.state === 'waiting' && chat.retryAt >= 6000);
			assert.equal(Socket.all.length, 1);
			chat.close();
		});
	}
});

/** A server of polls. What answers has for a number of a request is the answer to it. */
function server(answers = {}) {
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

describe('session', () => {
	const open = async (answers, options) => {
		const made = server(answers);
		const chat = new Parley(URL_, {...QUICK, transports: ['poll'], fetch: made.fetch, ...options});
		await chat.connect();
		return {chat, ...made};
	};
	test('shows its name, its secret and the caller\'s headers', async () => {
		const {chat, heard, posts} = await open({}, {headers: () => ({Authorization: 'Bearer x'})});
		chat.send('hello');
		await until(() => posts().length);
		assert.equal(heard[0].headers['parley-secret'], 'new');
		const {headers, body} = posts()[0];
		assert.deepEqual([headers['parley-session'], headers['parley-secret'], headers.authorization,
			headers['parley-message'], headers['content-type'], body],
		['S', 'secret', 'Bearer x', '1', 'text/plain', 'hello']);
		chat.close(4000, 'bye');
		const gone = await until(() => heard.find(one => one.method === 'DELETE'));
		assert.equal(gone.url.search, '?code=4000&reason=bye');
	});
	for (const [name, answer] of [
		['is lost', new TypeError('network')], ['says that it is too much', [429, {'Retry-After': '0'}]],
		['says that the app is behind', [503]], ['says that it is too early', [409]],
	]) {
		test(`repeats a message under its number when the answer ${name}`, async () => {
			const {chat, posts} = await open({'POST 1': answer});
			chat.send('a');
			chat.send('b');
			await until(() => posts().length === 3);
			assert.deepEqual(posts().map(({body, headers}) => body + headers['parley-message']),
				['a1', 'a1', 'b2']);
			chat.close();
		});
	}
	for (const [name, answers] of [
		['refuses messages', number => ({[`POST ${number}`]: [503, {'Retry-After': '0'}]})],
		['holds no poll', number => ({
			[`GET ${number + 1}`]: [200, {}, '{"session":"S","cursor":0,"messages":[]}']})],
	]) {
		test(`does not hurry where a server ${name}`, async t => {
			const timers = t.mock.method(globalThis, 'setTimeout').mock;
			const pauses = () => timers.calls.map(({arguments: [, ms]}) => ms).filter(
				ms => ms > 60 && ms < 2000);
			const {chat} = await open(Object.assign({}, ...[1, 2, 3, 4].map(answers)));
			chat.send('a');
			await until(() => pauses().length === 3);
			chat.close();
		});
	}
	test('takes back what was not taken, for the next session', async () => {
		const {chat, posts} = await open({'POST 1': [410],
			'GET 3': [200, {}, '{"session":"T","cursor":0,"messages":[]}']});
		chat.send('a');
		await until(() => posts().length === 2);
		assert.deepEqual(posts().map(({body, headers}) =>
			body + headers['parley-message'] + headers['parley-session']), ['a1S', 'a1T']);
		chat.close();
	});
	test('waits for the code that it was closed with when its message is refused first', async t => {
		t.mock.timers.enable({apis: ['setTimeout']}); // they stand still
		const {fetch} = server({'POST 1': [410],
			'GET 2': [200, {}, '{"cursor":0,"messages":[],"closed":{"code":4401}}']});
		let refused;
		const refusal = new Promise(done => { refused = done; });
		const {chat} = await open({}, {fetch: async (url, init) => {
			if (init.method === 'GET' && url.includes('cursor')) await refusal;
			const answer = await fetch(url, init);
			if (init.method === 'POST') setImmediate(refused);
			return answer;
		}});
		chat.send('a');
		const {code} = await new Promise(done => chat.addEventListener('close', done));
		assert.equal(code, 4401);
	});
	for (const retry of ['soon', -1, null, {}, undefined]) {
		test(`waits as long as it likes where a goodbye says ${JSON.stringify(retry)}`, async () => {
			const {chat} = await open({'GET 2': [200, {}, JSON.stringify(
				{cursor: 0, messages: [], closed: {code: 1013, retry}})]}, WAITS);
			await until(() => chat.state === 'waiting');
			assert.ok(Number.isFinite(chat.retryAt));
			chat.close();
		});
	}
	for (const [name, header, least] of [
		['seconds', '3600', 3_000_000], ['a date', new Date(Date.now() + 3_600_000).toUTCString(), 3_000_000],
		['more than a timer has', '9999999', 9_000_000_000],
	]) {
		test(`waits as long as ${name} say`, async t => {
			const timers = t.mock.method(globalThis, 'setTimeout').mock;
			const {fetch} = server({'GET 1': [503, {'Retry-After': header}],
				'GET 2': [200, {}, '{"session":"S","cursor":0,"messages":[]}']});
			const chat = new Parley(URL_, {...QUICK, transports: ['poll'], fetch});
			chat.connect().catch(() => {});
			await until(() => chat.state === 'waiting');
			assert.ok(chat.retryAt - Date.now() > least);
			await chat.connect(); // somebody insists
			assert.ok(timers.calls.every(({arguments: [, ms]}) => !(ms > 0x7fff_ffff)));
			chat.close();
		});
	}
});
