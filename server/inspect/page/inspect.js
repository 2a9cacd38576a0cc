import {Plot, gap} from './plot.js';
import {Table, age, badge, bytes, count, element, meter, none, rate, set, text, titled} from './tables.js';

const $ = id => document.getElementById(id);
const minutes = 5 * 60_000;

let token = '';
let samples = [];
let now = Date.now(); // the server's

// ---- plots ----

// perSecond makes the rate of a count that grows for ever.
const perSecond = key => list => list.flatMap((at, i) => {
	const before = list[i - 1];
	if (!before || at.t - before.t > gap || at.t <= before.t) return [];
	return [{t: at.t, v: Math.max(0, at[key] - before[key]) / ((at.t - before.t) / 1000)}];
});
const level = of => list => list.map(at => ({t: at.t, v: of(at)}));

const plots = [
	['Sockets', 'WebSockets, and sessions of clients without one',
		level(at => at.sockets + at.sessions), count, at => at.streams && `${count(at.streams)} streams`],
	['Requests / s', 'HTTP requests that have ended, and those being served',
		perSecond('served'), rate, at => at.requests && `${count(at.requests)} running`],
	['Messages in / s', 'from clients', perSecond('in'), rate],
	['Messages out / s', 'to clients', perSecond('out'), rate],
	['Waiting for clients', 'bytes that clients have not taken yet',
		level(at => at.waiting), bytes, at => at.queued && `${count(at.queued)} messages`],
	['Bridge calls', 'at work or waiting for their turn',
		level(at => at.calls + at.calling), count, at => at.calling && `${count(at.calling)} queued`],
	['Goroutines', 'of the whole process', level(at => at.goroutines), count],
	['Heap', 'bytes of live objects and of those not yet collected', level(at => at.heap), bytes],
].map(([label, title, points, format, note]) => {
	const beside = () => samples.length > 0 && note?.(samples.at(-1)) || '';
	return {points, plot: new Plot($('tiles'), {label, title, format, beside})};
});

function draw() {
	for (const {points, plot} of plots) plot.show(points(samples), now);
}

// ---- tables ----

const kind = c => c.transport === 'fallback' ? 'session' : c.protocol === 'websocket' ? 'socket' : 'stream';
const kindText = c => kind(c) + (c.transport === 'HTTP/2.0' ? ' h2' : '');

// place is the route above the path; one where they are the same, or there is no route.
const place = node => {
	const main = node.appendChild(element('span', 'route'));
	const path = node.appendChild(element('span', 'path'));
	return c => {
		set(main, c.route || c.path);
		set(path, c.route && c.route !== c.path ? c.path : '');
		node.title = c.path;
	};
};

const user = node => c => {
	set(node, c.user || 'anonymous');
	node.classList.toggle('nobody', !c.user);
	node.title = c.user;
};

const traffic = (messages, size) => c =>
	c[messages] ? `${count(c[messages])} · ${bytes(c[size])}` : none;

const queue = node => {
	const fill = meter(node);
	const figure = node.appendChild(element('span'));
	return c => {
		set(figure, c.queued ? `${count(c.queued)} · ${bytes(c.waiting)}` : none);
		fill(c.waiting / (1 << 20));
		node.dataset.none = c.queued === 0;
	};
};

const kick = node => {
	const button = node.appendChild(element('button', 'kick', 'Kick'));
	button.type = 'button';
	let shown;
	button.addEventListener('click', () => askToKick(shown));
	return c => {
		shown = c;
		button.setAttribute('aria-label', `Kick ${c.user || 'anonymous'} at ${c.path} from ${c.client}`);
	};
};

const rows = new Table($('rows'), [
	{className: 'kind', cell: badge(kindText, kind)},
	{className: 'place', cell: place},
	{className: 'user', cell: user},
	{name: 'client', className: 'client', cell: titled(c => c.client)},
	{name: 'age', className: 'number', cell: text(c => age(now - c.begun))},
	{name: 'queue', className: 'number queue', cell: queue},
	{name: 'in', className: 'number', cell: text(traffic('in', 'bytesIn'))},
	{name: 'out', className: 'number', cell: text(traffic('out', 'bytesOut'))},
	{className: 'action', cell: kick},
], c => c.id);

// tone is how bad a close code is.
const tone = code => code === 1000 || code === 1001 || code === 1005 ? 'good'
	: code === 1012 ? 'calm' : code === 1006 || code === 1011 || code === 1002 ? 'bad' : 'warn';

const cause = c => c.cause.replace(/^parley: websocket closed with \d+/, 'closed by the client').replace(/^parley: /, '');

const ends = new Table($('ends'), [
	{name: 'ago', className: 'number', cell: text(c => age(now - c.ended))},
	{className: 'code', cell: badge(c => c.code, c => tone(c.code))},
	{className: 'cause', cell: titled(cause)},
	{className: 'place', cell: place},
	{className: 'user', cell: user},
	{name: 'lived', className: 'number', cell: text(c => age(c.ended - c.begun))},
	{name: 'in', className: 'number', cell: text(traffic('in', 'bytesIn'))},
	{name: 'out', className: 'number', cell: text(traffic('out', 'bytesOut'))},
], c => c.id);

// showClosed shows what has ended since the process began, most often first.
function showClosed({codes, causes, panics, leaked}) {
	const most = counts => Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
	const list = [
		...most(codes).map(([code, n]) => [code, n, tone(Number(code))]),
		...most(causes).map(([cause, n]) => [cause.replaceAll('_', ' '), n, 'plain']),
		...most({panics, leaked}).map(([name, n]) => [name, n, 'bad']),
	];
	$('codes').replaceChildren(...list.map(([name, n, kind]) => {
		const chip = element('li', 'badge', `${name} × ${count(n)}`);
		chip.dataset.kind = kind;
		return chip;
	}));
}

// ---- layers and bridges ----

// panels are made once for each name, and kept.
const panels = new Map();

function panel(parent, title, name, heads, columns, keyOf) {
	const id = `${parent.id}-${name}`;
	if (panels.has(id)) return panels.get(id);
	const section = element('section');
	const heading = element('h2', '', title);
	heading.append(element('span', 'name', name));
	heading.id = `panel-${panels.size}`;
	section.setAttribute('aria-labelledby', heading.id);
	const facts = element('dl', 'facts');
	const frame = element('div', 'frame');
	frame.tabIndex = 0;
	frame.setAttribute('role', 'region');
	frame.setAttribute('aria-labelledby', heading.id);
	const table = frame.appendChild(element('table'));
	const head = table.createTHead().insertRow();
	for (const [label, className] of heads) {
		const cell = head.appendChild(element('th', className, label));
		cell.scope = 'col';
	}
	table.createTBody();
	section.append(heading, facts, frame);
	parent.append(section);
	const made = {facts: new Map(), list: facts, table: new Table(table, columns, keyOf)};
	panels.set(id, made);
	return made;
}

function showFacts(made, list) {
	for (const [name, value, bad] of list) {
		let shown = made.facts.get(name);
		if (!shown) {
			const group = made.list.appendChild(element('div'));
			group.append(element('dt', '', name));
			shown = group.appendChild(element('dd'));
			made.facts.set(name, shown);
		}
		set(shown, value);
		shown.dataset.bad = Boolean(bad);
	}
}

const size = node => {
	const fill = meter(node);
	const figure = node.appendChild(element('span'));
	return g => {
		set(figure, count(g.members));
		fill(g.members / g.most);
	};
};

function showLayer(l) {
	const made = panel($('layers'), 'Groups', l.name, [['Group'], ['Members', 'number']], [
		{className: 'mono', cell: titled(g => g.name)},
		{name: 'members', className: 'number size', cell: size},
	], g => g.name);
	showFacts(made, [
		['groups', count(l.count)], ['members', count(l.members)], ['inboxes', count(l.inboxes)],
		['unread', count(l.unread)], ['dropped', count(l.dropped), l.dropped > 0],
	]);
	const most = l.groups[0]?.members ?? 1;
	made.table.show(l.groups.map(g => ({...g, most})));
}

const since = new Map(); // when a lane was first seen at its call

function sinceWhen(bridge, lane) {
	if (lane.since || !lane.call) return lane.since;
	const key = `${bridge} ${lane.call}`;
	if (!since.has(key)) since.set(key, now);
	return since.get(key);
}

function showBridge(b) {
	const made = panel($('bridges'), 'Bridge', b.name, [
		['Lane'], ['State'], ['Function'], ['Queue', 'number'], ['Since', 'number'],
	], [
		{className: 'mono', cell: titled(l => l.name)},
		{className: 'kind', cell: badge(l => l.state, l => l.state)},
		{className: 'what', cell: node => {
			const main = node.appendChild(element('span', 'route'));
			const waits = node.appendChild(element('span', 'path'));
			return l => {
				set(main, l.function || (l.call ? `call ${l.call}` : none));
				set(waits, l.waitsFor && `waits for ${l.waitsFor}`);
				node.title = waits.textContent;
			};
		}},
		{name: 'queue', className: 'number', cell: text(l => count(l.queued))},
		{name: 'since', className: 'number', cell: text(l => l.when ? age(now - l.when) : none)},
	], l => l.key);
	showFacts(made, [
		['running', `${count(b.running)} of ${count(b.capacity)}`, b.running >= b.capacity],
		['waiting inside', count(b.parked)], ['queued', count(b.queued), b.queued > b.capacity],
		['abandoned', count(b.abandoned), b.abandoned > 0], ['threads', count(b.threads)],
		['starving', count(b.starving), b.starving > 0], ['served', count(b.served)],
		['rejected', count(b.rejected), b.rejected > 0],
	]);
	const seen = new Map();
	made.table.show(b.lanes.map(lane => {
		const nth = (seen.get(lane.name) ?? 0) + 1; // scopes opened at one place have one name
		seen.set(lane.name, nth);
		return {...lane, key: `${lane.name} ${nth}`, when: sinceWhen(b.name, lane)};
	}));
}

function forgetCalls(list) {
	const calls = new Set(list.flatMap(b => b.lanes.map(lane => `${b.name} ${lane.call}`)));
	for (const key of since.keys()) if (!calls.has(key)) since.delete(key);
}

// ---- the stream ----

let source, again;
const wish = {sort: 'queue', reverse: false, q: ''};

function state(name, words = name) {
	document.body.dataset.state = name;
	set($('state'), words);
}

function connect() {
	clearTimeout(again);
	source?.close();
	const query = new URLSearchParams({sort: wish.sort});
	if (wish.reverse) query.set('reverse', '1');
	if (wish.q) query.set('q', wish.q);
	source = new EventSource(`events?${query}`);
	source.addEventListener('hello', event => greet(JSON.parse(event.data)));
	source.addEventListener('view', event => show(JSON.parse(event.data)));
	source.addEventListener('close', () => state('draining', 'the server goes'));
	source.addEventListener('error', () => {
		state('lost', 'reconnecting');
		if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 3000);
	});
}

function greet(hello) {
	token = hello.token;
	samples = hello.samples;
	set($('process'), `${hello.host} · process ${hello.process} · ${hello.go}`);
	$('drain').hidden = !hello.drains;
	document.title = `Inspector · ${hello.host}`;
}

function show(view) {
	now = view.now;
	samples = [...samples.filter(at => at.t > now - minutes && at.t !== view.sample.t), view.sample];
	state(view.draining ? 'draining' : 'live');
	$('drain').disabled = view.draining;
	set($('count'), wish.q || view.matching > view.rows.length
		? `${count(view.rows.length)} of ${count(view.matching)}, ${count(view.live)} in all` : count(view.live));
	rows.show(view.rows);
	ends.show(view.ends);
	showClosed(view.closed);
	view.layers.forEach(showLayer);
	view.bridges.forEach(showBridge);
	forgetCalls(view.bridges);
	draw();
}

// ---- what the page does ----

let saying;

function say(words) {
	clearTimeout(saying);
	set($('said'), words);
	saying = setTimeout(() => set($('said'), ''), 6000);
}

// ask has somebody confirm, and then does it.
function ask(title, words, button, action) {
	set($('ask-title'), title);
	set($('ask-text'), words);
	set($('ask-yes'), button);
	$('ask-yes').onclick = () => { $('ask').close(); action(); };
	$('ask').showModal();
	$('ask-no').focus();
}

async function post(what, body, done) {
	try {
		const answer = await fetch(what, {
			method: 'POST', headers: {'Parley-Inspect': token, 'Content-Type': 'application/json'},
			body: JSON.stringify(body),
		});
		say(answer.ok ? done : answer.status === 404 ? 'It has ended already.' : await answer.text());
	} catch {
		say('The server does not answer.');
	}
}

function askToKick(c) {
	const who = c.user || 'an anonymous client';
	ask(`Kick ${who}?`, `${c.path} from ${c.client} is closed with 1008: its client is told to stay away.`,
		'Kick', () => post('kick', {id: c.id}, `Kicked ${who}.`));
}

$('drain').addEventListener('click', () => ask('Drain this process?',
	'It takes no more clients, lets those that are here finish, and then ends. This cannot be taken back.',
	'Drain', () => post('drain', {id: '0'}, 'The drain has begun.')));
$('ask-no').addEventListener('click', () => $('ask').close());

let typing;
$('search').addEventListener('input', event => {
	clearTimeout(typing);
	typing = setTimeout(() => {
		wish.q = event.target.value.trim();
		connect();
	}, 250);
});

// the first press shows what is most or oldest first, the second the other way round
for (const head of document.querySelectorAll('th[data-sort]')) {
	head.querySelector('button').addEventListener('click', () => {
		wish.reverse = wish.sort === head.dataset.sort && !wish.reverse;
		wish.sort = head.dataset.sort;
		showSort();
		connect();
	});
}

function showSort() {
	for (const head of document.querySelectorAll('th[data-sort]')) {
		const words = ['route', 'user'].includes(head.dataset.sort);
		if (head.dataset.sort !== wish.sort) head.removeAttribute('aria-sort');
		else head.setAttribute('aria-sort', words !== wish.reverse ? 'ascending' : 'descending');
	}
}

showSort();
draw();
connect();
