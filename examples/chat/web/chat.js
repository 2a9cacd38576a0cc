'use strict';
const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const clean = name => name.trim().toLowerCase().replace(/[^a-z0-9_.-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60);

function element(tag, className, text) {
	const made = document.createElement(tag);
	made.className = className;
	made.textContent = text; // never innerHTML: what others say is text
	return made;
}

// Two transports with the same face. The server does not know the difference.

function overSocket(path, on) {
	const url = new URL(path, location);
	url.protocol = url.protocol.replace('http', 'ws');
	const socket = new WebSocket(url);
	socket.onopen = on.open;
	socket.onmessage = event => on.message(JSON.parse(event.data));
	socket.onclose = event => on.close(event.code);
	return {send: message => socket.send(JSON.stringify(message)), close: () => socket.close()};
}

function overEvents(path, on) {
	const events = new EventSource(path);
	let session, number = 0, sending = Promise.resolve();
	const post = (method, body, headers) => fetch(path, {
		method, body, keepalive: true, headers: {'Parley-Session': session, ...headers},
	});
	const end = code => { events.close(); on.close(code); };
	const say = async message => {
		const body = JSON.stringify(message), numbered = {'Parley-Message': ++number};
		for (let tries = 1; tries <= 5; tries++) { // its number has it heard once, though answers are lost
			const {status} = await post('POST', body, numbered).catch(() => ({status: 503}));
			if (status !== 429 && status !== 503) return;
			await new Promise(done => setTimeout(done, 250 * 2 ** tries));
		}
		if (events.readyState !== EventSource.CLOSED) end(1006); // whether it was taken nobody knows
	};
	events.addEventListener('open', event => { // the server's, with the name of the session
		if (!event.data) return;
		session = JSON.parse(event.data).session;
		on.open();
	});
	events.addEventListener('close', event => end(JSON.parse(event.data).code));
	events.onmessage = event => on.message(JSON.parse(event.data));
	events.onerror = () => events.readyState === EventSource.CLOSED ? end(1006) : on.wait(); // it tries again by itself
	return {
		// one after the other, in their order; what is lost is said again after a reconnect
		send: message => { sending = sending.then(() => say(message)); },
		close: () => { events.close(); return session && post('DELETE').catch(() => {}); },
	};
}

// The connection: it comes back by itself, and what could not be said waits.

const waiting = new Map(); // id -> {room, text, at}: said, and not yet heard back
const preferred = query.get('transport') === 'sse' ? overEvents : overSocket;
let transport = preferred;
let room, nick = '', line = null, attempt = 0, timer, tries = 0;

async function connect() {
	clearTimeout(timer);
	line?.close();
	line = null;
	const mine = ++attempt;
	show('connecting', 'Connecting …');
	try {
		const answer = await whoAmI();
		if (mine !== attempt) return;
		if (!answer) return ask();
		nick = $('nick').textContent = localStorage.nick = answer;
	} catch {
		if (mine === attempt) later();
		return;
	}
	let opened = 0;
	const current = handler => data => { if (mine === attempt) handler(data); };
	line = transport(`rooms/${room}`, {
		open: current(() => {
			opened = performance.now();
			show('online', transport === overEvents ? 'Connected by events' : 'Connected');
			if (slow) send({type: 'slow', on: true});
			// The server knows lines that it has heard before.
			for (const [id, said] of waiting) if (said.room === room) send({type: 'line', id, text: said.text});
		}),
		message: current(take),
		wait: current(() => show('offline', 'Offline, trying again')),
		close: current(code => {
			line = null;
			if (code === 4401) return ask(); // logged out, here or in another tab
			// The server answers, and no socket opens: somebody between us does not let it through.
			if (!opened && transport === overSocket) { transport = overEvents; return connect(); }
			if (opened && performance.now() - opened > 5000) tries = 0; // it was a good one
			later();
		}),
	});
}

function later() {
	transport = preferred; // whatever was in the way may be gone
	const most = Math.min(30000, 500 * 2 ** tries++);
	const wait = most / 2 + Math.random() * most / 2; // not all pages at once
	show('offline', `Offline, next try in ${Math.ceil(wait / 1000)} s`);
	timer = setTimeout(connect, wait);
}

function retry() { if (document.body.dataset.state === 'offline') connect(); }

function send(message) { if (document.body.dataset.state === 'online') line?.send(message); }

function show(state, text) {
	document.body.dataset.state = state;
	$('state').textContent = text;
}

// Who we are. The server keeps its sessions in memory: a new one does not know us,
// so we give our name again, unless we have logged out.

async function whoAmI() {
	const answer = await fetch('login', {cache: 'no-store'});
	if (answer.ok) return answer.text();
	if (answer.status !== 401) throw new Error(answer.status);
	return localStorage.nick ? introduce(localStorage.nick) : '';
}

async function introduce(name) {
	const answer = await fetch('login', {method: 'POST', body: new URLSearchParams({name})});
	if (answer.status === 400) return ''; // no name at all
	if (!answer.ok) throw new Error(answer.status);
	return answer.text();
}

function ask() {
	show('anonymous', 'Not logged in');
	present([]);
	if (!$('login').open) $('login').showModal();
}

$('login').oncancel = event => event.preventDefault();
$('login').onsubmit = event => {
	event.preventDefault();
	localStorage.nick = $('name').value;
	$('login').close();
	$('text').focus();
	connect(); // introduces us, and tries again if that fails
};

$('logout').onclick = async () => {
	delete localStorage.nick;
	waiting.clear();
	await fetch('logout', {method: 'POST'}).catch(() => {}); // the server closes what we have open
};

// What the server says.

let heard = 0, seen = {}, lost = 0, merged = 0; // the numbers of the last line and of the last lists

function take(message) {
	switch (message.type) {
	case 'welcome':
		if (message.lines.length && heard && message.lines[0].number > heard + 1) note('Something was said meanwhile.');
		for (const said of message.lines) hear(said);
		heard = message.lines.at(-1)?.number ?? 0;
		seen = {};
		list(message.here);
		list(message.typing);
		break;
	case 'line':
		if (message.number > heard + 1) missed(message.number - heard - 1);
		heard = message.number;
		if (message.hereNumber > seen.here || message.typingNumber > seen.typing) send({type: 'who'}); // lost as well
		hear(message);
		break;
	default:
		list(message);
	}
}

function missed(lines) {
	lost += lines;
	$('lost').textContent = lost;
	note(lines === 1 ? 'One line was lost: this tab was too slow.' : `${lines} lines were lost: this tab was too slow.`);
}

function list({type, number, nicks}) {
	if (number <= seen[type]) return;
	if (type in seen) merged += number - seen[type] - 1;
	$('merged').textContent = merged;
	seen[type] = number;
	if (type === 'here') present(nicks);
	if (type === 'typing') {
		const others = nicks.filter(name => name !== nick);
		$('typing').textContent = others.length ? `${others.join(', ')} ${others.length > 1 ? 'are' : 'is'} typing …` : '';
	}
}

function present(nicks) {
	const alone = $('alone');
	if (alone) alone.hidden = nicks.some(name => name !== nick);
	$('here').replaceChildren(...nicks.map(name => {
		const item = element('li', '', '');
		item.append(face(name), name + (name === nick ? ' (you)' : ''));
		return item;
	}));
}

function face(name) {
	let hue = 7;
	for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
	const made = element('div', 'face', [...name][0].toUpperCase());
	made.style.setProperty('--hue', hue);
	made.setAttribute('aria-hidden', 'true');
	return made;
}

// The log.

function hear(message) {
	const known = $('line-' + message.id);
	if (known && !waiting.has(message.id)) return; // it is in the history of a reconnect, too
	if (known) known.remove();
	waiting.delete(message.id);
	add(message);
	if (document.hidden) document.title = `(${++unheard}) #${room}`;
}

function add(message, isWaiting) {
	const mine = message.from === nick;
	const before = $('log').lastElementChild;
	const item = element('li', 'line' + (mine ? ' mine' : '') + (isWaiting ? ' waiting' : ''), '');
	item.id = 'line-' + message.id;
	item.dataset.from = message.from;
	item.classList.toggle('same', before?.dataset.from === message.from);
	const picture = face(message.from);
	item.style.setProperty('--hue', picture.style.getPropertyValue('--hue'));
	const who = element('div', 'who', '');
	const time = element('time', '', new Date(message.at).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'}));
	time.dateTime = message.at;
	who.append(element('b', '', message.from), time);
	item.append(who, picture, element('p', '', message.text));
	append(item);
}

function note(text) { append(element('li', 'note', text)); }

function append(item) {
	const log = $('log');
	const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
	log.append(item);
	while (log.children.length > 500) log.firstElementChild.remove();
	if (atEnd || item.classList.contains('mine')) log.scrollTop = log.scrollHeight;
}

let unheard = 0;
document.onvisibilitychange = () => {
	retry();
	unheard = 0;
	document.title = `#${room} · Parley chat`;
};

// What the person does.

function decoded(text) {
	try { return decodeURIComponent(text); } catch { return text; }
}

function enter() {
	const wanted = decoded(location.hash.slice(1)).trim();
	room = clean(wanted) || 'lobby';
	if (wanted && wanted !== room) history.replaceState(null, '', '#' + room);
	const visited = new Set(['lobby', 'random', ...JSON.parse(localStorage.rooms || '[]'), room]);
	localStorage.rooms = JSON.stringify([...visited].slice(-20));
	$('title').textContent = '#' + room;
	document.title = `#${room} · Parley chat`;
	$('rooms').replaceChildren(...[...visited].map(name => {
		const link = element('a', '', '#' + name);
		link.href = '#' + name;
		if (name === room) link.setAttribute('aria-current', 'page');
		return link;
	}));
	heard = lost = merged = 0;
	$('lost').textContent = $('merged').textContent = 0;
	const alone = element('li', 'note', 'Nobody else around? Open this page in a private window and be somebody else.');
	alone.id = 'alone';
	$('log').replaceChildren(alone);
	if (wanted && wanted !== room) note(`“${wanted}” is called #${room} here.`);
	for (const [id, said] of waiting) if (said.room === room) add({id, from: nick, ...said}, true);
	connect();
	$('text').focus();
}

let typing = false, pause;
function types(on) {
	clearTimeout(pause);
	if (on) pause = setTimeout(types, 4000, false); // thinks
	if (on !== typing) send({type: 'typing', on});
	typing = on;
}

$('text').oninput = () => types($('text').value !== '');

$('compose').onsubmit = event => {
	event.preventDefault();
	const text = $('text').value.trim();
	$('text').value = '';
	$('text').focus();
	if (!text) return;
	const id = [...crypto.getRandomValues(new Uint32Array(3))].map(n => n.toString(36)).join('');
	const said = {room, text, at: new Date().toISOString()};
	waiting.set(id, said);
	add({id, from: nick, ...said}, true);
	send({type: 'line', id, text});
	clearTimeout(pause);
	typing = false; // whoever has said something is done, for the server too
};

$('text').onkeydown = event => { // Enter sends, Shift+Enter begins a new line
	if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
	event.preventDefault();
	$('compose').requestSubmit();
};

$('join').onsubmit = event => {
	event.preventDefault();
	const name = $('room').value.trim();
	$('room').value = '';
	if (name) location.hash = encodeURIComponent(name); // enter tells if it can't be called so
	$('text').focus();
};

let slow = query.get('slow') === '1';
function dawdle() {
	$('slow').setAttribute('aria-pressed', slow);
	$('slowly').hidden = !slow;
}
$('slow').onclick = () => {
	slow = !slow;
	dawdle();
	send({type: 'slow', on: slow});
};
dawdle();

$('retry').onclick = retry;
addEventListener('online', retry);
addEventListener('hashchange', enter);
addEventListener('pagehide', () => { if (transport === overEvents) line?.close(); });
addEventListener('pageshow', event => { if (event.persisted) connect(); });
enter();
