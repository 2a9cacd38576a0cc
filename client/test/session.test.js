// Tests of the transports without a socket, with servers that are made up.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {Parley} from '../parley.js';
import {QUICK, URL_, WAITS, server, until} from './made_up.js';

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
	test('says goodbye at once while a server wants to be spared', async () => {
		const {chat, heard, posts} = await open({'POST 1': [503, {'Retry-After': '3600'}]});
		chat.send('a');
		await until(() => posts().length);
		await new Promise(done => setTimeout(done, 5));
		chat.close(4000);
		await until(() => heard.find(one => one.method === 'DELETE'));
		assert.equal(posts().length, 1);
	});
	test('tells times by the clock of the server', async () => {
		const hour = Date.now() + 3600_000;
		const {fetch} = server({'GET 1': [503, {Date: new Date(hour).toUTCString(),
			'Retry-After': new Date(hour + 60_000).toUTCString()}]});
		const chat = new Parley(URL_, {...QUICK, transports: ['poll'], fetch});
		chat.connect().catch(() => {});
		await until(() => chat.state === 'waiting');
		const pause = chat.retryAt - Date.now();
		assert.ok(pause <= 60_000, `${pause}`);
		chat.close();
	});
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
