// What the client does, in a browser and in Node alike, with a server that does its worst.
// Go starts the server, and calls run. control has the server do something.
// It has more than 400 lines because all who play the scenarios take them from one list.

import {ParleyError} from '../parley.js';
import {AVAILABLE, Stage, becomes, count, next, rejection, same, thrown, until} from './stage.js';

export const scenarios = {
	async talks(stage) {
		const chat = await stage.open({protocols: ['chat.v1']});
		same([chat.state, chat.transport, chat.protocol], ['open', stage.transport, 'chat.v1']);
		same(await chat.request({type: 'echo', text: 'hällo\r\n'}), 'hällo\r\n');
		same(await chat.request({type: 'said'}), null);
		const failed = await rejection(chat.request({type: 'fail'}));
		same([failed instanceof ParleyError, failed.code, failed.message],
			[true, 'no_luck', 'try another one']);
		const late = await rejection(chat.request({type: 'mute'}, {timeout: 50}));
		same(late.code, 'timeout');
		const abort = new AbortController();
		const given = rejection(chat.request({type: 'mute'}, {signal: abort.signal}));
		abort.abort();
		same((await given).name, 'AbortError');
		const bytes = next(chat, 'message', ({data}) => data instanceof Uint8Array);
		chat.send(new Uint8Array([0, 128, 255]));
		same([...(await bytes).data], [0, 128, 255]);
		const text = next(chat, 'message', ({data}) => typeof data === 'string');
		chat.send('text');
		same((await text).data, 'plain text');
		for (const wrong of [null, {}, 7, {type: 'parley.ping'}, {type: 'said', id: 1}]) {
			same(thrown(() => chat.send(wrong)) instanceof TypeError, true, JSON.stringify(wrong));
		}
		const closed = next(chat, 'close');
		chat.close(4000, 'bye');
		same([(await closed).code, chat.state], [4000, 'closed']);
		same(thrown(() => chat.send({type: 'said'})).code, 'closed');
		await until(async () => (await stage.control('/report')).members === 0);
	},

	async waitsInOrder(stage) {
		const chat = stage.make();
		for (const text of ['a', 'b', 'c']) chat.send({type: 'say', text});
		const asked = chat.request({type: 'echo', text: 'd'});
		same(chat.queued, 4);
		await chat.connect();
		same(await asked, 'd');
		same((await stage.control('/report')).heard, ['a', 'b', 'c', 'd']);
	},

	async hearsOnceAcrossCuts(stage) {
		const {chat, heard} = await stage.listen();
		let total = 0;
		const publish = async n => { total += n; await stage.control(`/publish?n=${n}`); };
		for (let cut = 0; cut < 20; cut++) {
			await publish(10);
			const enough = total - 1 - cut % 7; // in the middle of it, as a rule
			await until(() => heard.length >= enough);
			await stage.control('/drop');
			await publish(5);
		}
		await until(() => heard.length >= total);
		same(heard, count(total));
		same(await chat.request({type: 'echo', text: 'well'}), 'well');
		same(heard.length, total);
	},

	async hearsOnceAcrossRestarts(stage) {
		const {chat, heard} = await stage.listen();
		let opened = 0;
		chat.addEventListener('open', () => opened++);
		for (let restart = 1; restart <= 3; restart++) {
			await stage.control('/publish?n=5');
			await until(() => heard.length >= restart * 10 - 5);
			await stage.control('/stop');
			await stage.control('/publish?n=5');
			await stage.control('/start');
			chat.connect();
			await until(() => heard.length >= restart * 10);
			await becomes(chat, 'open');
		}
		same(heard, count(30));
		same(opened, 3);
	},

	async goesOnAcrossReloads(stage) {
		const {chat, heard: before} = await stage.listen();
		await stage.control('/publish?n=3');
		await until(() => before.length === 3);
		const {positions} = chat;
		chat.close();
		await stage.control('/publish?n=2');
		const {heard} = await stage.listen({positions});
		await until(() => heard.length === 2);
		same(heard, [3, 4]);
	},

	async saysWhatIsMissedOfGroupsThatFindNoRoom(stage) {
		const {chat, heard: before} = await stage.listen();
		await stage.control('/publish?n=3');
		await until(() => before.length === 3);
		const others = Array.from({length: 500}, (_, i) => [`other.${i}`, 'x:1']);
		const positions = {...chat.positions, ...Object.fromEntries(others)};
		chat.close();
		for (const missed of [0, 2]) {
			if (missed) await stage.control(`/publish?n=${missed}`);
			const again = stage.make({positions}), told = [];
			again.addEventListener('gap', ({group, reason}) => told.push(`${group} ${reason}`));
			again.on('said', ({n}) => told.push(n));
			await again.connect();
			await stage.control('/publish?n=1');
			await until(() => typeof told.at(-1) === 'number');
			same(told, missed ? ['room not named', 6] : [3]);
			again.close();
		}
	},

	async tellsOfGaps(stage) {
		const {chat, heard} = await stage.listen();
		await stage.control('/publish?n=3');
		await until(() => heard.length === 3);
		const gap = next(chat, 'gap');
		await stage.control('/flush');
		await stage.control('/stop');
		await stage.control('/start');
		chat.connect();
		const {group, reason, position} = await gap;
		same([group, reason, position], ['room', 'epoch', '2:0']);
		await stage.control('/publish?n=1');
		await until(() => heard.length === 4);
		same(chat.positions, {room: '2:1'});
	},

	async followsPresence(stage) {
		const chat = await stage.open(), seen = [];
		chat.addEventListener('presence', ({joined, left, members}) => {
			seen.push([joined.map(one => one.member), left.map(one => one.member), members.size]);
		});
		const tell = message => stage.control('/tell', JSON.stringify({group: 'room', ...message}));
		await tell({type: 'presence.state', members: [{member: 'a', show: {name: 'ann'}}]});
		await tell({type: 'presence.join', member: 'b', show: {name: 'bob'}});
		await tell({type: 'presence.join', member: 'b', show: {name: 'bob'}});
		await tell({type: 'presence.leave', member: 'a'});
		await until(() => seen.length === 3);
		same(seen, [[['a'], [], 1], [['b'], [], 2], [[], ['a'], 1]]);
		same([...chat.members('room')], [['b', {name: 'bob'}]]);
		const kept = next(chat, 'message');
		await tell({type: 'parley.message', position: '1:1', data: 'AP8=', binary: true});
		same([[...(await kept).data], (await kept).group], [[0, 255], 'room']);
		const resync = next(chat, 'resync');
		await tell({type: 'channel.resync', groups: ['room']});
		same((await resync).groups, ['room']);
		await tell({type: 'parley.future'}); // of a server that is newer
		same(await chat.request({type: 'echo', text: 'x'}), 'x');
	},

	/** With a consumer only. */
	async seesOthers(stage) {
		const names = chat => [...chat.members('room').values()].map(({name}) => name).sort().join();
		const enter = name => stage.open({url: `${stage.room}?name=${name}`});
		const ann = await enter('ann'), seen = [];
		ann.addEventListener('presence', ({joined, left}) => {
			for (const {show} of joined) seen.push('+' + show.name);
			for (const {show} of left) seen.push('-' + show.name);
		});
		await until(() => names(ann) === 'ann');
		const bob = await enter('bob');
		await until(() => names(ann) === 'ann,bob' && names(bob) === 'ann,bob');
		bob.close();
		await until(() => names(ann) === 'ann');
		same(seen.slice(-2), ['+bob', '-bob']);
		await stage.control('/stop');
		await stage.control('/start');
		const eve = await enter('eve');
		ann.connect().catch(() => {});
		await until(() => names(ann) === 'ann,eve' && names(eve) === 'ann,eve');
		await stage.control('/publish?n=1');
		await until(() => ann.positions.room && eve.positions.room);
	},

	async iterates(stage) {
		const chat = await stage.open(), got = [];
		const loop = (async () => {
			for await (const message of chat) got.push(message.n);
		})();
		await stage.control('/publish?n=3');
		await until(() => got.length === 3);
		chat.close();
		await loop;
		same(got, [0, 1, 2]);
	},

	async survivesHandlers(stage) {
		const {chat, heard} = await stage.listen();
		const off = chat.on('said', () => heard.push('twice'));
		await stage.control('/publish?n=1');
		await until(() => heard.length === 2);
		off();
		chat.on('said', () => chat.close());
		await stage.control('/publish?n=2');
		await becomes(chat, 'closed');
		same(heard, [0, 'twice', 1]);
	},

	async asksAgain(stage) {
		const chat = await stage.open();
		const once = rejection(chat.request({type: 'mute', key: 'once'}));
		const again = chat.request({type: 'flaky', key: 'again'}, {resend: true});
		await until(async () => (await stage.control('/report')).seen.again);
		await stage.control('/stop');
		await stage.control('/start');
		same((await once).code, 'disconnected');
		chat.connect();
		same(await again, null);
		const {seen} = await stage.control('/report');
		same([seen.once, seen.again], [1, 2]);
	},

	async fillsUp(stage) {
		const chat = await stage.open({queueMessages: 20, queueBytes: 600_000});
		await stage.control('/hold');
		const pad = 'x'.repeat(30_000);
		let sent = 0, error;
		while (!error) {
			try {
				chat.send({type: 'say', text: String(sent), pad});
				sent++;
				if (sent % 10 === 0) await new Promise(done => setTimeout(done, 20));
			} catch (failed) {
				error = failed;
			}
		}
		same(error.code, 'full');
		same((await rejection(chat.request({type: 'echo', text: 'x', pad}))).code, 'full');
		await stage.control('/release');
		const {heard} = await until(async () => {
			const report = await stage.control('/report');
			return report.heard?.length >= sent && report;
		});
		same(heard, count(sent).map(String));
		same(chat.state, 'open');
	},

	async bearsTheLimit(stage) {
		const limit = 1 << 20, chat = await stage.open({queueBytes: 4 * limit});
		const {length} = JSON.stringify({type: 'said', pad: '', id: 1});
		const ask = size => chat.request({type: 'said', pad: 'x'.repeat(size - length)});
		same(await ask(limit), null);
		const lost = next(chat, 'state', ({state}) => state === 'waiting');
		const {code} = await rejection(ask(limit + 1));
		same(['refused', 'disconnected'].includes(code), true, code); // the line may break first
		await lost;
		await becomes(chat, 'open');
		same(await chat.request({type: 'echo', text: 'x'}), 'x');
	},

	async staysAway(stage) {
		for (const [code, final] of [
			[1000, true], [1008, true], [4401, true], [4403, true],
			[1001, false], [1011, false], [4000, false],
		]) {
			const chat = await stage.open();
			const told = next(chat, 'state', ({state}) => state === 'closed' || state === 'waiting');
			await chat.request({type: 'said'}); // nothing is on its way
			await stage.control(`/kick?n=${code}`, 'because');
			const event = await told;
			same([event.state, event.code, event.reason],
				[final ? 'closed' : 'waiting', code, 'because']);
			if (final) {
				same(chat.retryAt, 0);
				await chat.connect(); // after a login
				same(chat.state, 'open');
			}
			chat.close();
		}
	},

	async keepsWhatWasNotSent(stage) {
		await stage.control('/deny?n=401');
		const chat = stage.make({transports: AVAILABLE});
		chat.send({type: 'say', text: 'hello'});
		const asked = rejection(chat.request({type: 'echo'}));
		const closed = next(chat, 'close');
		const opening = await rejection(chat.connect());
		same([opening.code, opening.closeCode], ['closed', 4401]);
		same((await asked).code, 'closed');
		const {code, status, unsent} = await closed;
		same([code, status, unsent], [4401, 401, [{type: 'say', text: 'hello'}]]);
		await stage.control('/deny?n=0');
		await chat.connect();
		same(chat.queued, 0);
	},

	async comesBackWhenTold(stage) {
		for (const code of [1012, 1013]) {
			const chat = await stage.open();
			const told = next(chat, 'state', event => event.state === 'waiting');
			const before = Date.now();
			await stage.control(`/kick?n=${code}`);
			const {retryAt} = await told;
			if (retryAt < before + 1000) throw new Error(`comes back after ${retryAt - before} ms`);
			globalThis.dispatchEvent?.(new Event('online')); // no reason to come earlier
			same(chat.state, 'waiting');
			await chat.connect(); // but somebody may insist
			chat.close();
		}
	},

	async asksForItsAddress(stage) {
		const asked = [];
		const chat = stage.make({url: begins => {
			asked.push(begins);
			if (asked.length === 1) throw new Error('not yet');
			return stage.room;
		}});
		const told = next(chat, 'state', event => event.state === 'waiting');
		const opening = chat.connect();
		const {error, code} = await told;
		same([error.message, code], ['not yet', 1006]);
		await opening;
		same(await chat.request({type: 'echo', text: 'x'}), 'x');
		same(asked.slice(0, 2), [true, true]);
		same(asked.includes(false), stage.transport !== 'websocket');
	},

	async triesAgainWhenDenied(stage) {
		for (const status of [503, 404]) {
			await stage.control(`/deny?n=${status}`);
			const chat = stage.make({transports: ['sse', 'poll']});
			const told = next(chat, 'state', event => event.state === 'waiting');
			chat.connect();
			same((await told).status, status);
			await stage.control('/deny?n=0');
			await becomes(chat, 'open');
			chat.close();
		}
	},

	async noticesSilence(stage) {
		const chat = await stage.open({pingAfter: 100, pongTimeout: 300});
		const noticed = next(chat, 'state', event => event.reason === 'silence');
		await stage.control('/silence');
		await noticed;
		await stage.control('/drop');
		await stage.control('/heal');
		await becomes(chat, 'open');
	},

	async knowsThatItLives(stage) {
		const chat = await stage.open({pingAfter: 50}), left = [];
		chat.addEventListener('state', ({state, reason}) => left.push([state, reason]));
		const looks = stage.transport === 'sse' ? 'asked' : 'pinged';
		const before = stage.transport === 'sse' ? 1 : 0; // that opened it
		await until(async () => (await stage.control('/report'))[looks] > before);
		same(await chat.request({type: 'echo', text: 'x'}), 'x');
		same(left, []);
	},

	async bearsDelay(stage) {
		await stage.control('/slow?n=30');
		const {chat, heard} = await stage.listen({pingAfter: 200});
		await stage.control('/publish?n=20');
		const answers = await Promise.all(count(5).map(n =>
			chat.request({type: 'echo', text: String(n)})));
		same(answers, count(5).map(String));
		await until(() => heard.length >= 20);
		same(heard, count(20));
		await stage.control('/slow?n=0');
	},

	async findsAnotherWay(stage) {
		const transports = AVAILABLE;
		const found = async (way, options) => {
			const {chat, heard} = await stage.listen({transports, ...options});
			same(chat.transport, way);
			await stage.control('/publish?n=1');
			await until(() => heard.length === 1);
			same(await chat.request({type: 'echo', text: way}), way);
			chat.close();
		};
		await found(transports[0]);
		await stage.control('/block?n=1&what=websocket');
		await found('sse', {remember: true});
		await stage.control('/block?n=1&what=stream');
		await found('poll', {openTimeout: 500}); // for the stream that tells nothing
		await stage.control('/block?n=0&what=websocket');
		await stage.control('/block?n=0&what=stream');
		await found(transports[0]);
		if (globalThis.sessionStorage) await found('sse', {remember: true});
		await found(transports[0], {remember: true, retrySocketAfter: 0});
	},
};

/** How long a scenario may take before it fails. */
function late(ms) {
	return new Promise((_, fail) => setTimeout(() => fail(new Error('it takes too long')), ms));
}

/** Runs a scenario and returns 'ok', or what is wrong. */
export async function run(name, given) {
	const stage = new Stage(given);
	try {
		await Promise.race([scenarios[name](stage), late(240_000)]);
		return 'ok';
	} catch (error) {
		const {state, transport, queued, positions} = stage.clients.at(-1) ?? {};
		return `${error.stack}\n${JSON.stringify({state, transport, queued, positions})}\n` +
			stage.story.join('\n');
	} finally {
		for (const chat of stage.clients) chat.close();
	}
}
