// Tests of the client with sockets that are made up.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {Parley, ParleyError} from '../parley.js';
import {QUICK, Socket, URL_, server, socket, until} from './made_up.js';

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
	for (const url of ['/chat', 'ftp://example.com/', 'http://', '', undefined]) {
		test(`refuses the address ${url}`, () => assert.throws(() => new Parley(url), TypeError));
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
	for (const url of [URL_, `${URL_}?token=${'x'.repeat(2000)}`, `${URL_}?token=${'x'.repeat(5000)}`]) {
		test(`says what was missed of groups that ${url.length} bytes have no room for`, async () => {
			const groups = Array.from({length: 500}, (_, i) => `some.room.${i}`);
			const {chat, link} = await socket({url,
				positions: Object.fromEntries(groups.map(group => [group, 'x:1']))});
			const address = new URL(link.url);
			const named = JSON.parse(address.searchParams.get('parley-resume') ?? '{}');
			assert.ok(link.url.length <= Math.max(4096, url.length));
			assert.equal(named[groups.at(-1)], url.length < 4000 ? 'x:1' : undefined);
			const [quiet, busy, anew] = groups.filter(group => !named[group]);
			const gaps = [];
			chat.addEventListener('gap', ({group, position, reason}) => gaps.push([group, position, reason]));
			for (const [group, position] of [
				[quiet, 'x:1'], [busy, 'x:7'], [anew, 'y:1'], [busy, 'x:9'], ['other', 'x:3'],
			]) link.says({type: 'parley.position', group, position});
			assert.deepEqual(gaps, [[busy, 'x:7', 'not named'], [anew, 'y:1', 'not named']]);
			assert.deepEqual([quiet, busy, anew, 'other'].map(group => chat.positions[group]),
				['x:1', 'x:9', 'y:1', 'x:3']);
			chat.close();
		});
	}
	test('names positions for the try that is under way', async () => {
		let tries = 0, arrive;
		const late = new Promise(done => { arrive = () => done(URL_); });
		const {chat} = await socket({positions: {room: 'x:1'}, openTimeout: 20,
			url: () => tries++ ? `${URL_}?token=${'x'.repeat(5000)}` : late});
		const gaps = [];
		chat.addEventListener('gap', ({reason}) => gaps.push(reason));
		arrive(); // of the first try, which was given up
		await new Promise(done => setTimeout(done, 1));
		Socket.all.at(-1).says({type: 'parley.position', group: 'room', position: 'x:7'});
		assert.deepEqual(gaps, ['not named']);
		chat.close();
	});
	test('is opened without the fragment of an address', async () => {
		Socket.all = [];
		const chat = new Parley(`${URL_}?a=b#here`, {...QUICK, WebSocket: Socket});
		await chat.connect();
		assert.equal(Socket.all[0].url, 'ws://example.com/chat?a=b');
		chat.close();
	});
	test('sends bytes as they were when they were given', async () => {
		Socket.all = [];
		const chat = new Parley(URL_, {...QUICK, transports: ['websocket'], WebSocket: Socket});
		const whole = new Uint8Array([9, 1, 2, 9]);
		for (const bytes of [whole.subarray(1, 3), new DataView(whole.buffer, 1, 2), whole.buffer]) {
			chat.send(bytes);
		}
		whole.fill(0);
		await chat.connect();
		assert.deepEqual(Socket.all[0].sent.map(data => [...new Uint8Array(data)]),
			[[1, 2], [1, 2], [9, 1, 2, 9]]);
		assert.throws(() => chat.send(new Blob(['x'], {type: 'text/plain'})), TypeError);
		chat.close();
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
	test('hears nothing of an answer that comes too late', async () => {
		const {chat, link} = await socket();
		const told = [];
		chat.addEventListener('message', ({data}) => told.push(data));
		await assert.rejects(chat.request({type: 'x'}, {timeout: 1}), {code: 'timeout'});
		const next = chat.request({type: 'y'});
		const [late, id] = link.sent.map(text => JSON.parse(text).id);
		link.says({type: 'parley.reply', id: late, result: 'late'});
		link.says({type: 'parley.reply', id, result: 'y'});
		assert.equal(await next, 'y');
		assert.deepEqual(told, []);
		chat.close();
	});
	for (const [state, make] of Object.entries({
		idle: () => {},
		connecting: chat => { chat.connect().catch(() => {}); },
		open: chat => chat.connect(),
		waiting: chat => chat.connect().then(() => Socket.all[0].breaks(1013)),
		closed: chat => { chat.close(); },
	})) {
		test(`is over when it is closed while it is ${state}`, async () => {
			Socket.all = [];
			const chat = new Parley(URL_, {...QUICK, transports: ['websocket'], WebSocket: Socket});
			await make(chat);
			assert.equal(chat.state, state);
			const told = [];
			for (const type of ['state', 'open', 'close']) {
				chat.addEventListener(type, ({code}) => told.push([type, code]));
			}
			chat.close(4000, 'bye');
			chat.close();
			assert.deepEqual(told, state === 'closed' ? [] : [['state', 4000], ['close', 4000]]);
			assert.throws(() => chat.send('x'), {code: 'closed'});
			await assert.rejects(chat.request({type: 'x'}), {code: 'closed'});
			await new Promise(done => setTimeout(done, 5));
			assert.equal(chat.state, 'closed');
			await chat.connect();
			assert.equal(chat.state, 'open');
			chat.close();
		});
	}
	test('is alive while pings are answered, and silent then', async t => {
		t.mock.timers.enable({apis: ['setTimeout', 'Date']});
		t.mock.method(performance, 'now', () => Date.now());
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
			t.mock.method(performance, 'now', () => 5000);
			const page = show(t), {chat, link} = await socket();
			link.breaks(1013);
			page.tell('pagehide');
			back(page);
			assert.ok(chat.state === 'waiting' && chat.retryAt >= 6000);
			assert.equal(Socket.all.length, 1);
			chat.close();
		});
	}
	test('tries again at once what has failed while the machine came online', async t => {
		const page = show(t);
		let Kind = Socket;
		const {chat, link} = await socket({backoffMin: 600_000, backoffMax: 600_000,
			WebSocket: function (...given) { return new Kind(...given); }});
		Kind = class {
			constructor() { Socket.all.push(this); }
			close() {}
		};
		link.breaks();
		chat.connect().catch(() => {});
		const dead = await until(() => Socket.all[1]?.onclose && Socket.all[1]);
		page.tell('online');
		assert.equal(chat.state, 'connecting');
		Kind = Socket;
		dead.onclose({code: 1006, reason: ''});
		await until(() => chat.state === 'open');
		Socket.all[2].breaks();
		assert.ok(chat.retryAt - Date.now() > 200_000, 'and only once');
		chat.close();
	});
	for (const hours of [-1, 1]) {
		test(`bears a clock that is put forward by ${hours} h`, async t => {
			const page = show(t), real = Date.now;
			const {chat, link} = await socket({pingAfter: 20, pongTimeout: 600_000});
			t.mock.method(Date, 'now', () => real() + hours * 3600_000);
			await until(() => link.sent.length); // it asks whether the server lives
			link.says({type: 'parley.pong'});
			link.breaks(1013);
			t.mock.method(Date, 'now', () => real() + 2 * hours * 3600_000);
			page.tell('online');
			assert.deepEqual([chat.state, Socket.all.length], ['waiting', 1]);
			assert.ok(chat.retryAt - Date.now() <= 3000);
			chat.close();
		});
	}
});

test('ten thousand connections leave nothing behind', () => {
	const many = fileURLToPath(new URL('many.js', import.meta.url));
	const left = JSON.parse(execFileSync(process.execPath, [many], {encoding: 'utf8'}));
	// What lives is the heart of the last connection.
	assert.deepEqual(left, {alive: 1, failed: 10_000, listeners: 0, timers: 1});
});
