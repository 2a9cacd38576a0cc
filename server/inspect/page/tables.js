// Tables whose rows are kept: what has the focus keeps it, and what did not change is not
// touched. Whatever a client or a user has chosen is only ever put into a text.

export function set(node, text) {
	text = String(text);
	if (node.textContent !== text) node.textContent = text;
}

export function element(name, className, text) {
	const node = document.createElement(name);
	if (className) node.className = className;
	if (text !== undefined) node.textContent = text;
	return node;
}

// toggle shows the note that stands for an empty table.
function toggle(table, empty) {
	const note = document.querySelector(`[data-empty="${table.id}"]`);
	if (note) note.hidden = !empty;
	(table.closest('.frame') ?? table).hidden = empty;
}

// Table shows a list. Columns have a name for small screens, and make a cell: a function
// that brings it up to date.
export class Table {
	constructor(table, columns, keyOf) {
		this.table = table;
		this.body = table.tBodies[0];
		this.columns = columns;
		this.keyOf = keyOf;
		this.rows = new Map();
	}

	// still is true while somebody is about to press something: rows stay where they are.
	still() { return this.body.matches(':hover, :focus-within'); }

	make() {
		const row = element('tr');
		const updates = this.columns.map(({name, className, cell}) => {
			const node = row.appendChild(element('td', className));
			if (name) node.dataset.name = name;
			return cell(node);
		});
		return {row, update: item => updates.forEach(update => update(item))};
	}

	show(list) {
		const keys = new Set(list.map(this.keyOf));
		for (const [key, {row}] of this.rows) {
			if (!keys.has(key)) {
				row.remove();
				this.rows.delete(key);
			}
		}
		const still = this.still();
		let after = null;
		for (const item of list) {
			const key = this.keyOf(item);
			let shown = this.rows.get(key);
			const fresh = !shown;
			if (fresh) {
				shown = this.make();
				this.rows.set(key, shown);
			}
			shown.update(item);
			if (fresh && still) {
				this.body.append(shown.row);
			} else if (!still) {
				const next = after ? after.nextSibling : this.body.firstChild;
				if (next !== shown.row) this.body.insertBefore(shown.row, next);
				after = shown.row;
			}
		}
		toggle(this.table, list.length === 0);
	}
}

// none stands for what is not there.
export const none = '–';

// text is a cell of one text.
export const text = of => node => item => {
	set(node, of(item));
	node.dataset.none = node.textContent === none;
};

// titled is a cell that may be cut, and shows all of it to who points at it.
export const titled = of => node => item => {
	set(node, of(item));
	if (node.title !== node.textContent) node.title = node.textContent;
};

// badge is a cell of one word with a colour.
export const badge = (of, kind) => node => {
	const inner = node.appendChild(element('span', 'badge'));
	return item => {
		set(inner, of(item));
		inner.dataset.kind = kind(item);
	};
};

// meter is a bar from nothing to all.
export function meter(node) {
	const bar = node.appendChild(element('span', 'meter'));
	const fill = bar.appendChild(element('span'));
	return part => {
		const percent = `${Math.round(100 * Math.min(1, Math.max(0, part)))}%`;
		if (fill.style.width !== percent) fill.style.width = percent;
		bar.dataset.full = part >= 0.9;
	};
}

const plain = new Intl.NumberFormat('en');

export const count = n => plain.format(Math.round(n));

export function bytes(n) {
	const units = ['B', 'KB', 'MB', 'GB', 'TB'];
	let unit = 0;
	for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1000;
	return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

export const rate = n => n < 10 && n > 0 ? n.toFixed(1) : count(n);

export function age(milliseconds) {
	const s = Math.max(0, Math.round(milliseconds / 1000));
	if (s < 60) return `${s} s`;
	const m = Math.floor(s / 60), h = Math.floor(m / 60);
	if (h < 1) return `${m}:${String(s % 60).padStart(2, '0')} min`;
	if (h < 48) return `${h} h ${m % 60} min`;
	return `${Math.floor(h / 24)} d ${h % 24} h`;
}
