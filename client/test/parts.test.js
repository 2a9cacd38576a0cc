// Tests of the parts that know nothing of a network.

import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {ParleyError, internals} from '../parley.js';

const {Backoff, Ladder, Positions, Presence, Outbox, EventReader} = internals;

describe('backoff', () => {
	test('doubles between its bounds', () => {
		for (const [chance, want] of [
			[0, [250, 500, 1000, 2000, 4000, 5000, 5000]],
			[1, [500, 1000, 2000, 4000, 8000, 10000, 10000]],
		]) {
			const backoff = new Backoff(500, 10_000, () => chance);
			assert.deepEqual(want.map(() => backoff.next()), want);
		}
	});
	test('begins anew after a good connection', () => {
		const backoff = new Backoff(500, 10_000, () => 1);
		backoff.next();
		backoff.next();
		backoff.reset();
		assert.equal(backoff.next(), 500);
	});
	test('stays within its bounds for ever', () => {
		const backoff = new Backoff(500, 10_000);
		for (let tries = 0; tries < 5000; tries++) {
			const pause = backoff.next();
			assert.ok(pause >= 250 && pause <= 10_000, `${pause}`);
		}
	});
});

describe('ladder', () => {
	const ALL = ['websocket', 'sse', 'poll'];
	const make = (kept = null) => {
		const clock = {now: 1000, kept};
		clock.ladder = new Ladder(ALL, 300, {
			read: () => clock.kept, write: what => { clock.kept = what; },
		}, () => clock.now);
		return clock;
	};
	test('tries all, and remembers for a while what has worked', () => {
		const clock = make();
		assert.deepEqual(clock.ladder.names(), ALL);
		clock.ladder.worked('sse');
		assert.deepEqual(clock.ladder.names(), ['sse', 'poll']);
		assert.deepEqual(clock.kept, {name: 'sse', until: 1300});
		clock.now = 1200;
		clock.ladder.worked('sse'); // a reconnect does not put it off
		clock.now = 1300;
		assert.deepEqual(clock.ladder.names(), ALL);
		clock.ladder.worked('websocket');
		clock.ladder.heard('websocket');
		assert.deepEqual(clock.ladder.names().length, 1);
	});
	test('remembers for no longer where the clock is put back', () => {
		const clock = make();
		clock.ladder.worked('poll');
		clock.now = -5000;
		assert.deepEqual(clock.ladder.names(), ALL);
	});
	test('does not leave a socket that has worked for one failure', () => {
		const {ladder} = make();
		ladder.worked('websocket');
		assert.deepEqual(ladder.names(), ALL, 'open is not enough');
		ladder.heard('websocket');
		ladder.failed();
		assert.deepEqual(ladder.names(), ['websocket']);
		ladder.failed();
		assert.deepEqual(ladder.names(), ALL);
		ladder.worked('websocket');
		ladder.reset(); // another network
		assert.deepEqual(ladder.names(), ALL);
	});
	test('leaves what opens and says nothing', () => {
		const {ladder} = make();
		for (const [silent, want] of [
			['websocket', ['sse', 'poll']], ['sse', ['poll']], ['poll', ALL],
		]) {
			const before = ladder.names();
			for (const names of [before, want]) { // once may be chance
				ladder.worked(silent);
				ladder.silent(silent);
				assert.deepEqual(ladder.names(), names);
			}
		}
	});
	test('forgets a silence when something is heard', () => {
		const {ladder} = make();
		for (const time of [1, 2, 3]) {
			ladder.silent('sse');
			ladder.worked('websocket');
			ladder.heard('websocket');
			assert.equal(ladder.names().length, 1, `${time}`);
		}
	});
	test('goes on where the page before was', () => {
		for (const [kept, want] of [
			[null, 3], [{name: 'poll', until: 1200}, 1], [{name: 'poll', until: 999}, 3],
			[{name: 'poll', until: 99_999}, 3], [{name: 'pigeon', until: 1200}, 3], [{}, 3],
		]) {
			assert.equal(make(kept).ladder.names().length, want, JSON.stringify(kept));
		}
	});
});

describe('positions', () => {
	const several = ['a', 'b', '__proto__', '7', 'ä "\ud83d\ude00" ,:{}%', '\ud800'];
	for (const [groups, bytes, count] of [
		[several, 4000, 6], [several, 80, 2], [several, 0, 0], [several, -1, 0], [[], 4000, 0],
	]) {
		test(`names ${count} of ${groups.length} in ${bytes} bytes`, () => {
			const positions = new Positions();
			for (const group of groups) positions.set(group, 'x:1');
			const named = positions.name(bytes);
			assert.ok(new URLSearchParams({a: named}).toString().length - 2 <= Math.max(bytes, 0));
			assert.equal(Object.keys(JSON.parse(named || '{}')).length, count);
			assert.equal(groups.filter(group => positions.passed(group, 'x:2')).length,
				groups.length - count);
		});
	}
	test('names what was heard last', () => {
		const positions = new Positions({a: 'x:1', b: 'x:1', c: 'x:1'});
		positions.set('b', 'x:2');
		positions.admit('a', 'x:2');
		assert.equal(positions.name(40), '{"a":"x:2"}');
		assert.deepEqual([positions.passed('b', 'x:2'), positions.passed('b', 'x:3'),
			positions.passed('b', 'y:2'), positions.passed('a', 'x:3'), positions.passed('d', 'x:3')],
		[false, true, true, false, false]);
		assert.equal(positions.name(4000), '{"a":"x:2","b":"x:2","c":"x:1"}');
		assert.equal(positions.passed('b', 'x:3'), false);
	});
	test('take every message once', () => {
		for (const [known, position, news] of [
			[undefined, 'a:1', true],
			['a:1', 'a:2', true],
			['a:2', 'a:2', false],
			['a:3', 'a:2', false],
			['a:9', 'a:10', true],
			['a:9007199254740993', 'a:9007199254740992', false], // beyond what a number holds
			['a:18446744073709551614', 'a:18446744073709551615', true],
			['a:7', 'b:1', true], // of another life of the log
			['x:y:7', 'x:y:6', false], // an epoch may have colons
			['strange', 'strange', false],
			['strange', 'stranger', true],
		]) {
			const positions = new Positions(known && {room: known});
			assert.equal(positions.admit('room', position), news, `${known} ${position}`);
			assert.equal(positions.all().room, news ? position : known);
			assert.equal(positions.admit('other', position), true, 'another group has its own');
		}
	});
	test('jump over a gap, also backwards', () => {
		const positions = new Positions({room: 'a:7'});
		positions.set('room', 'b:2');
		assert.deepEqual(positions.all(), {room: 'b:2'});
		positions.set('room', undefined);
		assert.deepEqual(positions.all(), {});
	});
	test('take any name for a group', () => {
		const positions = new Positions();
		positions.admit('__proto__', 'a:1');
		assert.equal(positions.admit('__proto__', 'a:1'), false);
		assert.match(JSON.stringify(positions.all()), /__proto__/);
	});
});

describe('presence', () => {
	const ann = {member: '1', show: {name: 'ann'}}, bob = {member: '2', show: {name: 'bob'}};
	const state = members => ({type: 'presence.state', group: 'room', members});
	const join = who => ({type: 'presence.join', group: 'room', ...who});
	const leave = who => ({type: 'presence.leave', group: 'room', member: who.member});

	test('follows who comes and goes', () => {
		const presence = new Presence();
		for (const [message, joined, left, count] of [
			[state([ann]), [ann], [], 1],
			[join(bob), [bob], [], 2],
			[join(bob), null, null, 2], // told twice
			[leave(ann), [], [ann], 1],
			[leave(ann), null, null, 1],
			[state([ann]), [ann], [bob], 1], // after a reconnect
			[state([ann]), [], [], 1],
		]) {
			const news = presence.take(message);
			assert.deepEqual(news?.joined ?? null, joined);
			assert.deepEqual(news?.left ?? null, left);
			assert.equal(presence.of('room').size, count);
		}
	});
	test('tells of another show', () => {
		const presence = new Presence();
		presence.take(state([ann]));
		const news = presence.take(join({...ann, show: {name: 'anna'}}));
		assert.deepEqual([news.joined, news.left], [[], []]);
		assert.deepEqual(news.members.get('1'), {name: 'anna'});
	});
	test('gives away nothing that it goes on with', () => {
		const presence = new Presence();
		presence.take(state([ann])).members.clear();
		assert.equal(presence.of('room').size, 1);
	});
	test('looks at one member for one who comes or goes, and at all for who asks', t => {
		let looks = 0;
		const all = Map.prototype[Symbol.iterator];
		t.after(() => { Map.prototype[Symbol.iterator] = all; });
		Map.prototype[Symbol.iterator] = function() { looks++; return all.call(this); };
		const presence = new Presence();
		let last;
		for (const how of [join, leave, join]) {
			for (let i = 0; i < 100; i++) last = presence.take(how({member: `${i}`, show: i}));
		}
		assert.equal(looks, 0);
		assert.deepEqual([last.members.size, last.members, looks], [100, last.members, 1]);
	});
	test('takes the group from the envelope', () => {
		const presence = new Presence();
		presence.take({type: 'presence.join', ...ann}, 'room');
		assert.equal(presence.of('room').size, 1);
	});
});

describe('outbox', () => {
	const request = (id, more) => {
		const item = {id, data: 'xx', answers: [], ...more};
		item.resolve = value => item.answers.push(value);
		item.reject = error => item.answers.push(error.code);
		return item;
	};
	const lost = new ParleyError('disconnected', '');
	const full = {code: 'full'};

	test('hands over in order and is bounded', () => {
		const outbox = new Outbox(3, 100);
		for (const data of ['a', 'b', 'c']) outbox.add({data});
		assert.throws(() => outbox.add({data: 'd'}), full);
		for (const data of ['a', 'b', 'c']) {
			const item = outbox.next();
			assert.equal(item.data, data);
			assert.throws(() => outbox.add({data: 'd'}), full, 'what is in hand counts');
			assert.ok(outbox.handed(item, true));
			outbox.add({data: 'c'});
			outbox.settle();
		}
		assert.equal(outbox.size, 3);
	});
	test('counts bytes, not characters', () => {
		const outbox = new Outbox(10, 4);
		outbox.add({data: 'éé'});
		assert.throws(() => outbox.add({data: 'x'}), full);
		assert.ok(outbox.handed(outbox.next(), true));
		outbox.add({data: new Uint8Array(4)});
		assert.throws(() => outbox.add({data: 'x'}), full);
	});
	test('takes back what the link did not take', () => {
		const outbox = new Outbox(3, 100);
		outbox.add({data: 'a'});
		outbox.add(request(1));
		const first = outbox.next();
		assert.equal(outbox.handed(first, false), false);
		assert.equal(outbox.next(), first);
		outbox.handed(first, true);
		const second = outbox.next();
		outbox.handed(second, false);
		assert.equal(outbox.next(), second);
	});
	test('counts requests until they are answered', () => {
		const outbox = new Outbox(2, 100), first = request(1), second = request(2);
		for (const item of [first, second]) {
			outbox.add(item);
			outbox.handed(outbox.next(), true);
		}
		assert.throws(() => outbox.add({data: 'x'}), full);
		assert.equal(outbox.settle(1), first);
		assert.equal(outbox.settle(1), undefined);
		assert.equal(outbox.settle(7), undefined);
		outbox.add({data: 'x'});
		assert.throws(() => outbox.add({data: 'x'}), full);
	});
	test('sends again after a loss only what may be heard twice', () => {
		const outbox = new Outbox(9, 100);
		const [once, again, waiting] = [request(1), request(2, {resend: true}), request(3)];
		for (const item of [{data: 'said'}, once, again]) {
			outbox.add(item);
			outbox.handed(outbox.next(), true);
		}
		outbox.add(waiting);
		outbox.add({data: 'later'});
		outbox.lost(lost);
		assert.deepEqual(once.answers, ['disconnected']);
		assert.deepEqual([again.answers, waiting.answers], [[], []]);
		assert.deepEqual([1, 2, 3].map(() => outbox.next().data), ['xx', 'xx', 'later']);
		assert.equal(outbox.next(), undefined);
	});
	test('does not send again what the server refuses', () => {
		const outbox = new Outbox(9, 100), again = request(1, {resend: true});
		outbox.add(again);
		outbox.handed(outbox.next(), true);
		outbox.lost(new ParleyError('refused', ''), true);
		assert.deepEqual(again.answers, ['refused']);
		assert.equal(outbox.size, 0);
	});
	test('tells at the end what was not sent', () => {
		const outbox = new Outbox(9, 100), asked = request(1), waiting = request(2);
		outbox.add(asked);
		outbox.handed(outbox.next(), true);
		outbox.add(waiting);
		outbox.add({data: '{}', message: {type: 'x'}});
		assert.deepEqual(outbox.clear(new ParleyError('closed', '')), [{type: 'x'}]);
		assert.deepEqual([asked.answers, waiting.answers], [['closed'], ['closed']]);
		for (let i = 0; i < 9; i++) outbox.add({data: 'x'.repeat(11)}); // all room is back
	});
});

describe('event reader', () => {
	const stream = 'event: open\nid: S.0\nretry: 1000\ndata: {"session":"S"}\n\n: \n\n' +
		'id: S.1\ndata: one\ndata: two\n\nid:\nevent: close\r\ndata: {"code":1012}\r\n\r\n' +
		'data:\n\nevent: nothing\n\nid: S.2\rdata:  x\r\r';
	const want = [
		{name: 'open', id: 'S.0', data: '{"session":"S"}'},
		{name: 'message', id: 'S.1', data: 'one\ntwo'},
		{name: 'close', id: '', data: '{"code":1012}'},
		{name: 'message', id: undefined, data: ''},
		{name: 'message', id: 'S.2', data: ' x'},
	];
	test('reads events however they are cut', () => {
		for (let size = 1; size <= stream.length; size++) {
			const reader = new EventReader(), got = [];
			for (let at = 0; at < stream.length; at += size) {
				got.push(...reader.take(stream.slice(at, at + size)));
			}
			got.push(...reader.take('\n')); // a lone return at the end may be half of a line's end
			assert.deepEqual(got, want, `in parts of ${size}`);
		}
	});
	test('keeps what is not whole', () => {
		const reader = new EventReader();
		assert.deepEqual(reader.take('data: half'), []);
		assert.deepEqual(reader.take(' of it\n'), []);
		assert.deepEqual(reader.take('\n').map(event => event.data), ['half of it']);
	});
	// What has come before is not looked at again: this took hours.
	test('reads a long message that comes in small pieces', () => {
		const reader = new EventReader(), piece = 'x'.repeat(1 << 10);
		reader.take('data: ');
		for (let n = 0; n < 16 << 10; n++) assert.equal(reader.take(piece).length, 0);
		assert.deepEqual(reader.take('\r\n\r\n').map(event => event.data.length), [16 << 20]);
	});
});
